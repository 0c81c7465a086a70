import type { BatchNorm } from '../nn/batch-norm.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/index.js';

/** Observations to embeddings; every architecture of a world model's eyes offers these. */
export interface Encoder extends Module {
  /** What comes last: SIGReg needs embeddings that batch statistics keep in place. */
  readonly normalisation: BatchNorm;
  /** @param observations [N, …] of one modality   @returns embeddings [N, D] */
  forward(observations: Tensor): Tensor;
  /** The embeddings before batch normalisation: [N, D]. */
  features(observations: Tensor): Tensor;
}
