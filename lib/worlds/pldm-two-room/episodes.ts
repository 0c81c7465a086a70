import type { Episodes } from '../../data/episodes.js';
import { drawnEpisodes } from '../drawn-episodes.js';
import type { GoalEpisode, GoalEpisodesOptions } from '../goal-environment.js';
import { Random } from '../random.js';
import { move } from './move.js';
import { PldmRoomPicture } from './picture.js';
import { dotDeviation, frameRate, high, low, type PldmRoom, pldmRoom, wallHalfWidth, worldSize } from './room.js';
import { drawWalk } from './walks.js';

/** Steps of a recorded walk, and those that an episode of an evaluation may take. */
const walkSteps = 90;
const budget = 200;
/** px that starts and goals keep from walls */
const padding = 2 * dotDeviation;

/** Evenly drawn in different rooms, a dot's width from walls. */
export function drawPlaces({ wall }: PldmRoom, random: Random, start: Float32Array, goal: Float32Array): void {
  const y = (): number => random.uniform(low + padding, high - padding);
  const left = [random.uniform(low + padding, wall - wallHalfWidth - padding), y()];
  const right = [random.uniform(wall + wallHalfWidth + padding, high - padding), y()];
  const there = random.chance(0.5);
  start.set(there ? left : right);
  goal.set(there ? right : left);
}

/**
 * The protocol of PLDM: start and goal anywhere in different rooms, 200 steps to come within √2 px of the goal.
 * @example const episodes = pldmTwoRoom.pldmEpisodes({ split: 'test', seed: 0, count: 100 });
 */
export function pldmEpisodes({ split, seed, count }: GoalEpisodesOptions): GoalEpisode[] {
  const random = new Random(seed, `pldm-two-room ${split}`);
  return Array.from({ length: count }, (_, episode) => {
    const [start, goal] = [new Float32Array(2), new Float32Array(2)];
    drawPlaces(pldmRoom, random, start, goal);
    return { reset: { seed: episode, options: { start, goal } }, before: new Float32Array(0), budget };
  });
}

export interface RecordWalksOptions {
  readonly seed: number;
  /** Walks of 91 frames. */
  readonly count: number;
}

/**
 * Recordings to learn from: wanderers' walks, which know of no goal.
 * @example const episodes = pldmTwoRoom.recordWalks({ seed: 1, count: 4 }); // WorldModel.fit(episodes, { frameSkip: 5, clipFrames: 4 })
 */
export function recordWalks({ seed, count }: RecordWalksOptions): Episodes {
  const walks = Array.from({ length: count }, (_, index) => playWalk(new Random(seed, `pldm-two-room walk ${index}`)));
  const picture = new PldmRoomPicture(pldmRoom);
  return drawnEpisodes({
    imageSize: worldSize,
    frameRate,
    actionSize: 2,
    actions: walks.map(({ actions }) => Float32Array.from([...actions, 0, 0])),
    draw: (data, offset, episode, frame) =>
      picture.draw(data, offset, walks[episode].places[2 * frame], walks[episode].places[2 * frame + 1]),
  });
}

/** Where a wanderer comes, and by which steps. */
export interface PlayedWalk {
  /** [91, 2] px */
  readonly places: Float32Array;
  /** [90, 2] px */
  readonly actions: Float32Array;
}

/** A walk in PLDM's room, a function of the random numbers alone. */
export function playWalk(random: Random): PlayedWalk {
  const { start, actions } = drawWalk(pldmRoom, random, walkSteps);
  const places = new Float32Array(2 * (walkSteps + 1));
  places.set(start);
  for (let at = 0; at < actions.length; at += 2) {
    places.copyWithin(at + 2, at, at + 2);
    move(pldmRoom, places.subarray(at + 2, at + 4), actions.subarray(at, at + 2), random);
  }
  return { places, actions };
}
