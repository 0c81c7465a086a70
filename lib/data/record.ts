import { JepaError } from '../errors.js';
import { joined } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { Environment } from '../worlds/environment.js';
import { Random } from '../worlds/random.js';
import { type Space, type SpaceValue, sample, spaceSize, valueProblem } from '../worlds/space.js';
import { checkPositive } from './check.js';
import { type Episode, type Episodes, inMemory } from './episodes.js';

/** What to do at a frame. Random numbers are those of the episode, so that a seed repeats it. */
export type EpisodePolicy = (observation: SpaceValue, random: Random) => SpaceValue | Promise<SpaceValue>;

export interface RecordOptions {
  /** Episodes to play (default 64), and the most frames of each (default 64). */
  readonly episodes?: number;
  readonly frames?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default: evenly drawn actions, each held for one to four frames, since a force that changes at every frame moves nothing far. */
  readonly policy?: EpisodePolicy;
  readonly signal?: AbortSignal;
}

/**
 * Plays an environment and keeps what was seen and done: episodes in memory, as a world model learns from them. A choice among n is kept
 * as n numbers of which one is 1.
 * @throws JepaError ERR_JEPA_SHAPE for observations that are neither pictures nor readings, ERR_JEPA_INVALID_ARGUMENT for an action that is
 *   none of the environment's, ERR_JEPA_ABORTED
 * @example const episodes = await recordEpisodes(new twoRoom.TwoRoom(), { episodes: 20, policy: (seen, random) => … });
 */
export async function recordEpisodes(environment: Environment, options: RecordOptions = {}): Promise<Episodes> {
  checkOptions('recordEpisodes', options, ['episodes', 'frames', 'seed', 'policy', 'signal']);
  const settings = withDefaults({ episodes: 64, frames: 64, seed: 0, policy: undefined, signal: undefined }, options);
  for (const name of ['episodes', 'frames'] as const) checkPositive('recordEpisodes', name, settings[name]);
  const { observationSpace, frameRate, name } = environment;
  if (observationSpace.type !== 'box')
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[recordEpisodes] expected '${name}' to show pictures or readings, a box space, got a ${observationSpace.type} one`,
    );
  const list: (Episode & { readonly name: string })[] = [];
  for (let index = 0; index < settings.episodes; index++) {
    const random = new Random(settings.seed, `episode ${index}`);
    const { observations, actions } = await play(environment, random, settings);
    list.push({
      name: `episode ${index} of '${name}'`,
      observations: {
        dtype: observationSpace.dtype,
        shape: [observations.length, ...observationSpace.shape],
        data: joined(observations),
      },
      actions: {
        dtype: 'float32',
        shape: [actions.length, actionNumbers(environment.actionSpace)],
        data: joined(actions),
      },
    });
  }
  return inMemory('recordEpisodes', list, { frameRate });
}

/** One episode: frames, and the action taken at each, that at the last one included. */
async function play(
  environment: Environment,
  random: Random,
  { frames, policy = held(environment.actionSpace), signal }: RecordOptions & { readonly frames: number },
): Promise<{ observations: (Uint8Array | Float32Array)[]; actions: Float32Array[] }> {
  let { observation } = await environment.reset({ seed: random.below(2 ** 31) });
  const observations: (Uint8Array | Float32Array)[] = [];
  const actions: Float32Array[] = [];
  for (let over = false; ; ) {
    if (signal?.aborted)
      throw new JepaError('ERR_JEPA_ABORTED', '[recordEpisodes] stopped by its signal', { cause: signal.reason });
    const action = await policy(observation, random);
    const problem = valueProblem(environment.actionSpace, action);
    if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[recordEpisodes] expected an action: ${problem}`);
    observations.push(observation as Uint8Array | Float32Array);
    actions.push(numbersOf(environment.actionSpace, action));
    if (over || observations.length === frames) return { observations, actions };
    ({ observation, terminated: over } = await environment.step(action));
  }
}

function held(space: Space): EpisodePolicy {
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
