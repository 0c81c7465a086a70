import { BatchNorm } from '../nn/batch-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { VisionTransformer } from '../nn/vision-transformer.js';
import { add, cast, gelu, mul, reshape, slice } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Encoder, FeatureEncoder } from './encoder.js';

/** Sizes of a vision transformer that sees pictures of pixels p as p·pixelScale + pixelOffset. */
export interface VisionEncoderSize {
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Hidden width of the projection from the class token. */
  readonly hidden: number;
  readonly pixelScale: number;
  readonly pixelOffset: number;
}

export interface VisionFeaturesOptions extends VisionEncoderSize {
  readonly height: number;
  readonly breadth: number;
  readonly channels: number;
  readonly embeddingSize: number;
  readonly seed: number;
  /** Path that keys the random initial weights (default 'encoder'). */
  readonly name?: string;
}

/** Pixels to what embeddings are made of: a vision transformer with learnt positions, a hidden layer with GELU, a linear projection. */
export class VisionFeatures extends Module implements FeatureEncoder {
  readonly transformer: VisionTransformer;
  readonly hidden: Linear;
  readonly projection: Linear;
  readonly #pixels: { readonly scale: number; readonly offset: number };

  constructor(options: VisionFeaturesOptions) {
    super();
    const { height, breadth, channels, patchSize, width, depth, heads, hidden, embeddingSize, seed } = options;
    const { name = 'encoder' } = options;
    this.#pixels = { scale: options.pixelScale, offset: options.pixelOffset };
    this.transformer = new VisionTransformer({
      imageSize: [height, breadth],
      patchSize,
      channels,
      width,
      depth,
      heads,
      layout: 'NHWC',
      positions: 'learned',
      classToken: true,
      seed,
      name: `${name}.transformer`,
    });
    this.hidden = new Linear(width, hidden, { seed, name: `${name}.hidden` });
    this.projection = new Linear(hidden, embeddingSize, { seed, name: `${name}.projection` });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  features(pixels: Tensor): Tensor {
    const { scale, offset } = this.#pixels;
    const tokens = this.transformer.forward(add(mul(cast(pixels, 'float32'), scale), offset));
    const classes = reshape(slice(tokens, 1, 0, 1), [pixels.shape[0], tokens.shape[2]]);
    return this.projection.forward(gelu(this.hidden.forward(classes)));
  }
}

export interface VisionEncoderOptions extends VisionFeaturesOptions {
  /** Whether the final batch normalisation has a learnt weight and bias. */
  readonly affine: boolean;
}

/**
 * Pixels to embeddings as in LeWorldModel: a vision transformer with learnt positions, whose class token a hidden layer with GELU
 * and a linear projection turn into the embedding. Batch normalisation comes last, as in every encoder of a world model.
 */
export class VisionEncoder extends VisionFeatures implements Encoder {
  readonly normalisation: BatchNorm;

  constructor(options: VisionEncoderOptions) {
    super(options);
    this.normalisation = new BatchNorm(options.embeddingSize, { affine: options.affine });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  forward(pixels: Tensor): Tensor {
    return this.normalisation.forward(this.features(pixels));
  }
}
