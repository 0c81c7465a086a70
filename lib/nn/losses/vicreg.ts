import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import {
  add,
  div,
  matmul,
  mean,
  mul,
  notEqual,
  relu,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  where,
} from '../../ops/index.js';
import { arange, type Tensor } from '../../tensor/index.js';
import { mse } from './distance.js';

export interface VarianceLossOptions {
  /** Standard deviation that every feature should reach (default 1). */
  readonly gamma?: number;
  /** Added to the variance, inside the root (default 1e-4). */
  readonly epsilon?: number;
  /** 1: unbiased variance (default), 0: biased. */
  readonly correction?: 0 | 1;
}

/**
 * VICReg's variance hinge (Bardes, Ponce & LeCun 2022, eq. 1): mean over features of max(0, γ − √(var + ε)), variance over the batch.
 * @param z [N, D]
 * @example await varianceLoss(tensor([[0], [4]])).item(); // 0
 */
export function varianceLoss(z: Tensor, options: VarianceLossOptions = {}): Tensor {
  checkOptions('varianceLoss', options, ['gamma', 'epsilon', 'correction']);
  const { gamma = 1, epsilon = 1e-4, correction = 1 } = options;
  const variance = div(sum(square(centre('varianceLoss', z)), { axes: [0] }), z.shape[0] - correction);
  return mean(relu(sub(gamma, sqrt(add(variance, epsilon)))));
}

export interface CovarianceLossOptions {
  /** What the squared off-diagonal covariances are divided by: 'd' (VICReg, default) or 'd(d-1)' (their mean; PLDM, EB-JEPA). */
  readonly normalisation?: 'd' | 'd(d-1)';
}

/**
 * VICReg's covariance penalty (eq. 3 and 4): squared off-diagonal entries of the unbiased covariance of the batch.
 * @param z [N, D]
 * @example await covarianceLoss(tensor([[1, 1], [-1, -1]])).item(); // 4
 */
export function covarianceLoss(z: Tensor, options: CovarianceLossOptions = {}): Tensor {
  checkOptions('covarianceLoss', options, ['normalisation']);
  const width = z.shape[1];
  const centred = centre('covarianceLoss', z);
  const covariance = div(matmul(centred, centred, { transposeA: true, precision: 'float32' }), z.shape[0] - 1);
  const index = arange(0, width);
  const offDiagonal = where(notEqual(reshape(index, [width, 1]), index), covariance, 0);
  return div(sum(square(offDiagonal)), options.normalisation === 'd(d-1)' ? width * (width - 1) : width);
}

export interface VicregOptions {
  readonly invariance?: number;
  readonly variance?: number;
  readonly covariance?: number;
  /**
   * 'code' (default; the weights 25, 25, 1 belong to it): invariance is the mean over all elements, the two variance terms are halved.
   * 'paper': invariance is the mean over rows of ‖a − b‖², variance terms are summed.
   */
  readonly style?: 'code' | 'paper';
}

/**
 * VICReg (Bardes, Ponce & LeCun 2022, eq. 6) between two views, and its unweighted terms.
 * @param a [N, D]   @param b [N, D]
 * @example
 * const [a, b] = [normal([32, 8], { seed: 1 }), normal([32, 8], { seed: 2 })];
 * const { loss, invariance, variance, covariance } = vicreg(a, b);
 */
export function vicreg(
  a: Tensor,
  b: Tensor,
  options: VicregOptions = {},
): { loss: Tensor; invariance: Tensor; variance: Tensor; covariance: Tensor } {
  checkOptions('vicreg', options, ['invariance', 'variance', 'covariance', 'style']);
  const paper = options.style === 'paper';
  const invariance = paper ? mean(sum(square(sub(a, b)), { axes: [1] })) : mse(a, b);
  const hinges = add(varianceLoss(a), varianceLoss(b));
  const variance = paper ? hinges : mul(hinges, 0.5);
  const covariance = add(covarianceLoss(a), covarianceLoss(b));
  const loss = add(
    add(mul(invariance, options.invariance ?? 25), mul(variance, options.variance ?? 25)),
    mul(covariance, options.covariance ?? 1),
  );
  return { loss, invariance, variance, covariance };
}

function centre(op: string, z: Tensor): Tensor {
  if (z.rank !== 2 || z.shape[0] < 2)
    throw new JepaError('ERR_JEPA_SHAPE', `[${op}] expected [N, D] with N at least 2, got [${z.shape.join(', ')}]`);
  return sub(z, mean(z, { axes: [0], keepDims: true }));
}
