import { BatchNorm } from '../nn/batch-norm.js';
import { Module } from '../nn/module.js';
import { concat, gelu } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Encoder, FeatureEncoder } from './encoder.js';
import { Perceptron } from './perceptron.js';

export interface MultimodalEncoderOptions {
  /** What sees each modality; each gives [N, D]. Its place in the record is part of the names of its weights. */
  readonly encoders: Readonly<Record<string, FeatureEncoder>>;
  /** Width of the hidden layer that the modalities meet in. */
  readonly hidden: number;
  readonly embeddingSize: number;
  /** Whether the final batch normalisation has a learnt weight and bias. */
  readonly affine: boolean;
  readonly seed: number;
}

/**
 * Observations of several modalities to one embedding: the features of each side by side, a hidden layer with GELU that can relate them, a
 * linear projection and batch normalisation.
 * @example
 * const sensors = { embeddingSize: 16, hidden: 32, seed: 0 };
 * const encoder = new MultimodalEncoder({
 *   encoders: {
 *     joints: new VectorFeatures({ ...sensors, size: 7, name: 'joints' }),
 *     touch: new VectorFeatures({ ...sensors, size: 2, name: 'touch' }),
 *   },
 *   hidden: 64, embeddingSize: 16, affine: true, seed: 0,
 * });
 * encoder.eval().forward({ joints: zeros([4, 7]), touch: zeros([4, 2]) }).shape; // [4, 16]
 */
export class MultimodalEncoder extends Module implements Encoder<Readonly<Record<string, Tensor>>> {
  readonly encoders: FeatureEncoder[];
  readonly fusion: Perceptron;
  readonly normalisation: BatchNorm;
  readonly #names: readonly string[];

  constructor({ encoders, hidden, embeddingSize, affine, seed }: MultimodalEncoderOptions) {
    super();
    this.#names = Object.keys(encoders);
    this.encoders = Object.values(encoders);
    const inputs = this.encoders.length * embeddingSize;
    this.fusion = new Perceptron([inputs, hidden, embeddingSize], { seed, name: 'encoder.fusion' });
    this.normalisation = new BatchNorm(embeddingSize, { affine });
  }

  /** @param observations [N, …] of every modality   @returns [N, D] */
  forward(observations: Readonly<Record<string, Tensor>>): Tensor {
    return this.normalisation.forward(this.features(observations));
  }

  /** The embeddings before batch normalisation: [N, D]. */
  features(observations: Readonly<Record<string, Tensor>>): Tensor {
    const features = this.encoders.map((encoder, index) => encoder.features(observations[this.#names[index]]));
    return this.fusion.forward(gelu(concat(features, -1)));
  }
}
