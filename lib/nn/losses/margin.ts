import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { add, mul, relu, sqrt, square, sub, sum } from '../../ops/index.js';
import { show, type Tensor } from '../../tensor/index.js';
import { type LossOptions, reduce } from './distance.js';

export interface MarginOptions extends LossOptions {
  readonly margin?: number;
}

/**
 * max(0, margin − sign·(a − b)): a shall lie above b by the margin where sign is 1, below it where it is −1. Margin 0 by default.
 * @param a scores   @param b scores   @param sign ±1, all of one shape   @throws JepaError ERR_JEPA_SHAPE
 */
export function marginRanking(a: Tensor, b: Tensor, sign: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions('marginRanking', options, ['margin', 'reduction']);
  expectAlike('marginRanking', { a, b, sign });
  return reduce(relu(sub(options.margin ?? 0, mul(sign, sub(a, b)))), options.reduction);
}

/**
 * max(0, margin − sign·x), the loss of support vector machines. Margin 1 by default.
 * @param x scores   @param sign ±1, of one shape   @throws JepaError ERR_JEPA_SHAPE
 */
export function hinge(x: Tensor, sign: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions('hinge', options, ['margin', 'reduction']);
  expectAlike('hinge', { x, sign });
  return reduce(relu(sub(options.margin ?? 1, mul(sign, x))), options.reduction);
}

/**
 * max(0, ‖a − p + ε‖ − ‖a − n + ε‖ + margin) along the last axis, ε added to every difference as in PyTorch: the anchor shall lie nearer to
 * the positive than to the negative, by the margin. Margin 1 and ε 1e-6 by default.
 * @param anchor [..., D]   @param positive [..., D]   @param negative [..., D]
 * @returns the loss, of each row [...] with reduction 'none'   @throws JepaError ERR_JEPA_SHAPE
 */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: MarginOptions & { readonly epsilon?: number } = {},
): Tensor {
  checkOptions('tripletMargin', options, ['margin', 'epsilon', 'reduction']);
  expectAlike('tripletMargin', { anchor, positive, negative });
  const { margin = 1, epsilon = 1e-6, reduction } = options;
  const distance = (other: Tensor): Tensor => sqrt(sum(square(add(sub(anchor, other), epsilon)), { axes: [-1] }));
  return reduce(relu(add(sub(distance(positive), distance(negative)), margin)), reduction);
}

/** Scores that only broadcast would be compared with one another. */
function expectAlike(loss: string, operands: Readonly<Record<string, Tensor>>): void {
  const shapes = Object.values(operands).map(({ shape }) => show(shape));
  if (new Set(shapes).size > 1)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[${loss}] expected ${Object.keys(operands).join(', ')} of the same shape, got ${shapes.join(', ')}`,
    );
}
