import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { abs, add, exp, log, mul, neg, pow, relu, sigmoid, sub } from '../../ops/index.js';
import { sameShape, show, type Tensor } from '../../tensor/index.js';
import { type LossOptions, reduce } from './distance.js';

/**
 * −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) from logits, as max(x, 0) − x·t + ln(1 + e^(−|x|)), which never overflows.
 * @param logits any shape   @param target probabilities or 0 and 1 of the same shape
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_UNKNOWN_OPTION
 */
export function binaryCrossEntropy(logits: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('binaryCrossEntropy', options, ['reduction']);
  return reduce(elements('binaryCrossEntropy', logits, target), options.reduction);
}

export interface FocalLossOptions extends LossOptions {
  /** Exponent on the probability of the wrong answer (default 2; 0 is cross-entropy). A whole number or ½. */
  readonly gamma?: number;
  /** Weight of positives, 1 − α that of negatives (default .25); none if negative. */
  readonly alpha?: number;
}

/**
 * Sigmoid focal loss (Lin et al. 2017, eq. 5): cross-entropy times α·(1 − p)^γ, p being the probability of the right answer, so that
 * what is known already counts little.
 * @param logits any shape   @param target 0 and 1 of the same shape
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_UNKNOWN_OPTION
 */
export function sigmoidFocal(logits: Tensor, target: Tensor, options: FocalLossOptions = {}): Tensor {
  checkOptions('sigmoidFocal', options, ['gamma', 'alpha', 'reduction']);
  const { gamma = 2, alpha = 0.25, reduction } = options;
  const p = sigmoid(logits);
  const wrong = add(mul(p, sub(1, target)), mul(sub(1, p), target));
  const loss = mul(elements('sigmoidFocal', logits, target), pow(wrong, gamma));
  if (alpha < 0) return reduce(loss, reduction);
  return reduce(mul(loss, add(mul(target, 2 * alpha - 1), 1 - alpha)), reduction);
}

function elements(loss: string, logits: Tensor, target: Tensor): Tensor {
  if (!sameShape(logits.shape, target.shape))
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[${loss}] expected logits and target of the same shape, got ${show(logits.shape)} and ${show(target.shape)}`,
    );
  return add(sub(relu(logits), mul(logits, target)), log(add(exp(neg(abs(logits))), 1)));
}
