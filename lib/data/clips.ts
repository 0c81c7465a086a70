import { JepaError } from '../errors.js';
import { joined } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { batch } from './batch.js';
import { checkPositive } from './check.js';
import { type Dataset, fromIndex, type IndexedDataset } from './dataset.js';
import type { Episodes } from './episodes.js';
import { type HostObservations, mapEach } from './modalities.js';
import type { MultimodalEpisodes } from './multimodal-episodes.js';
import { prefetch } from './prefetch.js';
import { repeat } from './select.js';
import { shuffle } from './shuffle.js';
import { type SkipCorruptOptions, skipCorrupt } from './skip-corrupt.js';

/** Clips on the host: what world models learn from. Of several modalities, observations are a record of arrays. */
export interface Clips<Data extends HostObservations = Uint8Array | Float32Array> {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, H, W, C] uint8, or [clips, frames, size] float32 */
  readonly observations: Data;
  /** [clips, frames, A] in the world's units */
  readonly actions: Float32Array;
}

/** Clips of several modalities, by name. */
export type ClipsOf<Name extends string> = Clips<Readonly<Record<Name, Uint8Array | Float32Array>>>;

export interface ClipOptions {
  /** Frames of a clip. */
  readonly frames: number;
  /**
   * Recorded frames from one frame of a clip to the next (default 1). The actions in between are all kept: those of a frame are
   * [frameSkip · A], as LeWorldModel's and DINO-WM's are.
   */
  readonly frameSkip?: number;
  /** Recorded frames from the beginning of a clip to that of the next (default 1: every possible clip). */
  readonly every?: number;
}

/**
 * All clips of some length in recorded episodes, in order: an indexed dataset. Episodes that are too short have none.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT; ERR_JEPA_DATASET if all are too short
 * @example const heldOut = shard(clips(episodes, { frames: 16, every: 16 }), { index: 0, count: 10 });
 */
export function clips(episodes: Episodes, options: ClipOptions): IndexedDataset<Clips>;
export function clips<Name extends string>(
  episodes: MultimodalEpisodes<Name>,
  options: ClipOptions,
): IndexedDataset<ClipsOf<Name>>;
export function clips(
  episodes: Episodes | MultimodalEpisodes,
  options: ClipOptions,
): IndexedDataset<Clips<HostObservations>>;
export function clips(
  episodes: Episodes | MultimodalEpisodes,
  options: ClipOptions,
): IndexedDataset<Clips<HostObservations>> {
  checkOptions('clips', options, ['frames', 'frameSkip', 'every']);
  const { frames, frameSkip, every } = withDefaults({ frameSkip: 1, every: 1 }, options);
  for (const [name, value] of Object.entries({ frames, frameSkip, every })) checkPositive('clips', name, value);
  const span = frames * frameSkip;
  const ends: number[] = []; // of each episode, in clips of all
  for (const length of episodes.lengths)
    ends.push((ends.at(-1) ?? 0) + (length < span ? 0 : Math.floor((length - span) / every) + 1));
  const count = ends.at(-1) ?? 0;
  if (count === 0)
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[clips] expected an episode of at least ${span} frames (${frames} frames, each ${frameSkip} after the last), got ${episodes.lengths.length} of at most ${Math.max(0, ...episodes.lengths)}`,
      { help: ['record longer episodes, or ask for clips of fewer frames (`clipFrames` of WorldModel.fit)'] },
    );
  return fromIndex(
    async (index) => {
      const episode = firstAbove(ends, index);
      const start = (index - (ends[episode - 1] ?? 0)) * every;
      const { actionSize, actions } = episodes;
      return {
        clips: 1,
        frames,
        observations: await episodes.observe(episode, start, frames, frameSkip),
        actions: actions[episode].slice(start * actionSize, (start + span) * actionSize),
      };
    },
    { count },
  );
}

/** Clips of the same length as one batch. @example const batches = batch(clips(episodes, { frames: 16 }), 8, { collate: collateClips }); */
export function collateClips<Data extends HostObservations>(list: readonly Clips<Data>[]): Clips<Data> {
  const [first] = list;
  const seen = (name?: string): (Uint8Array | Float32Array)[] =>
    list.map(({ observations }) => (name === undefined ? observations : observations[name as never]) as Uint8Array);
  return {
    clips: list.reduce((sum, { clips }) => sum + clips, 0),
    frames: first.frames,
    observations: mapEach(first.observations, (_, name) => joined(seen(name))) as Data,
    actions: joined(list.map(({ actions }) => actions)),
  };
}

export interface ClipBatchOptions extends ClipOptions, Pick<SkipCorruptOptions, 'onCorrupt'> {
  /** Clips of a batch (default 16). */
  readonly clips?: number;
  /** Decides the order. */
  readonly seed: number;
}

/**
 * Endless random batches of clips, read ahead, for a `Trainer`: `prefetch(batch(shuffle(repeat(skipCorrupt(clips(…)))), …))`.
 * Batch `index` depends on the episodes, the options and the index alone, so a resumed run meets the same ones.
 * @throws JepaError as {@link clips} and {@link shuffle} do
 * @example for await (const event of new Trainer(training, { steps: 2000 }).run(clipBatches(episodes, { frames: 16, seed: 1 }))) …
 */
export function clipBatches(episodes: Episodes, options: ClipBatchOptions): Dataset<Clips>;
export function clipBatches<Name extends string>(
  episodes: MultimodalEpisodes<Name>,
  options: ClipBatchOptions,
): Dataset<ClipsOf<Name>>;
export function clipBatches(
  episodes: Episodes | MultimodalEpisodes,
  options: ClipBatchOptions,
): Dataset<Clips<HostObservations>>;
export function clipBatches(
  episodes: Episodes | MultimodalEpisodes,
  options: ClipBatchOptions,
): Dataset<Clips<HostObservations>> {
  checkOptions('clipBatches', options, ['frames', 'frameSkip', 'every', 'clips', 'seed', 'onCorrupt']);
  const { clips: size = 16, seed, onCorrupt, ...which } = options;
  const good = skipCorrupt(clips(episodes, which), { onCorrupt });
  return prefetch(batch(shuffle(repeat(good), { seed }), size, { collate: collateClips }));
}

/** The first place whose number is above a value; numbers ascend. */
function firstAbove(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
