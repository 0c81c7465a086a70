import { ones, parameter, zeros } from '../nn/initialisers.js';
import { Module } from '../nn/module.js';
import { add, max, mul, relu, slice, sqrt, square, sub, sum } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { Perceptron } from './perceptron.js';

/** Sizes of a {@link Quasimetric}. */
export interface QuasimetricOptions {
  readonly embeddingSize: number;
  /** Width of the two hidden layers (default 128). */
  readonly hidden?: number;
  /** Width of the part that is the same there and back (default 16). */
  readonly symmetric?: number;
  /** Width of the part that is not (default 8); 0 for a metric. */
  readonly asymmetric?: number;
  readonly seed: number;
}

/**
 * A learned distance from one embedding to another: d(a, b) = ‖f(a) − f(b)‖ + max_i max(0, g_i(a) − g_i(b)) (Metric Residual Network, Liu
 * et al. 2023). Whatever f and g are, it is never below 0, it keeps the triangle inequality, and the way back may be longer.
 */
export class Quasimetric extends Module {
  readonly projection: Perceptron;
  /** [D] of the embeddings that it is learnt from, and [1] one over their deviation, all axes together: none is blown up. */
  readonly mean: Variable;
  readonly rstd: Variable;
  readonly #symmetric: number;

  constructor({ embeddingSize, hidden = 128, symmetric = 16, asymmetric = 8, seed }: QuasimetricOptions) {
    super();
    this.#symmetric = symmetric;
    this.mean = this.buffer(parameter('quasimetric.mean', [embeddingSize], zeros));
    this.rstd = this.buffer(parameter('quasimetric.rstd', [1], ones));
    this.projection = new Perceptron([embeddingSize, hidden, hidden, symmetric + asymmetric], {
      seed,
      name: 'quasimetric',
    });
  }

  /** Centres and scales embeddings like these before they are looked at. @param embeddings [N, D] */
  async standardise(embeddings: Float32Array): Promise<void> {
    const width = this.mean.shape[0];
    const rows = embeddings.length / width;
    const mean = new Float64Array(width);
    for (let i = 0; i < embeddings.length; i++) mean[i % width] += embeddings[i] / rows;
    let variance = 0;
    for (let i = 0; i < embeddings.length; i++) variance += (embeddings[i] - mean[i % width]) ** 2 / embeddings.length;
    await this.mean.write(Float32Array.from(mean));
    await this.rstd.write(Float32Array.of(1 / Math.sqrt(variance + 1e-12)));
  }

  /** @param embedding [..., D]   @returns [..., W] f and g, between which {@link Quasimetric.distance} measures */
  place(embedding: Tensor): Tensor {
    return this.projection.forward(mul(sub(embedding, this.mean), this.rstd));
  }

  /** @param from [..., W]   @param to [..., W], shapes as of `sub`   @returns [...] */
  distance(from: Tensor, to: Tensor): Tensor {
    const apart = sub(from, to);
    const width = apart.shape[apart.shape.length - 1];
    const both = slice(apart, -1, 0, this.#symmetric);
    const metric = sqrt(add(sum(square(both), { axes: [-1] }), 1e-6)); // a root has no gradient at 0
    if (width === this.#symmetric) return metric;
    return add(metric, max(relu(slice(apart, -1, this.#symmetric, width)), { axes: [-1] }));
  }
}
