import { checkOptions, withDefaults } from '../io/options.js';
import { interpolatedQuantile } from '../world-model/quantile.js';
import { Random } from '../worlds/random.js';
import { checkConfidence, checkFinite, invalid } from './expect.js';
import { mean, median } from './statistics.js';

/** A figure of a sample, which a bootstrap computes again of samples drawn from it. */
export type SampleStatistic = (values: Float64Array) => number;

export interface BootstrapOptions {
  /** `'mean'` (default), `'median'`, or a function of the values. */
  readonly statistic?: 'mean' | 'median' | SampleStatistic;
  /** Share of the replicates inside the interval (default 0.95). */
  readonly confidence?: number;
  /** Samples drawn (default 10,000). */
  readonly resamples?: number;
  /** What the draws depend on (default 0). */
  readonly seed?: number;
}

export interface BootstrapInterval {
  /** The statistic of the values themselves. */
  readonly estimate: number;
  readonly interval: readonly [number, number];
  /** Standard deviation of the replicates. */
  readonly standardError: number;
}

const statistics: Readonly<Record<string, SampleStatistic>> = { mean, median };

/**
 * Percentile interval by the bootstrap (Efron 1979): the statistic of samples of the same size, drawn with replacement, and between
 * which values its middle share lies. The same seed gives the same interval. Intervals of fewer than about ten values are too narrow.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for fewer than two values, values that are not finite, and options without meaning
 * @example const { estimate, interval } = bootstrapInterval(successRates, { statistic: 'median', seed: 1 });
 */
export function bootstrapInterval(values: ArrayLike<number>, options: BootstrapOptions = {}): BootstrapInterval {
  const where = 'bootstrapInterval';
  checkOptions(where, options, ['statistic', 'confidence', 'resamples', 'seed']);
  const { statistic, confidence, resamples, seed } = withDefaults(
    { statistic: 'mean' as const, confidence: 0.95, resamples: 10_000, seed: 0 },
    options,
  );
  checkConfidence(where, confidence);
  if (!Number.isInteger(resamples) || resamples < 2)
    throw invalid(where, 'at least 2 resamples, a whole number', `${resamples}`);
  if (!Number.isSafeInteger(seed)) throw invalid(where, 'a whole number as seed', `${seed}`);
  if (values.length < 2) throw invalid(where, 'at least 2 values', `${values.length}`);
  checkFinite(where, values);
  const compute = statisticOf(statistic);
  const random = new Random(seed, 'bootstrap');
  const replicates = bootstrapReplicates(values, resamples, compute, () => random.below(values.length));
  const average = mean(replicates);
  const squares = replicates.reduce((sum, value) => sum + (value - average) ** 2, 0);
  return {
    estimate: compute(Float64Array.from(values)),
    interval: percentileInterval(replicates, confidence),
    standardError: Math.sqrt(squares / (resamples - 1)),
  };
}

/** The function that a name stands for. @throws JepaError ERR_JEPA_INVALID_ARGUMENT */
export function statisticOf(statistic: string | SampleStatistic): SampleStatistic {
  if (typeof statistic === 'function') return statistic;
  if (Object.hasOwn(statistics, statistic)) return statistics[statistic];
  throw invalid('bootstrapInterval', "'mean', 'median' or a function as statistic", `'${String(statistic)}'`);
}

/**
 * The statistic of each resample.
 * @param draw the position of the next value: all of the first resample, then all of the second, …
 */
export function bootstrapReplicates(
  values: ArrayLike<number>,
  resamples: number,
  statistic: SampleStatistic,
  draw: () => number,
): Float64Array {
  const sample = new Float64Array(values.length);
  return Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < sample.length; i++) sample[i] = values[draw()];
    return statistic(sample);
  });
}

/** The quantiles (1 ∓ confidence)/2 of replicates. */
export function percentileInterval(replicates: Float64Array, confidence: number): [number, number] {
  const ordered = replicates.slice().sort();
  return [interpolatedQuantile(ordered, (1 - confidence) / 2), interpolatedQuantile(ordered, (1 + confidence) / 2)];
}
