import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { add, div, equal, matmul, mean, mul, reshape, rsqrt, square, sub, sum, where } from '../../ops/index.js';
import { arange, sameShape, show, type Tensor } from '../../tensor/index.js';

export interface BarlowTwinsOptions {
  /** Weight of the redundancy (default 0.0051). */
  readonly lambda?: number;
  /** Added to the variances (default 1e-5). */
  readonly epsilon?: number;
}

/**
 * Barlow Twins (Zbontar et al. 2021, eq. 1): Σᵢ (Cᵢᵢ − 1)² + λ·Σ_{i≠j} Cᵢⱼ², C being the correlation of the features of two views over the
 * batch, by biased variances.
 * @param a [N, D]   @param b [N, D]   @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_UNKNOWN_OPTION
 */
export function barlowTwins(a: Tensor, b: Tensor, options: BarlowTwinsOptions = {}): Tensor {
  checkOptions('barlowTwins', options, ['lambda', 'epsilon']);
  const { lambda = 0.0051, epsilon = 1e-5 } = options;
  const [samples, width] = a.shape;
  if (a.rank !== 2 || !sameShape(a.shape, b.shape) || samples < 2)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[barlowTwins] expected two views [N, D] with N at least 2, got ${show(a.shape)} and ${show(b.shape)}`,
    );
  const standardised = (z: Tensor): Tensor => {
    const centred = sub(z, mean(z, { axes: [0], keepDims: true }));
    return mul(centred, rsqrt(add(mean(square(centred), { axes: [0], keepDims: true }), epsilon)));
  };
  const product = matmul(standardised(a), standardised(b), { transposeA: true, precision: 'float32' });
  const correlation = div(product, samples);
  const index = arange(0, width);
  const diagonal = equal(reshape(index, [width, 1]), index);
  const invariance = sum(where(diagonal, square(sub(correlation, 1)), 0));
  const redundancy = sum(where(diagonal, 0, square(correlation)));
  return add(invariance, mul(redundancy, lambda));
}
