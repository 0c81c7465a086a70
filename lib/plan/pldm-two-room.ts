import { clipBatches } from '../data/clips.js';
import type { Episodes } from '../data/episodes.js';
import type { Share } from '../eval/statistics.js';
import { checkOptions } from '../io/options.js';
import type { Clips } from '../world-model/clips.js';
import type { WorldModel } from '../world-model/world-model.js';
import { PldmTwoRoom } from '../worlds/pldm-two-room/environment.js';
import { pldmEpisodes, recordWalks } from '../worlds/pldm-two-room/episodes.js';
import { worldSize } from '../worlds/pldm-two-room/room.js';
import { frameSkip } from '../worlds/two-room/training.js';
import { evaluatePlanning, type PlanningRows } from './evaluate-planning.js';
import { planGoalEpisodes, successShare } from './goal-episodes.js';
import type { PlannerOptions } from './planner.js';
import { expectWhole } from './settings.js';
import { twoRoomSearch } from './two-room-episodes.js';
import { smallTwoRoomModel, type TrainTwoRoomOptions, trainTwoRoomModel } from './two-room-model.js';
import { trainWaypoints } from './two-room-waypoints.js';

/** Steps that the recipe needs. */
export const pldmTwoRoomSteps = 500;

/** Recorded walks, and how they become batches of clips. */
const walks = 4000;
const [clips, clipFrames] = [16, 4];
const statisticsBatches = 12;

/** px along x and y of an action that is planned: steps are then no longer than those of the recordings, 1.8 px. */
const reach = 1.25;

/** A small model of PLDM's Two-Room, as {@link twoRoomModel} for pictures of 65 × 65 px. */
export const pldmTwoRoomModel = (seed: number): WorldModel =>
  smallTwoRoomModel({ imageSize: worldSize, pixelScale: 2 / 255, pixelOffset: 0, actionDeviation: 0.75, seed });

const clipsOf = (recordings: Episodes, seed: number): AsyncIterable<Clips> =>
  clipBatches(recordings, { frames: clipFrames, frameSkip, clips, seed });

/**
 * Trains on wanderers' walks, for {@link pldmTwoRoomSteps} steps: a minute of one core.
 * @throws JepaError ERR_JEPA_ABORTED
 * @example
 * const model = await trainPldmTwoRoom(7);
 * await model.save('pldm-two-room.jepa');
 */
export async function trainPldmTwoRoom(seed: number, options: TrainTwoRoomOptions = {}): Promise<WorldModel> {
  const { steps = pldmTwoRoomSteps } = options;
  const model = pldmTwoRoomModel(seed);
  const batches = clipsOf(recordWalks({ seed, count: walks }), seed);
  const last: Clips[] = [];
  for await (const batch of batches) if (last.push(batch) === statisticsBatches) break;
  await trainTwoRoomModel('trainPldmTwoRoom', model, batches, last, { ...options, steps });
  return model;
}

export interface PldmTwoRoomEvaluationOptions {
  readonly seed: number;
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: 'validation' | 'test';
  /** Episodes (default 100). */
  readonly episodes?: number;
  /** Episodes that the search on the true simulator plays, the first ones (default 20): it is slow. */
  readonly oracleEpisodes?: number;
  /** Training steps of the distance, and of the imitation row. */
  readonly distanceSteps?: number;
  readonly imitationSteps?: number;
  readonly signal?: AbortSignal;
}

/** The rows of {@link evaluatePlanning} with waypoints, and without. */
export interface PldmTwoRoomResults extends PlanningRows {
  /** The same search straight to the goal: greedy over 25 steps, as the oracle is. */
  readonly straight: Share;
}

/**
 * PLDM's protocol: start and goal anywhere in different rooms, 200 steps to come within √2 px of the goal. The model plans by way of
 * waypoints that are learnt here from the recordings that it was trained on.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
 * @example
 * const model = await trainPldmTwoRoom(7);
 * const rows = await evaluatePldmTwoRoom(model, { seed: 7, split: 'test' });
 * rows.model.accuracy; // percent of the episodes
 */
export async function evaluatePldmTwoRoom(
  model: WorldModel,
  options: PldmTwoRoomEvaluationOptions,
): Promise<PldmTwoRoomResults> {
  const name = 'evaluatePldmTwoRoom';
  const optional = ['episodes', 'oracleEpisodes', 'distanceSteps', 'imitationSteps', 'signal'];
  checkOptions(name, options, ['seed', 'split', ...optional]);
  const { seed, split, episodes: count = 100, oracleEpisodes = 20, distanceSteps, imitationSteps, signal } = options;
  expectWhole(name, { episodes: count, oracleEpisodes });
  const world = new PldmTwoRoom();
  const episodes = pldmEpisodes({ split, seed, count });
  const planner: PlannerOptions = { ...twoRoomSearch, bounds: [-reach, reach], seed };
  const recordings = recordWalks({ seed, count: walks });
  const learning = { seed, steps: distanceSteps, signal };
  const { distance, waypoints } = await trainWaypoints(model, clipsOf(recordings, seed), learning);
  try {
    const task = { world, episodes, blockSteps: frameSkip, planner: { ...planner, waypoints } };
    const rows = await evaluatePlanning(model, task, {
      seed,
      recordings,
      clipFrames: 12,
      imitationSteps,
      oracleEpisodes,
      signal,
    });
    const { first } = await planGoalEpisodes(model, world, episodes, { blockSteps: frameSkip, planner, signal });
    return { ...rows, straight: successShare(first) };
  } finally {
    distance.dispose();
  }
}
