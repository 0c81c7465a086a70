import { JepaError } from '../errors.js';
import { joined } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { Environment } from '../worlds/environment.js';
import { Random } from '../worlds/random.js';
import {
  type BoxSpace,
  formProblem,
  type ObservationSpace,
  type ObservationValue,
  type Space,
  type SpaceValue,
  sample,
  spaceSize,
  valueProblem,
} from '../worlds/space.js';
import { checkPositive } from './check.js';
import { type Episodes, inMemory } from './episodes.js';
import { type MultimodalEpisodes, multimodalEpisodes } from './multimodal-episodes.js';

/** What to do at a frame. Random numbers are those of the episode, so that a seed repeats it. */
export type EpisodePolicy<Observation extends ObservationValue = SpaceValue> = (
  observation: Observation,
  random: Random,
) => SpaceValue | Promise<SpaceValue>;

export interface RecordOptions<Observation extends ObservationValue = SpaceValue> {
  /** Episodes to play (default 64), and the most frames of each (default 64). */
  readonly episodes?: number;
  readonly frames?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default: evenly drawn actions, each held for one to four frames, since a force that changes at every frame moves nothing far. */
  readonly policy?: EpisodePolicy<Observation>;
  readonly signal?: AbortSignal;
}

/** Episodes of what an environment shows: of several modalities where observations are records. */
export type EpisodesOf<Observation extends ObservationValue> = Observation extends SpaceValue
  ? Episodes
  : MultimodalEpisodes<keyof Observation & string>;

/**
 * Plays an environment and keeps what was seen and done: episodes in memory, as a world model learns from them. A choice among n is kept
 * as n numbers of which one is 1.
 * @throws JepaError ERR_JEPA_SHAPE for observations that are neither pictures nor readings, ERR_JEPA_INVALID_ARGUMENT for an action that is
 *   none of the environment's, ERR_JEPA_ABORTED
 * @example const episodes = await recordEpisodes(new twoRoom.TwoRoom(), { episodes: 20, policy: (seen, random) => … });
 */
export async function recordEpisodes<Observation extends ObservationValue = SpaceValue>(
  environment: Environment<Observation>,
  options: RecordOptions<Observation> = {},
): Promise<EpisodesOf<Observation>> {
  checkOptions('recordEpisodes', options, ['episodes', 'frames', 'seed', 'policy', 'signal']);
  const settings = withDefaults({ episodes: 64, frames: 64, seed: 0, policy: undefined, signal: undefined }, options);
  for (const name of ['episodes', 'frames'] as const) checkPositive('recordEpisodes', name, settings[name]);
  const { frameRate, name, actionSpace } = environment;
  const space: ObservationSpace = environment.observationSpace;
  for (const seen of space.type === 'dict' ? Object.values(space.spaces) : [space])
    if (seen.type !== 'box')
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[recordEpisodes] expected '${name}' to show pictures or readings, a box space, got a ${seen.type} one`,
      );
  const played: Played[] = [];
  for (let index = 0; index < settings.episodes; index++)
    played.push(await play(environment, new Random(settings.seed, `episode ${index}`), settings));
  const labels = labelsOf(actionSpace, actionNumbers(actionSpace));
  /** All of what was seen, or one modality of it. */
  const recorded = (of: BoxSpace, pick: (seen: ObservationValue) => unknown): Episodes => {
    const { dtype, shape } = of;
    const episodes = inMemory(
      'recordEpisodes',
      played.map(({ observations, actions }, index) => ({
        name: `episode ${index} of '${name}'`,
        observations: {
          dtype,
          shape: [observations.length, ...shape],
          data: joined(observations.map(pick) as (Uint8Array | Float32Array)[]),
        },
        actions: { dtype: 'float32', shape: [actions.length, actionNumbers(actionSpace)], data: joined(actions) },
      })),
      { frameRate },
    );
    const { observation } = episodes;
    return {
      ...episodes,
      observation: observation.kind === 'vector' ? { ...observation, ...labelsOf(of, observation.size) } : observation,
      ...(labels.names ? { actionNames: labels.names } : {}),
      ...(labels.units ? { actionUnits: labels.units } : {}),
    };
  };
  if (space.type !== 'dict') return recorded(space as BoxSpace, (seen) => seen) as EpisodesOf<Observation>;
  const parts = Object.entries(space.spaces).map(([modality, of]) => [
    modality,
    recorded(of as BoxSpace, (seen) => (seen as Readonly<Record<string, SpaceValue>>)[modality]),
  ]);
  return multimodalEpisodes(Object.fromEntries(parts)) as EpisodesOf<Observation>;
}

/** One episode: frames, and the action taken at each, that at the last one included. */
interface Played {
  readonly observations: ObservationValue[];
  readonly actions: Float32Array[];
}

async function play<Observation extends ObservationValue>(
  environment: Environment<Observation>,
  random: Random,
  { frames, policy = held(environment.actionSpace), signal }: RecordOptions<Observation> & { readonly frames: number },
): Promise<Played> {
  let { observation } = await environment.reset({ seed: random.below(2 ** 31) });
  const observations: ObservationValue[] = [];
  const actions: Float32Array[] = [];
  for (let over = false; ; ) {
    if (signal?.aborted)
      throw new JepaError('ERR_JEPA_ABORTED', '[recordEpisodes] stopped by its signal', { cause: signal.reason });
    expectForm(environment, observation); // before a policy reads it, and before more is played
    const action = await policy(observation, random);
    const problem = valueProblem(environment.actionSpace, action);
    if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[recordEpisodes] expected an action: ${problem}`);
    observations.push(observation);
    actions.push(numbersOf(environment.actionSpace, action));
    if (over || observations.length === frames) return { observations, actions };
    ({ observation, terminated: over } = await environment.step(action));
  }
}

/** Whether an observation has the type and the lengths that its space says, whatever its numbers. */
function expectForm<Observation extends ObservationValue>(
  { name, observationSpace }: Environment<Observation>,
  observation: ObservationValue,
): void {
  const space: ObservationSpace = observationSpace;
  const parts: readonly [what: string, of: Space, value: unknown][] =
    space.type === 'dict'
      ? Object.entries(space.spaces).map(([key, of]) => [
          `'${key}'`,
          of,
          (observation as Readonly<Record<string, unknown>> | undefined)?.[key],
        ])
      : [['observations', space, observation]];
  for (const [what, of, value] of parts) {
    const problem = formProblem(of as BoxSpace, value);
    if (problem)
      throw new JepaError('ERR_JEPA_SHAPE', `[recordEpisodes] expected ${what} of '${name}' to be ${problem}`, {
        help: ['await checkEnvironment(environment) lists all that is wrong with it'],
      });
  }
}

/** Names and units of a space's numbers, where each number has its own. */
function labelsOf(space: Space, numbers: number): { names?: readonly string[]; units?: readonly string[] } {
  const units = space.type === 'box' ? space.units : undefined;
  const all = (texts: readonly string[] | undefined): boolean => texts?.length === numbers;
  return { ...(all(space.names) ? { names: space.names } : {}), ...(all(units) ? { units } : {}) };
}

function held(space: Space): EpisodePolicy<ObservationValue> {
  let action: SpaceValue = 0;
  let left = 0;
  return (_, random) => {
    if (left === 0) {
      action = sample(space, random);
      left = 1 + random.below(4);
    }
    left--;
    return action;
  };
}

const actionNumbers = (space: Space): number => (space.type === 'discrete' ? space.size : spaceSize(space));

function numbersOf(space: Space, action: SpaceValue): Float32Array {
  if (typeof action !== 'number') return Float32Array.from(action);
  const choice = new Float32Array(actionNumbers(space));
  choice[action] = 1;
  return choice;
}
