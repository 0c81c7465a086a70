import { BatchNorm } from '../nn/batch-norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu, reshape } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Encoder, FeatureEncoder } from './encoder.js';

/** One convolution of {@link ConvFeatures}: output channels, square kernel, stride and zero padding in pixels. */
export interface ConvLayer {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Convolutions over pictures, one after the other. */
export interface ConvStackOptions {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly layers: readonly ConvLayer[];
  /** What the first convolution sees of a pixel p: p·pixelScale + pixelOffset. */
  readonly pixelScale: number;
  readonly pixelOffset: number;
  readonly seed: number;
  /** Path that keys the random initial weights (default 'encoder'). */
  readonly name?: string;
}

/** The convolutions, and the extents [height, width, channels] of what the last one leaves. */
export function convStack({ seed, name = 'encoder', ...options }: ConvStackOptions): {
  readonly convolutions: Conv2d[];
  readonly extents: readonly [height: number, width: number, channels: number];
} {
  const { layers, pixelScale: scale, pixelOffset: offset } = options;
  let { height, width, channels } = options;
  const convolutions = layers.map((layer, index) => {
    const convolution = new Conv2d(channels, layer.channels, layer.kernel, {
      stride: layer.stride,
      padding: layer.padding,
      layout: 'NHWC',
      ...(index === 0 ? { input: { scale, offset } } : {}),
      seed,
      name: `${name}.convolutions.${index}`,
    });
    height = Math.floor((height + 2 * layer.padding - layer.kernel) / layer.stride) + 1;
    width = Math.floor((width + 2 * layer.padding - layer.kernel) / layer.stride) + 1;
    channels = layer.channels;
    return convolution;
  });
  return { convolutions, extents: [height, width, channels] };
}

export interface ConvFeaturesOptions extends ConvStackOptions {
  /** Width of the hidden fully connected layer. */
  readonly hidden: number;
  readonly embeddingSize: number;
}

/** Pixels to what embeddings are made of: convolutions with GELU, a hidden layer and a linear projection. */
export class ConvFeatures extends Module implements FeatureEncoder {
  readonly convolutions: Conv2d[];
  readonly hidden: Linear;
  readonly projection: Linear;
  readonly #features: number;

  constructor(options: ConvFeaturesOptions) {
    super();
    const { hidden, embeddingSize, seed, name = 'encoder' } = options;
    const { convolutions, extents } = convStack(options);
    this.convolutions = convolutions;
    this.#features = extents[0] * extents[1] * extents[2];
    this.hidden = new Linear(this.#features, hidden, { seed, name: `${name}.hidden` });
    this.projection = new Linear(hidden, embeddingSize, { seed, name: `${name}.projection` });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  features(pixels: Tensor): Tensor {
    let x = pixels;
    for (const convolution of this.convolutions) x = gelu(convolution.forward(x));
    x = gelu(this.hidden.forward(reshape(x, [pixels.shape[0], this.#features])));
    return this.projection.forward(x);
  }
}

export interface ConvEncoderOptions extends ConvFeaturesOptions {
  /** Whether the final batch normalisation has a learnt weight and bias. */
  readonly affine: boolean;
}

/**
 * Pixels to embeddings: convolutions with GELU, a hidden layer, a linear projection and batch normalisation.
 * Batch normalisation, never layer normalisation, comes last: a layer norm fixes every embedding's length, which
 * a distribution-matching regulariser such as SIGReg cannot live with.
 * @example
 * const encoder = new ConvEncoder({
 *   height: 32, width: 32, channels: 3, pixelScale: 1 / 255, pixelOffset: 0,
 *   layers: [{ channels: 16, kernel: 4, stride: 4, padding: 0 }],
 *   hidden: 64, embeddingSize: 32, affine: true, seed: 0,
 * });
 * encoder.eval().forward(zeros([2, 32, 32, 3], 'uint8')).shape; // [2, 32]
 */
export class ConvEncoder extends ConvFeatures implements Encoder {
  readonly normalisation: BatchNorm;

  constructor(options: ConvEncoderOptions) {
    super(options);
    this.normalisation = new BatchNorm(options.embeddingSize, { affine: options.affine });
  }

  /** @param pixels [N, H, W, C] uint8   @returns [N, D] */
  forward(pixels: Tensor): Tensor {
    return this.normalisation.forward(this.features(pixels));
  }
}
