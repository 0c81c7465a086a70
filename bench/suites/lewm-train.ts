// The training step of a LeWorldModel: every frame through a vision transformer, the next embedding from actions, SIGReg, AdamW.
import { type HostTensor, LeWM, normal } from '#lib/index.js';
import { trainingSuite } from '../harness/training.js';
import { type LeWMConfig, leWMFlops } from '../models/lewm.js';
import { pictures, stateOf, vitTiny64 } from '../models/vision.js';

const batch = 16;
/** Of SIGReg. */
const directions = 1024;

const config: LeWMConfig = {
  encoder: { ...vitTiny64, hidden: 4 * vitTiny64.width },
  embeddingSize: 192,
  projector: 2048,
  predictor: { width: 192, depth: 6, heads: 16, headWidth: 64, hidden: 2048 },
  action: { size: 10, smoothed: 10, hidden: 768 },
  historySize: 3,
  sigregWeight: 0.1,
  knots: 17,
};
const frames = config.historySize + 1;

async function noise(shape: readonly number[], step: number, stream: string): Promise<HostTensor> {
  const data = (await normal(shape, { seed: 0, step, stream }).data()) as Float32Array;
  return { dtype: 'float32', shape, data };
}

/** Columns of length 1: [D, M]. */
async function unitColumns(width: number, step: number): Promise<HostTensor> {
  const { dtype, shape, data } = await noise([width, directions], step, 'directions');
  const columns = Float32Array.from(data);
  for (let column = 0; column < directions; column++) {
    let square = 0;
    for (let row = 0; row < width; row++) square += columns[row * directions + column] ** 2;
    for (let row = 0; row < width; row++) columns[row * directions + column] /= Math.sqrt(square);
  }
  return { dtype, shape, data: columns };
}

/** Weights, and two batches with the directions of their SIGReg. */
async function inputs(): Promise<Map<string, HostTensor>> {
  const { sigregWeight: _weight, knots: _knots, ...sizes } = config;
  const state = await stateOf(new LeWM(sizes), 'model.');
  const { imageSize } = config.encoder;
  for (const index of [0, 1]) {
    const { dtype, data } = pictures(batch * frames, imageSize, index + 1);
    state.set(`pixels.${index}`, { dtype, shape: [batch, frames, 3, imageSize, imageSize], data });
    state.set(`actions.${index}`, await noise([batch, frames, config.action.size], index, 'actions'));
    state.set(`directions.${index}`, await unitColumns(config.embeddingSize, index));
  }
  return state;
}

export const leWmTrain = trainingSuite('lewm-train', 'whole training step of LeWorldModel, frames a second', [
  {
    name: `ViT-Tiny/8 64² ${batch}×${frames} frames`,
    config,
    inputs,
    flops: leWMFlops(config, batch, directions),
    count: batch * frames,
  },
]);
