import { Random } from '../random.js';
import { expertAction } from './expert.js';
import {
  acrossAxis,
  border,
  distance,
  move,
  type Room,
  successDistance,
  wallHalfWidth,
  wallPosition,
  worldSize,
} from './room.js';

/** Steps after which an episode of the recorded data ends without success. */
export const episodeLimit = 100;
/** Standard deviation of the noise in the recorded data's actions. */
export const expertNoise = 2;

/** Episodes of the noisy expert. Recording goes on for a few steps beyond the end, so that every block of actions is complete. */
export interface Episodes {
  readonly count: number;
  /** Recorded steps: row t of `actions` leads from row t to row t + 1 of `positions`. */
  readonly steps: number;
  /** [count, steps + 1, 2] */
  readonly positions: Float32Array;
  /** [count, steps, 2] */
  readonly actions: Float32Array;
  /** [count] step of the first success, or `episodeLimit` */
  readonly lengths: Int32Array;
}

/**
 * Plays episodes of the noisy expert in a room: a function of seed, stream and number alone.
 * @param stream names the set: equal seeds and streams give equal episodes
 */
export function playEpisodes(
  room: Room,
  {
    seed,
    stream,
    count,
    noise = expertNoise,
    beyond = 5,
  }: {
    readonly seed: number;
    readonly stream: string;
    readonly count: number;
    readonly noise?: number;
    readonly beyond?: number;
  },
): Episodes {
  const steps = episodeLimit + beyond;
  const positions = new Float32Array(count * (steps + 1) * 2);
  const actions = new Float32Array(count * steps * 2);
  const lengths = new Int32Array(count).fill(episodeLimit);
  const goal = new Float32Array(2);
  const place = new Float32Array(2);
  const action = new Float32Array(2);
  for (let episode = 0; episode < count; episode++) {
    const random = new Random(seed, `two-room ${stream} ${episode}`);
    drawPlace(room, random, place);
    goal[0] = random.uniform(border, worldSize - border - 1);
    goal[1] = random.uniform(border, worldSize - border - 1);
    positions.set(place, episode * (steps + 1) * 2);
    for (let t = 0; t < steps; t++) {
      expertAction(room, place, 0, goal, 0, action, noise, random);
      move(room, place, action);
      actions.set(action, (episode * steps + t) * 2);
      positions.set(place, (episode * (steps + 1) + t + 1) * 2);
      if (t + 1 < lengths[episode] && distance(place, 0, goal, 0) < successDistance) lengths[episode] = t + 1;
    }
  }
  return { count, steps, positions, actions, lengths };
}

/** A uniformly drawn place that does not touch the wall. */
export function drawPlace(room: Room, random: Random, into: Float32Array): void {
  const clear = wallHalfWidth(room) + room.radius;
  do {
    into[0] = random.uniform(border, worldSize - border - 1);
    into[1] = random.uniform(border, worldSize - border - 1);
  } while (Math.abs(into[acrossAxis(room)] - wallPosition) <= clear);
}
