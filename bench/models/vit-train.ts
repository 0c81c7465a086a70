// A vision transformer that learns given tokens: the training step that libraries in JavaScript can be compared with.
import { type HostTensor, Module, mse, type Tensor, type VisionTransformer } from '#lib/index.js';
import { element } from '../suites/gemm.js';
import { encoderFlops, pictures, stateOf, tokensOf, type VisionConfig, visionTransformer } from './vision.js';

export interface VitTrainConfig {
  readonly encoder: VisionConfig;
  readonly batch: number;
}

export class VitTrain extends Module {
  readonly encoder: VisionTransformer;

  constructor({ encoder }: VitTrainConfig) {
    super();
    this.encoder = visionTransformer(encoder);
  }

  /** @param pixels [B, 3, H, W]   @param target [B, N, D] */
  loss(pixels: Tensor, target: Tensor): Tensor {
    return mse(this.encoder.forward(pixels), target);
  }
}

/** Weights and two batches. */
export async function vitTrainInputs(config: VitTrainConfig): Promise<Map<string, HostTensor>> {
  const { encoder, batch } = config;
  const state = await stateOf(new VitTrain(config), 'model.');
  const shape = [batch, tokensOf(encoder), encoder.width];
  for (const index of [0, 1]) {
    const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => element(i, 20 + index));
    state.set(`pixels.${index}`, pictures(batch, encoder.imageSize, index + 1));
    state.set(`target.${index}`, { dtype: 'float32', shape, data });
  }
  return state;
}

/** Forward and backward (twice the forward), without the gradient of the pixels. */
export function vitTrainFlops({ encoder, batch }: VitTrainConfig): number {
  return batch * (3 * encoderFlops(encoder) - tokensOf(encoder) * 2 * 3 * encoder.patchSize ** 2 * encoder.width);
}
