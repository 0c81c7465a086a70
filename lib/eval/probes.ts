import type { WorldModel } from '../world-model/world-model.js';
import { sceneKinds, stateSize } from '../worlds/physics/layout.js';
import type { EmbeddedClips } from './embedded.js';
import { fitPerceptron, type Probe } from './perceptron-probe.js';
import { fitRidge, predictLinear } from './ridge.js';
import { r2 } from './statistics.js';

export interface ProbeScores {
  readonly linearR2: number;
  readonly mlpR2: number;
}

export interface ProbeResults {
  /** From one frame's embedding, scored outside occlusion scenes. */
  readonly position: ProbeScores;
  /** From the predictor's state, frames 3 on. */
  readonly velocity: ProbeScores;
}

const occlude = sceneKinds.indexOf('occlude');
const firstMovingFrame = 3;
const ridgeAlpha = 1e-5; // per row

/** Fits probes on training clips, scores them on others. @returns scores, and the probe that reads positions in metres */
export async function evaluateProbes(
  model: WorldModel,
  train: EmbeddedClips,
  test: EmbeddedClips,
  { seed, signal }: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<{ results: ProbeResults; readPositions: Probe }> {
  const width = model.config.embeddingSize;
  const visible = ({ states }: EmbeddedClips, row: number): boolean => states[row * stateSize + 10] !== occlude;
  const rowsOf = async (clips: EmbeddedClips): Promise<Float32Array> => (await clips.embeddings.data()) as Float32Array;
  const [trainZ, testZ] = [await rowsOf(train), await rowsOf(test)];
  const trainRows = visibleRows(train, visible);
  const testRows = visibleRows(test, visible);
  const positions = (clips: EmbeddedClips, rows: readonly number[]): Float32Array =>
    columns(clips.states, stateSize, rows, 0, 2);
  const linear = fitRidge(
    columns(trainZ, width, trainRows, 0, width),
    positions(train, trainRows),
    width,
    2,
    ridgeAlpha * trainRows.length,
  );
  const target = positions(test, testRows);
  const queries = columns(testZ, width, testRows, 0, width);
  const everyRow = Array.from({ length: train.clips * train.frames }, (_, row) => row);
  const readPositions = await fitPerceptron(trainZ, positions(train, everyRow), width, 2, { seed, signal });
  const position = {
    linearR2: r2(target, predictLinear(linear, queries), 2),
    mlpR2: r2(target, await readPositions(queries), 2),
  };

  const [trainH, testH] = [await movingStates(model, train, signal), await movingStates(model, test, signal)];
  const fit = fitRidge(
    trainH.states,
    trainH.velocities,
    trainH.width,
    2,
    ridgeAlpha * (trainH.states.length / trainH.width),
  );
  const probe = await fitPerceptron(trainH.states, trainH.velocities, trainH.width, 2, { seed: seed + 1, signal });
  const velocity = {
    linearR2: r2(testH.velocities, predictLinear(fit, testH.states), 2),
    mlpR2: r2(testH.velocities, await probe(testH.states), 2),
  };
  return { results: { position, velocity }, readPositions };
}

/** Predictor states after frames 3 … T−2 beside the true velocities there. */
async function movingStates(
  model: WorldModel,
  clips: EmbeddedClips,
  signal?: AbortSignal,
): Promise<{ states: Float32Array; velocities: Float32Array; width: number }> {
  const { states } = await model.states(clips.embeddings, clips.actions, { signal });
  const width = states.shape[2];
  const rows = Array.from({ length: clips.clips * clips.frames }, (_, row) => row).filter(
    (row) => row % clips.frames >= firstMovingFrame && row % clips.frames < clips.frames - 1,
  );
  return {
    states: columns((await states.data()) as Float32Array, width, rows, 0, width),
    velocities: columns(clips.states, stateSize, rows, 2, 4),
    width,
  };
}

function visibleRows(clips: EmbeddedClips, visible: (clips: EmbeddedClips, row: number) => boolean): number[] {
  return Array.from({ length: clips.clips * clips.frames }, (_, row) => row).filter((row) => visible(clips, row));
}

function columns(values: Float32Array, width: number, rows: readonly number[], from: number, to: number): Float32Array {
  const result = new Float32Array(rows.length * (to - from));
  for (const [index, row] of rows.entries())
    result.set(values.subarray(row * width + from, row * width + to), index * (to - from));
  return result;
}
