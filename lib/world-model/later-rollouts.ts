import { openLoop, type Predictor, type Rollout } from '../models/predictor.js';
import { concat, slice } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** Open-loop rollouts from several places of the same clips, beside what was seen there. */
export interface LaterRollouts {
  /** [S·B, K, …] those of the first place first. */
  readonly open: Rollout;
  /** [S·B, K, A] actions that the rollout took, the first of them at the last frame it saw. */
  readonly actions: Tensor;
  /** [S·B, K, D] embeddings of the frames it expected. */
  readonly target: Tensor;
}

/** Frames seen before each of at most `starts` rollouts: evenly spread behind the context, the last one as late as the clip allows. */
export function laterContexts(frames: number, contextFrames: number, starts: number, reach: number): readonly number[] {
  const places = frames - reach - contextFrames;
  const count = Math.max(0, Math.min(starts, places));
  return Array.from({ length: count }, (_, k) => contextFrames + Math.round(((k + 1) * places) / count));
}

/**
 * Imagines `reach` frames from each of several frames of a clip: futures of every moment count, not only those of its beginning.
 * All of them go through the predictor as rows of one batch.
 * @param known teacher-forced pass over z[:, :T−1]   @param z [B, T, D]   @param actions [B, T, A] standardised
 */
export function laterRollouts(
  predictor: Predictor,
  known: Rollout,
  z: Tensor,
  actions: Tensor,
  contexts: readonly number[],
  reach: number,
): LaterRollouts {
  /** Frames c + `from` … c + `to` − 1 after each context of c frames. */
  const windows = (sequence: Tensor, from: number, to: number): Tensor =>
    concat(
      contexts.map((context) => slice(sequence, 1, context + from, context + to)),
      0,
    );
  const taken = windows(actions, -1, reach - 1);
  const start: Rollout = {
    states: windows(known.states, -1, 0),
    inputs: windows(known.inputs, -1, 0),
    embeddings: windows(known.embeddings, -1, 0),
  };
  return { open: openLoop(predictor, start, taken, 1, reach), actions: taken, target: windows(z, 0, reach) };
}
