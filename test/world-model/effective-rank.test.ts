import { describe, expect, it } from 'vitest';
import { effectiveRank } from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';

/** Q·diag(λ)·Qᵀ with Q a product of plane rotations: a covariance whose eigenvalues are known. */
function covarianceWith(eigenvalues: readonly number[]): Float64Array {
  const n = eigenvalues.length;
  const random = new Random(5, 'rotations');
  const q = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j): number => (i === j ? 1 : 0)));
  for (let turn = 0; turn < 4 * n; turn++) {
    const [i, j] = [random.below(n), random.below(n)];
    if (i === j) continue;
    const angle = random.uniform(0, 6);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    for (const row of q) [row[i], row[j]] = [c * row[i] - s * row[j], s * row[i] + c * row[j]];
  }
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [a, b] = [Math.floor(at / n), at % n];
    return eigenvalues.reduce((sum, value, k) => sum + q[a][k] * value * q[b][k], 0);
  });
}

/** exp(−Σ p·ln p) with p = √λ/Σ√λ (Roy & Vetterli 2007). */
function byDefinition(eigenvalues: readonly number[]): number {
  const sigma = eigenvalues.map(Math.sqrt);
  const total = sigma.reduce((a, b) => a + b);
  return Math.exp(-sigma.reduce((sum, s) => sum + (s > 0 ? (s / total) * Math.log(s / total) : 0), 0));
}

describe('effectiveRank', () => {
  it.each([[[1, 1, 1, 1]], [[9, 4, 1, 0.25, 0.01]], [[7, 0, 0]], [[100, 1e-4, 3, 3, 2, 1, 1e-9, 5]]])(
    'of eigenvalues %j is the exponential of their entropy',
    (eigenvalues) => {
      const n = eigenvalues.length;
      expect(effectiveRank(covarianceWith(eigenvalues), n)).toBeCloseTo(byDefinition(eigenvalues), 6);
    },
  );

  it('is the dimension of what varies evenly, and 0 of what does not vary', () => {
    expect(effectiveRank(covarianceWith([2, 2, 2, 2, 2, 2]), 6)).toBeCloseTo(6, 9);
    expect(effectiveRank(covarianceWith([5, 0, 5, 0]), 4)).toBeCloseTo(2, 6);
    expect(effectiveRank(new Float64Array(9), 3)).toBe(0);
  });
});
