import { cholesky, solveLower } from './cholesky.js';

/**
 * How far vectors lie from those of a set: the squared Mahalanobis distance over the dimension, about 1 for one of them.
 * Noise, darkness or another picture altogether leave the cloud of embeddings although no law of the world was broken.
 */
export class Outliers {
  /** [D] */
  readonly mean: Float32Array;
  /** [D, D] lower triangular, with factor · factorᵀ the covariance (Cholesky). */
  readonly factor: Float32Array;

  constructor(mean: Float32Array, factor: Float32Array) {
    this.mean = mean;
    this.factor = factor;
  }

  /**
   * @param vectors rows of `width` numbers
   * A thousandth of the mean variance is added to the diagonal: directions without spread would make everything an outlier.
   */
  static of(vectors: Float32Array, width: number): Outliers {
    const count = vectors.length / width;
    const mean = new Float64Array(width);
    for (let i = 0; i < vectors.length; i++) mean[i % width] += vectors[i] / count;
    const covariance = new Float64Array(width * width);
    for (let row = 0; row < count; row++)
      for (let i = 0; i < width; i++) {
        const deviation = vectors[row * width + i] - mean[i];
        for (let j = 0; j <= i; j++)
          covariance[i * width + j] += (deviation * (vectors[row * width + j] - mean[j])) / count;
      }
    let trace = 0;
    for (let i = 0; i < width; i++) trace += covariance[i * width + i];
    const ridge = (1e-3 * trace) / width + Number.MIN_VALUE;
    for (let i = 0; i < width; i++) covariance[i * width + i] += ridge;
    return new Outliers(Float32Array.from(mean), Float32Array.from(cholesky(covariance, width)));
  }

  distance(vector: ArrayLike<number>, offset = 0): number {
    const width = this.mean.length;
    const solved = new Float64Array(width); // factor · solved = vector − mean
    for (let i = 0; i < width; i++) solved[i] = vector[offset + i] - this.mean[i];
    solveLower(this.factor, width, solved);
    let square = 0;
    for (let i = 0; i < width; i++) square += solved[i] * solved[i];
    return square / width;
  }
}
