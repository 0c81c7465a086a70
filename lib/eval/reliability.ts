import { checkFinite, invalid } from './expect.js';

/** Whether confidences are what they say. */
export interface Reliability {
  /** Share that was right. */
  readonly accuracy: number;
  /** Mean confidence: as large as the accuracy if confidences are calibrated on the whole. */
  readonly confidence: number;
  /** Expected calibration error: |accuracy − mean confidence| of each bin, weighted by how many fell into it. 0 is perfect. */
  readonly calibrationError: number;
  /** Mean squared difference of confidence and outcome (Brier 1950): also rewards telling the sure from the unsure. */
  readonly brier: number;
}

/**
 * Compares confidences with how often they were right (Guo et al. 2017): bins of equal width in confidence. With n answers the error of
 * perfect confidences is about √(bins / n) · 0.4, not 0.
 * @param right 1 or true where the answer was right   @param bins default 10
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for lists of different lengths, none, or confidences outside 0 … 1
 * @example const { calibrationError } = reliability([0.9, 0.8, 0.6], [1, 1, 0]);
 */
export function reliability(
  confidences: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
  bins = 10,
): Reliability {
  const count = confidences.length;
  if (count === 0 || right.length !== count)
    throw invalid('reliability', 'as many outcomes as confidences, at least one', `${right.length} and ${count}`);
  if (!Number.isInteger(bins) || bins < 1) throw invalid('reliability', 'a whole number of bins', `${bins}`);
  checkFinite('reliability', confidences);
  const gaps = new Float64Array(bins);
  const total = { right: 0, confidence: 0, squares: 0 };
  for (let i = 0; i < count; i++) {
    const [confidence, outcome] = [confidences[i], right[i] ? 1 : 0];
    if (confidence < 0 || confidence > 1) throw invalid('reliability', 'confidences from 0 to 1', `${confidence}`);
    gaps[Math.min(bins - 1, Math.floor(confidence * bins))] += outcome - confidence;
    total.right += outcome;
    total.confidence += confidence;
    total.squares += (outcome - confidence) ** 2;
  }
  return {
    accuracy: total.right / count,
    confidence: total.confidence / count,
    calibrationError: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / count,
    brier: total.squares / count,
  };
}
