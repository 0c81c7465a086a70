import { BatchNorm } from '../nn/batch-norm.js';
import type { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu, permute, reshape, softArgmax } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { type ConvStackOptions, convStack } from './conv-encoder.js';
import type { Encoder, FeatureEncoder } from './encoder.js';

/** Of the softmax over places: below 1, so that a new network's maps have a place at all. */
const temperature = 1 / 3;

export interface KeypointFeaturesOptions extends ConvStackOptions {
  readonly embeddingSize: number;
}

/** Pixels to the places where each channel of the last convolution is large, and a linear projection of them. */
export class KeypointFeatures extends Module implements FeatureEncoder {
  readonly convolutions: Conv2d[];
  readonly projection: Linear;

  constructor(options: KeypointFeaturesOptions) {
    super();
    const { embeddingSize, seed, name = 'encoder' } = options;
    const { convolutions, extents } = convStack(options);
    this.convolutions = convolutions;
    this.projection = new Linear(2 * extents[2], embeddingSize, { seed, name: `${name}.projection` });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  features(pixels: Tensor): Tensor {
    const last = this.convolutions.length - 1;
    const maps = this.convolutions.reduce((x, convolution, index) => {
      const map = convolution.forward(x);
      return index === last ? map : gelu(map);
    }, pixels);
    const places = softArgmax(permute(maps, [0, 3, 1, 2]), { temperature });
    return this.projection.forward(reshape(places, [places.shape[0], 2 * places.shape[1]]));
  }
}

export interface KeypointEncoderOptions extends KeypointFeaturesOptions {
  /** Whether the final batch normalisation has a learnt weight and bias. */
  readonly affine: boolean;
}

/**
 * Pixels to embeddings by way of keypoints: convolutions with GELU, the mean place of each channel of the last one under a softmax over its
 * pixels (Levine et al. 2016), a linear projection and batch normalisation. Where things are is all that passes, and it is
 * exact to a fraction of the map's cells: for worlds whose state is places and angles, not colours or counts.
 * @example
 * const encoder = new KeypointEncoder({
 *   height: 32, width: 32, channels: 3, pixelScale: 1 / 255, pixelOffset: 0,
 *   layers: [{ channels: 16, kernel: 4, stride: 4, padding: 0 }],
 *   embeddingSize: 32, affine: true, seed: 0,
 * });
 * encoder.eval().forward(zeros([2, 32, 32, 3], 'uint8')).shape; // [2, 32]
 */
export class KeypointEncoder extends KeypointFeatures implements Encoder {
  readonly normalisation: BatchNorm;

  constructor(options: KeypointEncoderOptions) {
    super(options);
    this.normalisation = new BatchNorm(options.embeddingSize, { affine: options.affine });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  forward(pixels: Tensor): Tensor {
    return this.normalisation.forward(this.features(pixels));
  }
}
