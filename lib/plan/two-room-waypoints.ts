import { collateClips } from '../data/clips.js';
import type { Clips } from '../world-model/clips.js';
import type { WorldModel } from '../world-model/world-model.js';
import { twoRoomTrainingBatch } from '../worlds/two-room/training.js';
import type { TemporalDistance } from './temporal-distance.js';
import { trainTemporalDistance } from './temporal-distance-training.js';
import { imageSize } from './two-room-episodes.js';
import { WaypointGraph } from './waypoint-graph.js';

/** Training steps of the distance. */
export const twoRoomDistanceSteps = 1500;
const [learnt, remembered] = [100, 10]; // batches of 32 clips of 4 frames

export interface TrainWaypointsOptions {
  readonly seed: number;
  /** Training steps of the distance (default {@link twoRoomDistanceSteps}). */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** Steps between embeddings, and waypoints among frames that were seen. Dispose of the distance when you are done. */
export interface TrainedWaypoints {
  readonly distance: TemporalDistance;
  readonly waypoints: WaypointGraph;
}

/**
 * Steps between the embeddings of a model of Two-Room, and waypoints among frames that it has seen: from the clips that the model was
 * trained on, of which each goes a small part of the way through the door.
 * @throws JepaError ERR_JEPA_ABORTED, ERR_JEPA_INVALID_ARGUMENT
 * @example const { distance, waypoints } = await trainTwoRoomWaypoints(model, { seed: 7 });
 */
export function trainTwoRoomWaypoints(model: WorldModel, options: TrainWaypointsOptions): Promise<TrainedWaypoints> {
  const { seed } = options;
  const batches = function* (): Generator<Clips> {
    for (let index = 0; index < learnt; index++) yield twoRoomTrainingBatch({ seed, imageSize }, index);
  };
  return trainWaypoints(model, batches(), options);
}

/** The same from clips of any such world; of an endless source, so many batches as are needed are taken. */
export async function trainWaypoints(
  model: WorldModel,
  batches: Iterable<Clips> | AsyncIterable<Clips>,
  { seed, steps = twoRoomDistanceSteps, signal }: TrainWaypointsOptions,
): Promise<TrainedWaypoints> {
  const kept: Clips[] = [];
  const seen = async function* (): AsyncGenerator<Clips> {
    for await (const batch of batches) {
      if (kept.length < remembered) kept.push(batch);
      yield batch;
    }
  };
  const distance = await trainTemporalDistance(model, seen(), { steps, batches: learnt, seed, signal });
  try {
    const [frames] = model.tensors(collateClips(kept));
    const embeddings = await model.encode(frames, { signal });
    return { distance, waypoints: await WaypointGraph.build(distance, embeddings, { seed, signal }) };
  } catch (error) {
    distance.dispose();
    throw error;
  }
}
