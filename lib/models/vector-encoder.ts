import { BatchNorm } from '../nn/batch-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Encoder } from './encoder.js';

export interface VectorEncoderOptions {
  /** Length of the sensor vector. */
  readonly size: number;
  readonly hidden: number;
  readonly embeddingSize: number;
  readonly affine: boolean;
  readonly seed: number;
}

/**
 * Sensor vectors to embeddings: a two-layer perceptron with GELU, then batch normalisation.
 * @example
 * const encoder = new VectorEncoder({ size: 6, hidden: 128, embeddingSize: 32, affine: true, seed: 0 });
 * encoder.eval().forward(zeros([4, 6])).shape; // [4, 32]
 */
export class VectorEncoder extends Module implements Encoder {
  readonly input: Linear;
  readonly hidden: Linear;
  readonly projection: Linear;
  readonly normalisation: BatchNorm;

  constructor({ size, hidden, embeddingSize, affine, seed }: VectorEncoderOptions) {
    super();
    this.input = new Linear(size, hidden, { seed, name: 'encoder.input' });
    this.hidden = new Linear(hidden, hidden, { seed, name: 'encoder.hidden' });
    this.projection = new Linear(hidden, embeddingSize, { seed, name: 'encoder.projection' });
    this.normalisation = new BatchNorm(embeddingSize, { affine });
  }

  /** @param values [N, size] float32, scaled   @returns [N, D] */
  forward(values: Tensor): Tensor {
    return this.normalisation.forward(this.features(values));
  }

  /** The embeddings before batch normalisation: [N, D]. */
  features(values: Tensor): Tensor {
    const x = gelu(this.hidden.forward(gelu(this.input.forward(values))));
    return this.projection.forward(x);
  }
}
