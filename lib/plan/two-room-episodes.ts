import type { WorldModel } from '../world-model/world-model.js';
import type { GoalEpisode } from '../worlds/goal-environment.js';
import { TwoRoom } from '../worlds/two-room/environment.js';
import type { GoalPairs } from '../worlds/two-room/protocol.js';
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

/** Plans from pictures on the true simulator; an episode ends with its success. @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED */
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
export const walkEpisodes = (pairs: GoalPairs, decide: DecideBlock): Promise<Int32Array> =>
  playGoalEpisodes(new TwoRoom({ imageSize }), episodesOf(pairs), decide, 1, { blockSteps: frameSkip });

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
