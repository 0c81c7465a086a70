import { collateClips } from '../data/clips.js';
import type { WorldModel } from '../world-model/world-model.js';
import { type TwoRoomBatch, twoRoomTrainingBatch } from '../worlds/two-room/training.js';
import type { TemporalDistance } from './temporal-distance.js';
import { trainTemporalDistance } from './temporal-distance-training.js';
import { imageSize } from './two-room-episodes.js';
import { WaypointGraph } from './waypoint-graph.js';

/** Training steps of the distance. */
export const twoRoomDistanceSteps = 1500;
const [learnt, remembered] = [100, 10]; // batches of 32 clips of 4 frames

/**
 * Steps between the embeddings of a model of Two-Room, and waypoints among frames that it has seen: from the clips that the model was
 * trained on, of which each goes a small part of the way through the door. Dispose of the distance when you are done.
 * @throws JepaError ERR_JEPA_ABORTED, ERR_JEPA_INVALID_ARGUMENT
 * @example const { distance, waypoints } = await trainTwoRoomWaypoints(model, { seed: 7 });
 */
export async function trainTwoRoomWaypoints(
  model: WorldModel,
  {
    seed,
    steps = twoRoomDistanceSteps,
    signal,
  }: { readonly seed: number; readonly steps?: number; readonly signal?: AbortSignal },
): Promise<{ readonly distance: TemporalDistance; readonly waypoints: WaypointGraph }> {
  const kept: TwoRoomBatch[] = [];
  const batches = function* (): Generator<TwoRoomBatch> {
    for (let index = 0; index < learnt; index++) {
      const batch = twoRoomTrainingBatch({ seed, imageSize }, index);
      if (index < remembered) kept.push(batch);
      yield batch;
    }
  };
  const distance = await trainTemporalDistance(model, batches(), { steps, seed, signal });
  try {
    const [frames] = model.tensors(collateClips(kept));
    const embeddings = await model.encode(frames, { signal });
    return { distance, waypoints: await WaypointGraph.build(distance, embeddings, { seed, signal }) };
  } catch (error) {
    distance.dispose();
    throw error;
  }
}
