import { JepaError } from '../errors.js';
import type { Episodes } from './episodes.js';

/** Recordings of several modalities side by side. */
export interface MultimodalEpisodes<Name extends string = string>
  extends Pick<Episodes, 'frameRate' | 'lengths' | 'actionSize' | 'actionNames' | 'actionUnits' | 'actions'> {
  readonly observation: {
    readonly kind: 'multimodal';
    readonly modalities: Readonly<Record<Name, Episodes['observation']>>;
  };
  /** The recordings of each modality. */
  readonly parts: Readonly<Record<Name, Episodes>>;
  /** As of {@link Episodes}, from all of them. */
  observe(
    episode: number,
    start: number,
    count: number,
    stride: number,
  ): Promise<Readonly<Record<Name, Uint8Array | Float32Array>>>;
}

/**
 * The same episodes as several sources have them, as one: frame by frame a record of what each of them saw. Actions are those of the
 * sources that have some; frames per second, where one of them knows.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT without any, ERR_JEPA_DATASET where sources differ in lengths, actions or frames per second
 * @example
 * const path = 'datasets/pusht_image';
 * const episodes = multimodalEpisodes({
 *   camera: await leRobotEpisodes(path, { observations: 'observation.image', height: 64, width: 64 }),
 *   joints: await leRobotEpisodes(path, { observations: 'observation.state' }),
 * });
 */
export function multimodalEpisodes<Name extends string>(
  modalities: Readonly<Record<Name, Episodes>>,
): MultimodalEpisodes<Name> {
  const parts = Object.entries(modalities) as [Name, Episodes][];
  const [first] = parts;
  if (!first)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[multimodalEpisodes] expected episodes by modality, got none');
  const [acting, actor] = parts.find(([, { actions }]) => actions.some(moves)) ?? first;
  const [, timed] = parts.find(([, { frameRate }]) => frameRate !== undefined) ?? first;
  for (const [name, { lengths, actions, frameRate = timed.frameRate }] of parts) {
    expectEqual(`lengths of '${name}' and '${first[0]}'`, lengths, first[1].lengths);
    expectEqual(`frames per second of '${name}'`, [frameRate], [timed.frameRate]);
    if (!actions.some(moves)) continue;
    for (const [episode, taken] of actions.entries())
      expectEqual(`actions of '${name}' and '${acting}' in episode ${episode}`, taken, actor.actions[episode]);
  }
  const byName = <Value>(of: (episodes: Episodes) => Value) =>
    Object.fromEntries(parts.map(([name, episodes]) => [name, of(episodes)])) as Record<Name, Value>;
  return {
    observation: { kind: 'multimodal', modalities: byName(({ observation }) => observation) },
    parts: modalities,
    frameRate: timed.frameRate,
    lengths: first[1].lengths,
    actionSize: actor.actionSize,
    actionNames: actor.actionNames,
    actionUnits: actor.actionUnits,
    actions: actor.actions,
    observe: async (...which) => {
      const seen = await Promise.all(parts.map(([, episodes]) => episodes.observe(...which)));
      return Object.fromEntries(parts.map(([name], index) => [name, seen[index]])) as Record<
        Name,
        (typeof seen)[number]
      >;
    },
  };
}

/** Whether there is an action at all: without a record of them readers give one that is always 0. */
const moves = (actions: Float32Array): boolean => actions.some((value) => value !== 0);

function expectEqual(what: string, got: ArrayLike<number | undefined>, expected: ArrayLike<number | undefined>): void {
  const values = Array.from(got);
  const at = values.findIndex((value, index) => value !== expected[index]);
  if (at < 0 && values.length === expected.length) return;
  const place = Math.max(at, 0);
  throw new JepaError(
    'ERR_JEPA_DATASET',
    `[multimodalEpisodes] expected the same ${what}, got ${values[place]} and ${expected[place]} at ${place} of ${values.length} and ${expected.length}`,
  );
}
