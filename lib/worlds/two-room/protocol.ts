import { JepaError } from '../../errors.js';
import { Random } from '../random.js';
import { drawPlace, playEpisodes } from './episodes.js';
import { expertAction } from './expert.js';
import { defaultRoom, distance, inDifferentRooms, move, type Room, successDistance } from './room.js';

/** Starts and goals to plan between. */
export interface GoalPairs {
  readonly count: number;
  /** [count, 2] px */
  readonly starts: Float32Array;
  /** [count, 2] px */
  readonly goals: Float32Array;
  /** Steps allowed. */
  readonly budget: number;
}

export interface GoalPairsOptions {
  readonly split: 'validation' | 'test';
  readonly seed: number;
  readonly count: number;
}

/** Steps that a goal lies ahead in the episode it is taken from. */
const ahead = 25;

/** The usual protocol: the goal is where a noisy expert was 25 steps later, 50 steps are allowed; one pair in five needs the door. */
export function goalPairs({ split, seed, count }: GoalPairsOptions, room: Room = defaultRoom): GoalPairs {
  const episodes = playEpisodes(room, { seed, stream: split, count: 4 * count });
  const rows: number[] = [];
  for (let episode = 0; episode < episodes.count; episode++) {
    for (let step = 1; step < episodes.lengths[episode] - ahead; step++)
      rows.push(episode * (episodes.steps + 1) + step);
  }
  if (rows.length < count)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[goalPairs] expected episodes that last more than ${ahead} steps, got ${rows.length} for ${count} pairs`,
    );
  const random = new Random(seed, `two-room ${split} pairs`);
  const starts = new Float32Array(count * 2);
  const goals = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const chosen = i + random.below(rows.length - i); // without replacement
    [rows[i], rows[chosen]] = [rows[chosen], rows[i]];
    starts.set(episodes.positions.subarray(rows[i] * 2, rows[i] * 2 + 2), i * 2);
    goals.set(episodes.positions.subarray((rows[i] + ahead) * 2, (rows[i] + ahead) * 2 + 2), i * 2);
  }
  return { count, starts, goals, budget: 2 * ahead };
}

/** The hard protocol: start and goal anywhere in different rooms, 100 steps. */
export function hardGoalPairs({ split, seed, count }: GoalPairsOptions, room: Room = defaultRoom): GoalPairs {
  const random = new Random(seed, `two-room ${split} hard pairs`);
  const starts = new Float32Array(count * 2);
  const goals = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    do {
      drawPlace(room, random, starts.subarray(i * 2, i * 2 + 2));
      drawPlace(room, random, goals.subarray(i * 2, i * 2 + 2));
    } while (!inDifferentRooms(room, starts, i, goals, i));
  }
  return { count, starts, goals, budget: 100 };
}

/** [count] 1 where start and goal are in different rooms. */
export const needsDoor = ({ count, starts, goals }: GoalPairs, room: Room = defaultRoom): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (inDifferentRooms(room, starts, i, goals, i) ? 1 : 0));

/** Chooses the action of row i at step t and writes it to row i of `actions`. Sees true positions: floors and oracles, not models. */
export type Policy = (context: {
  readonly room: Room;
  readonly positions: Float32Array;
  readonly goals: Float32Array;
  readonly row: number;
  readonly step: number;
  readonly actions: Float32Array;
}) => void;

/** A policy that never moves. */
export const standStill: Policy = ({ row, actions }) => {
  actions.fill(0, row * 2, row * 2 + 2);
};

/** A policy that knows the room: through the door, then straight to the goal. */
export const expert: Policy = ({ room, positions, goals, row, actions }) =>
  expertAction(room, positions, row, goals, row, actions);

/** Uniform in ±1, whatever the order of rows and steps. */
export function randomActions(seed: number): Policy {
  const streams: Random[] = [];
  return ({ row, actions }) => {
    streams[row] ??= new Random(seed, `two-room random ${row}`);
    actions[row * 2] = streams[row].uniform(-1, 1);
    actions[row * 2 + 1] = streams[row].uniform(-1, 1);
  };
}

/** A policy that replays recorded actions. @param given [count, budget, 2] */
export const givenActions =
  (given: Float32Array, budget: number): Policy =>
  ({ row, step, actions }) => {
    actions.set(given.subarray((row * budget + step) * 2, (row * budget + step) * 2 + 2), row * 2);
  };

/** [count] step (from 1) after which the agent is first within 16 px of its goal, −1 if never. The start is not looked at. */
export function firstSuccess(pairs: GoalPairs, policy: Policy, room: Room = defaultRoom): Int32Array {
  return Int32Array.from(successes(pairs, policy, room));
}

/** The same pair by pair, so that whoever asks can stop between two. */
export function* successes(pairs: GoalPairs, policy: Policy, room: Room = defaultRoom): Generator<number> {
  const { count, starts, goals, budget } = pairs;
  const positions = starts.slice();
  const actions = new Float32Array(count * 2);
  for (let row = 0; row < count; row++) {
    let first = -1;
    for (let step = 0; step < budget && first < 0; step++) {
      policy({ room, positions, goals, row, step, actions });
      move(room, positions, actions, row, row + 1);
      if (distance(positions, row, goals, row) < successDistance) first = step + 1;
    }
    yield first;
  }
}

/** Share of rows with a success, 0 … 1; of those that `among` marks, if given. */
export function successRate(first: Int32Array, among?: Uint8Array): number {
  let count = 0;
  let successes = 0;
  first.forEach((step, i) => {
    if (among && !among[i]) return;
    count++;
    if (step >= 0) successes++;
  });
  return count ? successes / count : Number.NaN;
}
