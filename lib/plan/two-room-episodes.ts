import { setImmediate } from 'node:timers/promises';
import { unlessAborted } from '../data/abort.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { GoalEpisode } from '../worlds/goal-environment.js';
import { TwoRoom } from '../worlds/two-room/environment.js';
import { type GoalPairs, type Policy, successes } from '../worlds/two-room/protocol.js';
import { frameSkip } from '../worlds/two-room/training.js';
import type { CemOptions } from './cross-entropy.js';
import {
  type DecideBlock,
  type EpisodeResults,
  type PlanGoalEpisodesOptions,
  type PlayOptions,
  planGoalEpisodes,
  playGoalEpisodes,
} from './goal-episodes.js';
import type { PlannerOptions } from './planner.js';

export const imageSize = 32;

/** The search: 64 plans of five blocks, five iterations, eight elites; half of the noise is shared within a block. */
export const twoRoomSearch: CemOptions = {
  horizon: 5,
  numSamples: 64,
  numElites: 8,
  iterations: 5,
  bounds: [-1, 1],
  repeat: frameSkip,
  sharedNoise: 0.5,
};

export interface PlanEpisodesOptions
  extends Pick<PlannerOptions, 'waypoints'>,
    Pick<PlanGoalEpisodesOptions, 'replanEvery'>,
    Pick<PlayOptions, 'signal' | 'onEpisode'> {
  /** Told where the agent is after each step, for pictures of the walk: never seen by who decides. */
  readonly onPosition?: (episode: number, x: number, y: number) => void;
}

/**
 * Plans from pictures on the true simulator; an episode ends with its success.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
 * @example
 * const model = await trainTwoRoom(7, { steps: 100 });
 * const pairs = twoRoom.goalPairs({ split: 'validation', seed: 7, count: 10 });
 * const { first } = await planEpisodes(model, pairs, 7);
 * twoRoom.successRate(first); // share of the pairs that it got between
 */
export function planEpisodes(
  model: WorldModel,
  pairs: GoalPairs,
  seed: number,
  { waypoints, onPosition, ...options }: PlanEpisodesOptions = {},
): Promise<EpisodeResults> {
  return planGoalEpisodes(model, new TwoRoom({ imageSize }), episodesOf(pairs), {
    ...options,
    blockSteps: frameSkip,
    planner: { ...twoRoomSearch, seed, waypoints },
    onStep: (episode, { position }) => {
      const [x, y] = position as Float32Array;
      onPosition?.(episode, x, y);
    },
  });
}

/** What somebody else reaches who sees the same pictures. @returns [count] step of the first success, −1 if never */
export const walkEpisodes = (pairs: GoalPairs, decide: DecideBlock, signal?: AbortSignal): Promise<Int32Array> =>
  playGoalEpisodes(new TwoRoom({ imageSize }), episodesOf(pairs), decide, 1, { blockSteps: frameSkip, signal });

/**
 * What a policy reaches that sees true positions; between two pairs others have their turn, and the signal is heard.
 * @param where for the error   @returns [count] step of the first success, −1 if never   @throws JepaError ERR_JEPA_ABORTED
 */
export async function policyEpisodes(
  where: string,
  pairs: GoalPairs,
  policy: Policy,
  signal?: AbortSignal,
): Promise<Int32Array> {
  const first: number[] = [];
  for (const step of successes(pairs, policy)) {
    first.push(step);
    await unlessAborted(where, setImmediate(), signal);
  }
  return Int32Array.from(first);
}

/** One frame tells everything: nothing has to happen before it. */
function episodesOf({ count, starts, goals, budget }: GoalPairs): GoalEpisode[] {
  return Array.from({ length: count }, (_, row) => ({
    reset: {
      options: { start: starts.slice(2 * row, 2 * row + 2), goal: goals.slice(2 * row, 2 * row + 2) },
    },
    before: new Float32Array(0),
    budget,
  }));
}
