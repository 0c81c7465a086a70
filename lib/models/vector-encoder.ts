import { BatchNorm } from '../nn/batch-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Encoder, FeatureEncoder } from './encoder.js';

export interface VectorFeaturesOptions {
  /** Length of the sensor vector. */
  readonly size: number;
  readonly hidden: number;
  readonly embeddingSize: number;
  readonly seed: number;
  /** Path that keys the random initial weights (default 'encoder'). */
  readonly name?: string;
}

/** Sensor vectors to what embeddings are made of: a two-layer perceptron with GELU, and a linear projection. */
export class VectorFeatures extends Module implements FeatureEncoder {
  readonly input: Linear;
  readonly hidden: Linear;
  readonly projection: Linear;

  constructor({ size, hidden, embeddingSize, seed, name = 'encoder' }: VectorFeaturesOptions) {
    super();
    this.input = new Linear(size, hidden, { seed, name: `${name}.input` });
    this.hidden = new Linear(hidden, hidden, { seed, name: `${name}.hidden` });
    this.projection = new Linear(hidden, embeddingSize, { seed, name: `${name}.projection` });
  }

  /** @param values [N, size] float32, scaled   @returns [N, D] */
  features(values: Tensor): Tensor {
    const x = gelu(this.hidden.forward(gelu(this.input.forward(values))));
    return this.projection.forward(x);
  }
}

export interface VectorEncoderOptions extends VectorFeaturesOptions {
  /** Whether the final batch normalisation has a learnt weight and bias. */
  readonly affine: boolean;
}

/**
 * Sensor vectors to embeddings: a two-layer perceptron with GELU, a linear projection, then batch normalisation.
 * @example
 * const encoder = new VectorEncoder({ size: 6, hidden: 128, embeddingSize: 32, affine: true, seed: 0 });
 * encoder.eval().forward(zeros([4, 6])).shape; // [4, 32]
 */
export class VectorEncoder extends VectorFeatures implements Encoder {
  readonly normalisation: BatchNorm;

  constructor(options: VectorEncoderOptions) {
    super(options);
    this.normalisation = new BatchNorm(options.embeddingSize, { affine: options.affine });
  }

  /** @param values [N, size] float32, scaled   @returns [N, D] */
  forward(values: Tensor): Tensor {
    return this.normalisation.forward(this.features(values));
  }
}
