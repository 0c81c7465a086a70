import { add, div, minimum, mul, sqrt, sumOfSquares } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** √Σ g² over all gradients together. @example await globalNorm([tensor([3]), tensor([4])]).item(); // 5 */
export function globalNorm(gradients: Iterable<Tensor>): Tensor {
  return sqrt([...gradients].map((gradient) => sumOfSquares(gradient)).reduce((total, part) => add(total, part)));
}

/**
 * min(1, maxNorm/(norm + 1e-6)), PyTorch's factor: a norm equal to the limit is still scaled by a hair. An infinite gradient
 * gives factor 0, which leaves NaN where it was.
 * @example await clipFactor(scalar(4), 1).item(); // 0.25
 */
export function clipFactor(norm: Tensor, maxNorm: number): Tensor {
  return minimum(div(maxNorm, add(norm, 1e-6)), 1);
}

/**
 * Scales gradients so that their common norm is at most `maxNorm`.
 * @returns the norm before clipping, and the gradients in a map of the same keys
 * @example
 * const weight = variable(Float32Array.of(2));
 * const { norm, gradients } = clipGradNorm(grad(sum(square(weight)), [weight]), 1);
 * await norm.item(); // 4
 * await gradients.get(weight)?.toArray(); // [1]
 */
export function clipGradNorm(
  gradients: ReadonlyMap<Tensor, Tensor>,
  maxNorm: number,
): { norm: Tensor; gradients: Map<Tensor, Tensor> } {
  const norm = globalNorm(gradients.values());
  const factor = clipFactor(norm, maxNorm);
  return {
    norm,
    gradients: new Map([...gradients].map(([parameter, gradient]) => [parameter, mul(gradient, factor)])),
  };
}
