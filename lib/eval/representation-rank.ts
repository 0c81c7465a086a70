import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { cholesky, solveLower } from '../world-model/cholesky.js';
import { symmetricEigenvalues } from '../world-model/effective-rank.js';
import { rowsOf } from './expect.js';

/**
 * Singular values of a matrix, largest first: roots of the eigenvalues of its smaller Gram matrix, in float64. Those below 1e-8 of the
 * largest are noise.
 * @param features [rows, width] row-major
 * @throws JepaError ERR_JEPA_SHAPE
 */
export function singularValues(features: ArrayLike<number>, width: number): number[] {
  const rows = rowsOf('singularValues', features, width);
  const [size, inner] = rows < width ? [rows, width] : [width, rows];
  const at = rows < width ? (i: number, k: number) => i * width + k : (i: number, k: number) => k * width + i;
  const gram = symmetric(size, (i, j) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += features[at(i, k)] * features[at(j, k)];
    return sum;
  });
  return symmetricEigenvalues(gram, size)
    .map((value) => Math.sqrt(Math.max(0, value)))
    .sort((a, b) => b - a);
}

/**
 * RankMe (Garrido et al. 2023, eq. 1): exp(−Σ p ln p) with p_i = σ_i/Σσ + ε over the singular values of embeddings, not centred. It
 * goes with the accuracy of linear probes without needing labels.
 * @param features [rows, width] row-major   @param epsilon 1e-7 in the paper (default), 1e-5 in stable-pretraining
 * @returns from 1, collapsed, to the width; 0 if all is 0
 * @throws JepaError ERR_JEPA_SHAPE
 * @example rankMe(await embeddings.data(), 192)
 */
export function rankMe(
  features: ArrayLike<number>,
  width: number,
  { epsilon = 1e-7 }: { readonly epsilon?: number } = {},
): number {
  return Math.exp(entropyOf(singularValues(features, width), epsilon));
}

/** (Σσ²)²/Σσ⁴: how many directions the energy of embeddings is spread over. @param features [rows, width] row-major */
export function participationRatio(features: ArrayLike<number>, width: number): number {
  const energies = singularValues(features, width).map((value) => value * value);
  const total = sumOf(energies);
  return total === 0 ? 0 : total ** 2 / sumOf(energies.map((energy) => energy * energy));
}

export interface LidarOptions {
  /** Views q of each sample; they are consecutive rows. */
  readonly views: number;
  /** Added to the diagonal of the scatter within samples (default 1e-4). */
  readonly delta?: number;
  /** Added to the normalised eigenvalues (default 1e-8). */
  readonly epsilon?: number;
}

export interface Lidar {
  /** exp of the entropy: from 1 to the width. */
  readonly lidar: number;
  readonly entropy: number;
  /** Of the scatter between samples in units of that within, largest first. */
  readonly eigenvalues: readonly number[];
}

/**
 * LiDAR (Thilak et al. 2024): the rank of what tells samples apart, in units of how views of one sample differ: eigenvalues of
 * S_w^−½·S_b·S_w^−½, S_b being the covariance of the samples' means (divisor n − 1) and S_w that of views about them (n(q − 1)) + δI.
 * @param features [n·q, width] row-major
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_UNKNOWN_OPTION
 * @example lidar(await embeddings.data(), 192, { views: 10 }).lidar
 */
export function lidar(features: ArrayLike<number>, width: number, options: LidarOptions): Lidar {
  checkOptions('lidar', options, ['views', 'delta', 'epsilon']);
  const { views, delta = 1e-4, epsilon = 1e-8 } = options;
  const rows = rowsOf('lidar', features, width);
  const samples = rows / views;
  if (!(Number.isInteger(samples) && Number.isInteger(views) && views >= 2 && samples >= 2))
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[lidar] expected at least two samples of at least two views each, got ${rows} rows of ${views} views`,
    );
  const means = new Float64Array(samples * width);
  for (let i = 0; i < rows * width; i++)
    means[Math.floor(i / (views * width)) * width + (i % width)] += features[i] / views;
  const centre = new Float64Array(width);
  for (let i = 0; i < means.length; i++) centre[i % width] += means[i] / samples;
  const between = symmetric(width, (i, j) => {
    let sum = 0;
    for (let s = 0; s < samples; s++) sum += (means[s * width + i] - centre[i]) * (means[s * width + j] - centre[j]);
    return sum / (samples - 1);
  });
  const within = symmetric(width, (i, j) => {
    let sum = i === j ? delta * samples * (views - 1) : 0;
    for (let row = 0; row < rows; row++) {
      const mean = Math.floor(row / views) * width;
      sum += (features[row * width + i] - means[mean + i]) * (features[row * width + j] - means[mean + j]);
    }
    return sum / (samples * (views - 1));
  });
  const eigenvalues = generalisedEigenvalues(between, within, width).sort((a, b) => b - a);
  const entropy = entropyOf(eigenvalues, epsilon);
  return { lidar: Math.exp(entropy), entropy, eigenvalues };
}

/** λ of A·x = λ·B·x: eigenvalues of L⁻¹·A·L⁻ᵀ with B = L·Lᵀ, the same as those of B^−½·A·B^−½. */
function generalisedEigenvalues(a: Float64Array, b: Float64Array, n: number): number[] {
  const factor = cholesky(b, n);
  const half = Float64Array.from(a);
  solveLower(factor, n, half, n); // L⁻¹·A
  const reduced = half.map((_, at) => half[(at % n) * n + Math.floor(at / n)]);
  solveLower(factor, n, reduced, n); // L⁻¹·(L⁻¹·A)ᵀ
  return symmetricEigenvalues(reduced, n).map((value) => Math.max(0, value));
}

/** −Σ p ln p with p = value/Σ + ε. */
function entropyOf(values: readonly number[], epsilon: number): number {
  const total = sumOf(values);
  if (!(total > 0)) return Number.NEGATIVE_INFINITY;
  return -sumOf(values.map((value) => value / total + epsilon).map((p) => (p > 0 ? p * Math.log(p) : 0)));
}

function symmetric(n: number, element: (i: number, j: number) => number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = element(i, j);
  return matrix;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
