import type { BatchNorm } from '../nn/batch-norm.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/index.js';

/** Observations to what embeddings are made of; of several modalities each has one of its own. */
export interface FeatureEncoder<Observations = Tensor> extends Module {
  /** @param observations [N, …]   @returns [N, D], the embeddings before batch normalisation */
  features(observations: Observations): Tensor;
}

/** Observations to embeddings; every architecture of a world model's eyes offers these. */
export interface Encoder<Observations = Tensor> extends FeatureEncoder<Observations> {
  /** What comes last: SIGReg needs embeddings that batch statistics keep in place. */
  readonly normalisation: BatchNorm;
  /** @param observations [N, …]   @returns embeddings [N, D] */
  forward(observations: Observations): Tensor;
}
