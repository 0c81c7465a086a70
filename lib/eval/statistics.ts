import { shown } from '../errors.js';
import { checkFinite, checkPairs, invalid, rowsOf } from './expect.js';

/** A share in percent with its Wilson interval. */
export interface Share {
  /** 0 … 100 */
  readonly accuracy: number;
  readonly interval: readonly [number, number];
}

/**
 * Wilson's score interval of a proportion (Wilson 1927). `successes` need not be whole: ties count one half.
 * @param z quantile of the normal distribution (default 1.96: 95 %)
 * @returns bounds in 0 … 1; of nothing all of it
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for more successes than there are cases, and numbers without meaning
 * @example wilsonInterval(50, 100); // [0.4038, 0.5962]
 */
export function wilsonInterval(successes: number, count: number, z = 1.959963984540054): [number, number] {
  checkShare('wilsonInterval', successes, count);
  if (!(z >= 0 && Number.isFinite(z))) throw invalid('wilsonInterval', 'z to be 0 or more', shown(z));
  if (count === 0) return [0, 1];
  const p = successes / count;
  const centre = (p + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function checkShare(where: string, successes: number, count: number): void {
  if (!(count >= 0 && Number.isFinite(count))) throw invalid(where, 'a count of 0 or more', shown(count));
  if (!(successes >= 0 && successes <= count))
    throw invalid(where, `0 to ${count} successes of ${count}`, shown(successes), {
      help: ['give the successes first, then how many cases there were'],
    });
}

/** Percent of pairs in which the second value is the larger; ties count one half. */
export function pairedShare(lower: ArrayLike<number>, higher: ArrayLike<number>, counts: ArrayLike<number>): Share {
  let successes = 0;
  let total = 0;
  for (let i = 0; i < lower.length; i++) {
    if (!counts[i]) continue;
    total++;
    successes += higher[i] > lower[i] ? 1 : higher[i] === lower[i] ? 0.5 : 0;
  }
  return shareOf(successes, total);
}

/**
 * A share of successes with its 95 % interval after Wilson; its accuracy is NaN of nothing.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT as {@link wilsonInterval}
 * @example shareOf(50, 100).accuracy; // 50
 */
export function shareOf(successes: number, total: number): Share {
  checkShare('shareOf', successes, total);
  const [low, high] = wilsonInterval(successes, total);
  return { accuracy: total === 0 ? Number.NaN : (100 * successes) / total, interval: [100 * low, 100 * high] };
}

/**
 * Area under the ROC curve: probability that a positive scores above a negative, ties one half.
 * @param labels by score, 0 or false for a negative
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for labels that are more or fewer than the scores, scores that are not finite, and one class alone
 * @example auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]); // 0.75
 */
export function auroc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (labels.length !== scores.length) throw invalid('auroc', `${scores.length} labels`, `${labels.length}`);
  checkFinite('auroc', scores);
  const ranks = averageRanks(scores);
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < ranks.length; i++) {
    if (!labels[i]) continue;
    positives++;
    sum += ranks[i];
  }
  const negatives = ranks.length - positives;
  if (positives === 0 || negatives === 0)
    throw invalid('auroc', 'scores of both classes', `${positives} positives and ${negatives} negatives`, {
      help: ['score cases of the other class too, or give their labels as 0'],
    });
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Ranks from 1; equal values share the mean of theirs. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && values[order[end]] === values[order[i]]) end++;
    for (let k = i; k < end; k++) ranks[order[k]] = (i + 1 + end) / 2;
    i = end;
  }
  return ranks;
}

/**
 * Pearson's correlation; NaN if one side does not vary.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for no pairs, sides of unequal length, and values that are not finite
 * @example pearson([1, 2, 3], [2, 4, 6]); // 1
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPairs('pearson', a, b, 1);
  const n = a.length;
  let meanA = 0;
  let meanB = 0;
  for (let i = 0; i < n; i++) {
    meanA += a[i] / n;
    meanB += b[i] / n;
  }
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < n; i++) {
    ab += (a[i] - meanA) * (b[i] - meanB);
    aa += (a[i] - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  }
  // One root rounds less than two, where the product does not leave the range of numbers.
  const product = aa * bb;
  const scale = product > 1e-290 && product < Number.MAX_VALUE ? Math.sqrt(product) : Math.sqrt(aa) * Math.sqrt(bb);
  return Math.max(-1, Math.min(1, ab / scale)); // rounding must not carry a perfect correlation beyond 1
}

/**
 * Spearman's rank correlation, ties averaged; NaN if one side does not vary.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT as {@link pearson}
 * @example spearman([1, 2, 3], [1, 4, 9]); // 1
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPairs('spearman', a, b, 1);
  return pearson(averageRanks(a), averageRanks(b));
}

/**
 * Variance-weighted R² of predictions [rows, width]: 1 − Σ(y − p)² / Σ(y − ȳ)².
 * @throws JepaError ERR_JEPA_SHAPE for no rows, ERR_JEPA_INVALID_ARGUMENT for sides of unequal length, and values that are not finite
 * @example r2([1, 2, 3], [1, 2, 3], 1); // 1
 */
export function r2(target: ArrayLike<number>, prediction: ArrayLike<number>, width: number): number {
  const rows = rowsOf('r2', target, width);
  checkPairs('r2', target, prediction, 1);
  const means = new Float64Array(width);
  for (let i = 0; i < target.length; i++) means[i % width] += target[i] / rows;
  let residual = 0;
  let total = 0;
  for (let i = 0; i < target.length; i++) {
    residual += (target[i] - prediction[i]) ** 2;
    total += (target[i] - means[i % width]) ** 2;
  }
  return 1 - residual / total;
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The middle value in order, or the mean of the two middle ones; NaN of nothing. */
export function median(values: ArrayLike<number>): number {
  const ordered = Float64Array.from(values).sort();
  const half = ordered.length >> 1;
  return ordered.length % 2 === 1 ? ordered[half] : (ordered[half - 1] + ordered[half]) / 2;
}
