import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import { RoomPicture } from '../worlds/two-room/picture.js';
import type { GoalPairs } from '../worlds/two-room/protocol.js';
import { defaultRoom, distance, move, successDistance } from '../worlds/two-room/room.js';
import { blockSize, frameSkip } from '../worlds/two-room/training.js';
import type { CemOptions } from './cross-entropy.js';
import { Planner, type PlannerOptions } from './planner.js';
import { refuse } from './settings.js';

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

export interface WalkOptions {
  /** Told where the agent is after each step, for pictures of the walk: never seen by who decides. */
  readonly onPosition?: (episode: number, x: number, y: number) => void;
  /** Told after each episode how many are over. */
  readonly onEpisode?: (over: number) => void;
}

/** What somebody does who sees pictures: a block of five actions (x, y). */
export type DecideBlock = (seen: Tensor, goal: Tensor, block: number, episode: number) => Promise<ArrayLike<number>>;

/** Carries out, block by block on the true simulator, what somebody decides from pictures. @returns [count] step of the first success, −1 if never */
export async function walkEpisodes(
  pairs: GoalPairs,
  decide: DecideBlock,
  { onPosition, onEpisode }: WalkOptions = {},
): Promise<Int32Array> {
  const picture = new RoomPicture(defaultRoom, imageSize);
  const view = (positions: Float32Array, row: number): Tensor => {
    const pixels = new Uint8Array(imageSize * imageSize * 3);
    picture.draw(pixels, 0, positions[2 * row], positions[2 * row + 1]);
    return tensor(pixels, { shape: [imageSize, imageSize, 3] });
  };
  const first = new Int32Array(pairs.count).fill(-1);
  const positions = pairs.starts.slice();
  const actions = new Float32Array(pairs.count * 2);
  for (let episode = 0; episode < pairs.count; episode++) {
    const goal = view(pairs.goals, episode);
    for (let step = 0, block = 0; step < pairs.budget && first[episode] < 0; block++) {
      const decided = await decide(view(positions, episode), goal, block, episode);
      for (let k = 0; k < frameSkip && step < pairs.budget && first[episode] < 0; k++, step++) {
        actions[2 * episode] = decided[2 * k];
        actions[2 * episode + 1] = decided[2 * k + 1];
        move(defaultRoom, positions, actions, episode, episode + 1);
        onPosition?.(episode, positions[2 * episode], positions[2 * episode + 1]);
        if (distance(positions, episode, pairs.goals, episode) < successDistance) first[episode] = step + 1;
      }
    }
    onEpisode?.(episode + 1);
  }
  return first;
}

/** What a planner did on some pairs. */
export interface EpisodeResults {
  /** [count] step of the first success, −1 if never. */
  readonly first: Int32Array;
  readonly planMilliseconds: readonly number[];
}

export interface PlanEpisodesOptions extends WalkOptions, Pick<PlannerOptions, 'objective' | 'waypoints'> {
  /** Blocks of a plan that are carried out before the next (default 1); Infinity plans once, and rests when the plan is used up. */
  readonly replanEvery?: number;
  readonly signal?: AbortSignal;
}

/** Plans from pictures on the true simulator; an episode ends with its success. @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED */
export async function planEpisodes(
  model: WorldModel,
  pairs: GoalPairs,
  seed: number,
  { signal, onPosition, onEpisode, replanEvery = 1, objective, waypoints }: PlanEpisodesOptions = {},
): Promise<EpisodeResults> {
  const horizon = twoRoomSearch.horizon as number;
  const once = replanEvery === Number.POSITIVE_INFINITY;
  if (!once && !(Number.isInteger(replanEvery) && replanEvery >= 1 && replanEvery <= horizon))
    refuse('planEpisodes', `replanEvery from 1 to ${horizon}, or Infinity`, replanEvery);
  const planner = new Planner(model, { ...twoRoomSearch, seed, objective, waypoints });
  const planMilliseconds: number[] = [];
  let plan = new Float32Array(0);
  const first = await walkEpisodes(
    pairs,
    async (seen, goal, block, episode) => {
      if (block === 0) planner.reset(episode * pairs.budget);
      if (block % replanEvery === 0) {
        const start = performance.now();
        plan = Float32Array.from(
          (await planner.plan(seen, goal, { signal, executed: once ? 0 : replanEvery })).actions,
        );
        planMilliseconds.push(performance.now() - start);
      }
      const at = (block % replanEvery) * blockSize;
      return at < plan.length ? plan.subarray(at, at + blockSize) : new Float32Array(blockSize);
    },
    { onPosition, onEpisode },
  ).finally(() => planner.dispose());
  return { first, planMilliseconds };
}
