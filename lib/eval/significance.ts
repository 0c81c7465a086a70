import { checkOptions, withDefaults } from '../io/options.js';
import { checkConfidence, checkPairs, invalid } from './expect.js';
import { averageRanks, mean, pearson } from './statistics.js';
import { twoSidedP, twoSidedQuantile } from './student-t.js';

export interface CorrelationTest {
  /** −1 … 1; NaN if one side does not vary. */
  readonly correlation: number;
  /** Probability, without any relation, of a correlation at least as far from 0; NaN if one side does not vary. */
  readonly pValue: number;
  readonly degreesOfFreedom: number;
}

export interface PairedTTest {
  readonly t: number;
  /** Probability, without any difference, of a |t| at least as large. */
  readonly pValue: number;
  readonly degreesOfFreedom: number;
  /** mean(a − b) */
  readonly meanDifference: number;
  /** Interval of the mean difference. */
  readonly interval: readonly [number, number];
}

/**
 * Pearson's correlation of paired values with its two-sided p-value: t = r·√((n − 2)/(1 − r²)) follows Student's t with n − 2 degrees
 * of freedom for unrelated normal values. If one side does not vary there is no correlation: both figures are NaN.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for fewer than three pairs, sides of unequal length, and values that are not finite
 * @example const { correlation, pValue } = pearsonTest(predictedCosts, trueCosts);
 */
export function pearsonTest(a: ArrayLike<number>, b: ArrayLike<number>): CorrelationTest {
  checkPairs('pearsonTest', a, b, 3);
  return correlationTest(a, b);
}

/**
 * Spearman's rank correlation, ties sharing the mean of their ranks, with its two-sided p-value by the same t as
 * {@link pearsonTest}: an approximation for ranks, good from about ten pairs on.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for fewer than three pairs, sides of unequal length, and values that are not finite
 * @example const { correlation, pValue } = spearmanTest([1, 2, 3, 4], [10, 30, 20, 40]);
 */
export function spearmanTest(a: ArrayLike<number>, b: ArrayLike<number>): CorrelationTest {
  checkPairs('spearmanTest', a, b, 3);
  return correlationTest(averageRanks(a), averageRanks(b));
}

function correlationTest(a: ArrayLike<number>, b: ArrayLike<number>): CorrelationTest {
  const correlation = pearson(a, b);
  const degreesOfFreedom = a.length - 2;
  const t = correlation * Math.sqrt(degreesOfFreedom / ((1 - correlation) * (1 + correlation)));
  return { correlation, pValue: twoSidedP(t, degreesOfFreedom), degreesOfFreedom };
}

/**
 * Student's t-test of paired values, such as two models' scores with the same seeds: t = mean(d)/(s/√n) for d = a − b with the unbiased
 * deviation s, two-sided p and an interval of the mean difference with n − 1 degrees of freedom.
 * @param options.confidence of the interval (default 0.95)
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for fewer than two pairs, sides of unequal length, values that are not finite, and
 *   differences that are all equal, which leave nothing to judge them by
 * @example const { pValue, interval } = pairedTTest([0.91, 0.94, 0.9], [0.88, 0.9, 0.89]);
 */
export function pairedTTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { readonly confidence?: number } = {},
): PairedTTest {
  checkOptions('pairedTTest', options, ['confidence']);
  const { confidence } = withDefaults({ confidence: 0.95 }, options);
  checkConfidence('pairedTTest', confidence);
  checkPairs('pairedTTest', a, b, 2);
  const differences = Float64Array.from({ length: a.length }, (_, i) => a[i] - b[i]);
  if (differences.every((difference) => difference === differences[0]))
    throw invalid('pairedTTest', 'differences that vary', `${differences.length} times ${differences[0]}`);
  const degreesOfFreedom = differences.length - 1;
  const meanDifference = mean(differences);
  const squares = differences.reduce((sum, difference) => sum + (difference - meanDifference) ** 2, 0);
  const standardError = Math.sqrt(squares / degreesOfFreedom / differences.length);
  const t = meanDifference / standardError;
  const half = twoSidedQuantile(confidence, degreesOfFreedom) * standardError;
  return {
    t,
    pValue: twoSidedP(t, degreesOfFreedom),
    degreesOfFreedom,
    meanDifference,
    interval: [meanDifference - half, meanDifference + half],
  };
}
