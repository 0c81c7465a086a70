import type { WorldModel } from '../world-model/world-model.js';
import { room, stateSize } from '../worlds/physics/layout.js';
import type { EmbeddedClips } from './embedded.js';
import type { Probe } from './perceptron-probe.js';

export interface RolloutScores {
  /** Mean squared error in representation space over that of 'nothing changes'. */
  readonly latentRatioToCopy: number;
  /** Error of the disc's place, read from the imagined embedding, m. */
  readonly metres: number;
  /** The same from the true frame's embedding: what the reading alone errs. */
  readonly probeMetres: number;
  readonly copyMetres: number;
  /** Straight on from the true places of the last two frames seen. */
  readonly constantVelocityMetres: number;
}

/** Four and eight frames ahead. */
export interface RolloutResults {
  readonly k4: RolloutScores;
  readonly k8: RolloutScores;
}

/** A clip's true places of disc A beside those the model imagined, m. */
export interface ImaginedPath {
  readonly truth: readonly (readonly [number, number])[];
  readonly imagined: readonly (readonly [number, number])[];
}

/** Open-loop prediction from four frames, 4 and 8 frames ahead. */
export async function evaluateRollouts(
  model: WorldModel,
  clips: EmbeddedClips,
  readPositions: Probe,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<{ results: RolloutResults; paths: ImaginedPath[] }> {
  const context = model.config.contextFrames;
  const { embeddings } = await model.imagine(clips.embeddings, clips.actions, { signal });
  const imagined = (await embeddings.data()) as Float32Array;
  const actual = (await clips.embeddings.data()) as Float32Array;
  const width = model.config.embeddingSize;
  const steps = clips.frames - context;
  const places = await readPositions(imagined);
  const seenPlaces = await readPositions(actual);
  const place = (clip: number, frame: number): readonly [number, number] => {
    const at = (clip * clips.frames + frame) * stateSize;
    return [clips.states[at], clips.states[at + 1]];
  };
  const scores = (k: number): RolloutScores => {
    let error = 0;
    let copy = 0;
    let metres = 0;
    let probeMetres = 0;
    let copyMetres = 0;
    let constantVelocityMetres = 0;
    for (let clip = 0; clip < clips.clips; clip++) {
      const frame = context - 1 + k;
      for (let d = 0; d < width; d++) {
        const z = actual[(clip * clips.frames + frame) * width + d];
        error += (imagined[(clip * steps + k - 1) * width + d] - z) ** 2;
        copy += (actual[(clip * clips.frames + context - 1) * width + d] - z) ** 2;
      }
      const truth = place(clip, frame);
      const last = place(clip, context - 1);
      const before = place(clip, context - 2);
      const straight = last.map((value, axis) => Math.min(room.size, Math.max(0, value + (value - before[axis]) * k)));
      const row = 2 * (clip * steps + k - 1);
      metres += apart(truth, [places[row], places[row + 1]]) / clips.clips;
      const seen = 2 * (clip * clips.frames + frame);
      probeMetres += apart(truth, [seenPlaces[seen], seenPlaces[seen + 1]]) / clips.clips;
      copyMetres += apart(truth, last) / clips.clips;
      constantVelocityMetres += apart(truth, straight) / clips.clips;
    }
    return { latentRatioToCopy: error / copy, metres, probeMetres, copyMetres, constantVelocityMetres };
  };
  const paths = Array.from({ length: clips.clips }, (_, clip) => ({
    truth: Array.from({ length: steps }, (_, k) => place(clip, context + k)),
    imagined: Array.from(
      { length: steps },
      (_, k) => [places[2 * (clip * steps + k)], places[2 * (clip * steps + k) + 1]] as const,
    ),
  }));
  return { results: { k4: scores(4), k8: scores(8) }, paths };
}

function apart(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
