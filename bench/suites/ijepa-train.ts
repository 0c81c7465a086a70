// The whole training step of I-JEPA: target encoder, context encoder, predictor, loss, gradients, AdamW, moving average.
import type { HostTensor } from '#lib/index.js';
import { type TrainingCase, trainingSuite } from '../harness/training.js';
import { IJepa, type IJepaConfig, ijepaFlops, masks } from '../models/ijepa.js';
import { pictures, stateOf, vitSmall224, vitTiny64 } from '../models/vision.js';

/** Of the moving average. */
export const momentum = 0.996;

/** Weights and two batches. The target encoder starts as the encoder. */
async function inputs(config: IJepaConfig): Promise<Map<string, HostTensor>> {
  const state = await stateOf(new IJepa(config), 'model.');
  for (const [name, tensor] of state)
    if (name.startsWith('model.encoder.')) state.set(name.replace('encoder', 'target_encoder'), tensor);
  for (const index of [0, 1]) {
    const { context, targets } = masks(config, 10 + index);
    state.set(`pixels.${index}`, pictures(config.batch, config.encoder.imageSize, index + 1));
    state.set(`context.${index}`, context).set(`targets.${index}`, targets);
  }
  return state;
}

function training(name: string, config: IJepaConfig): TrainingCase {
  return { name, config, inputs: () => inputs(config), flops: ijepaFlops(config), count: config.batch };
}

const shared = { predictor: { width: 192, depth: 6, heads: 3 }, targets: 4 } as const;

export const ijepaTrain = trainingSuite('ijepa-train', 'whole training step of I-JEPA, pictures a second', [
  training('ViT-Tiny/8 64² B=64', { ...shared, encoder: vitTiny64, batch: 64 }),
  training('ViT-S/16 224² B=8', { ...shared, encoder: vitSmall224, batch: 8 }),
]);
