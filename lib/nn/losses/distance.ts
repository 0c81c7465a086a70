import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { abs, less, maximum, mean, mul, rsqrt, square, sub, sum, where } from '../../ops/index.js';
import type { Tensor } from '../../tensor/index.js';

/** 'mean' over all elements (default), 'sum' of them, or 'none': a loss for each. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  readonly reduction?: Reduction;
}

export function reduce(loss: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return loss;
  return reduction === 'sum' ? sum(loss) : mean(loss);
}

/** A pair of shapes that only broadcast, [B, 1] and [B], would be averaged over B × B differences. */
function expectSameShape(loss: string, x: Tensor, target: Tensor): void {
  if (x.shape.join() === target.shape.join()) return;
  throw new JepaError(
    'ERR_JEPA_SHAPE',
    `[${loss}] expected x and target of the same shape, got [${x.shape.join(', ')}] and [${target.shape.join(', ')}]`,
  );
}

/**
 * Squared error (x − target)², without a factor ½.
 * @param x of any shape   @param target of the same   @throws JepaError ERR_JEPA_SHAPE
 * @example await mse(tensor([1, 2]), tensor([1, 4])).item(); // 2
 */
export function mse(x: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('mse', options, ['reduction']);
  expectSameShape('mse', x, target);
  return reduce(square(sub(x, target)), options.reduction);
}

/**
 * Absolute error |x − target|; its gradient at 0 is 0.
 * @example await l1(tensor([1, 2]), tensor([1, 4])).item(); // 1
 */
export function l1(x: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('l1', options, ['reduction']);
  expectSameShape('l1', x, target);
  return reduce(abs(sub(x, target)), options.reduction);
}

/**
 * With d = |x − target|: d²/(2β) below β, else d − β/2 (Girshick 2015). β 0 is {@link l1}; Huber's loss is β times this.
 * @example await smoothL1(tensor([0, 0]), tensor([0.5, 3])).item(); // 1.3125
 */
export function smoothL1(x: Tensor, target: Tensor, options: LossOptions & { readonly beta?: number } = {}): Tensor {
  checkOptions('smoothL1', options, ['reduction', 'beta']);
  expectSameShape('smoothL1', x, target);
  const { beta = 1, reduction } = options;
  const distance = abs(sub(x, target));
  if (beta === 0) return reduce(distance, reduction);
  return reduce(where(less(distance, beta), mul(square(distance), 0.5 / beta), sub(distance, beta / 2)), reduction);
}

/**
 * a·b / (max(‖a‖, ε)·max(‖b‖, ε)) along the last axis: [..., D], [..., D] → [...]
 * @example await cosineSimilarity(tensor([[1, 0]]), tensor([[3, 4]])).toArray(); // [0.6]
 */
export function cosineSimilarity(a: Tensor, b: Tensor, { epsilon = 1e-8 }: { readonly epsilon?: number } = {}): Tensor {
  const inverseNorm = (x: Tensor): Tensor => rsqrt(maximum(sum(square(x), { axes: [-1] }), epsilon * epsilon));
  return mul(sum(mul(a, b), { axes: [-1] }), mul(inverseNorm(a), inverseNorm(b)));
}

/**
 * 1 − {@link cosineSimilarity}. @param a [..., D]   @param b [..., D]
 * @example await cosine(tensor([[1, 0]]), tensor([[3, 4]])).item(); // 0.4
 */
export function cosine(a: Tensor, b: Tensor, options: LossOptions & { readonly epsilon?: number } = {}): Tensor {
  checkOptions('cosine', options, ['reduction', 'epsilon']);
  return reduce(sub(1, cosineSimilarity(a, b, options)), options.reduction);
}

/**
 * Rows divided by max(‖row‖, ε). @param x [..., D]
 * @example const unit = normalize(tensor([[3, 4]])); // [[0.6, 0.8]]
 */
export function normalize(x: Tensor, options: { readonly epsilon?: number } = {}): Tensor {
  checkOptions('normalize', options, ['epsilon']);
  const { epsilon = 1e-12 } = options;
  return mul(x, rsqrt(maximum(sum(square(x), { axes: [-1], keepDims: true }), epsilon * epsilon)));
}
