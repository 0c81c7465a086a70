import { bootstrapReplicates, percentileInterval, statisticOf } from '#lib/eval/bootstrap.js';
import { participationRatio, rankMe, singularValues } from '#lib/eval/representation-rank.js';
import { fitRidge, predictLinear } from '#lib/eval/ridge.js';
import { pairedTTest, pearsonTest, spearmanTest } from '#lib/eval/significance.js';
import { auroc, r2, wilsonInterval } from '#lib/eval/statistics.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, verdict } from '../compare.js';
import type { Family } from './index.js';

const given = (call: GoldenCall, name: string): Float64Array => {
  const host = call.tensors.get(`input.${name}`);
  if (!host) throw new Error(`the case has no tensor 'input.${name}'`);
  return numbersOf(host);
};
const widthOf = (call: GoldenCall, name: string): number => call.tensors.get(`input.${name}`)?.shape[1] ?? 1;

/** Figures of the evaluation, which are plain functions of numbers. */
const statistic =
  (composed: boolean, compute: (call: GoldenCall) => Record<string, ArrayLike<number>>): Family =>
  async (call) => {
    const found = compute(call);
    const tensors = call.outputs.map((name) => {
      const expected = call.tensors.get(name);
      const actual = found[name.slice('output.'.length)];
      if (!expected || !actual) throw new Error(`${name} of op '${call.op}' is not known to this library`);
      return verdict(call, name, actual, numbersOf(expected), 'output');
    });
    return { composed: composed ? [call.op] : [], tensors };
  };

export const statistics: Readonly<Record<string, Family>> = {
  ridge: statistic(false, (call) => {
    const fit = fitRidge(
      given(call, 'x'),
      given(call, 'y'),
      widthOf(call, 'x'),
      widthOf(call, 'y'),
      call.attributes.alpha as number,
    );
    return { weight: fit.weight, intercept: fit.intercept, prediction: predictLinear(fit, given(call, 'x_test')) };
  }),
  wilson_interval: statistic(false, (call) => {
    // Quantiles of the normal distribution at (1 + confidence)/2.
    const z = new Map([[0.9, 1.6448536269514722], [0.95, 1.959963984540054], [0.99, 2.5758293035489004]]).get(call.attributes.confidence as number); // biome-ignore format: pairs
    if (z === undefined)
      throw new Error(`confidence ${String(call.attributes.confidence)} is not known to this runner`);
    const trials = given(call, 'n');
    const bounds = Array.from(given(call, 'k'), (k, i) => wilsonInterval(k, trials[i], z));
    return { low: bounds.map(([low]) => low), high: bounds.map(([, high]) => high) };
  }),
  correlation: statistic(false, (call) => {
    const pearson = pearsonTest(given(call, 'a'), given(call, 'b'));
    const spearman = spearmanTest(given(call, 'a'), given(call, 'b'));
    return {
      pearson: [pearson.correlation],
      pearson_p: [pearson.pValue],
      spearman: [spearman.correlation],
      spearman_p: [spearman.pValue],
    };
  }),
  paired_t_test: statistic(false, (call) => {
    const { t, pValue, interval } = pairedTTest(given(call, 'a'), given(call, 'b'));
    return { t: [t], p: [pValue], low: [interval[0]], high: [interval[1]] };
  }),
  bootstrap_interval: statistic(false, (call) => {
    const { statistic: name, confidence } = call.attributes as { statistic: string; confidence: number };
    const index = given(call, 'index');
    const [resamples] = call.tensors.get('input.index')?.shape ?? [0];
    let drawn = 0;
    const replicates = bootstrapReplicates(given(call, 'x'), resamples, statisticOf(name), () => index[drawn++]);
    const [low, high] = percentileInterval(replicates, confidence);
    return { replicates, low: [low], high: [high] };
  }),
  r2: statistic(true, (call) => {
    const target = given(call, 'target');
    const prediction = given(call, 'prediction');
    const width = widthOf(call, 'target');
    const column = (values: Float64Array, k: number): Float64Array => values.filter((_, i) => i % width === k);
    // A constant target: 1 if predicted exactly, else 0.
    const finite = (value: number): number => (Number.isNaN(value) ? 1 : Number.isFinite(value) ? value : 0);
    const each = Array.from({ length: width }, (_, k) => finite(r2(column(target, k), column(prediction, k), 1)));
    const spread = each.map((_, k) => {
      const values = column(target, k);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    });
    const weighted =
      each.reduce((sum, value, k) => sum + value * spread[k], 0) / spread.reduce((sum, value) => sum + value, 0);
    return {
      per_output: each,
      uniform: [each.reduce((sum, value) => sum + value / width, 0)],
      variance_weighted: [weighted],
    };
  }),
  auroc: statistic(true, (call) => {
    const score = given(call, 'score');
    const label = given(call, 'label');
    const positives = label.reduce((sum, value) => sum + value, 0);
    // Average precision: over distinct scores from the highest, the share of positives gained times the precision there.
    let precision = 0;
    let before = 0;
    for (const threshold of [...new Set(score)].sort((a, b) => b - a)) {
      const found = label.filter((_, i) => score[i] >= threshold);
      const right = found.reduce((sum, value) => sum + value, 0);
      precision += ((right - before) / positives) * (right / found.length);
      before = right;
    }
    return { auroc: [auroc(score, label)], average_precision: [precision] };
  }),
  effective_rank: statistic(false, (call) => {
    const z = given(call, 'z');
    const width = widthOf(call, 'z');
    const rows = z.length / width;
    const means = new Float64Array(width);
    for (const [i, value] of z.entries()) means[i % width] += value / rows;
    const centred = z.map((value, i) => value - means[i % width]);
    const ranks = (prefix: string, values: Float64Array): Record<string, number[]> => ({
      [`${prefix}rankme`]: [rankMe(values, width)],
      [`${prefix}entropy`]: [rankMe(values, width, { epsilon: 0 })],
      [`${prefix}participation`]: [participationRatio(values, width)],
    });
    return { ...ranks('', z), ...ranks('centred_', centred), singular_values: singularValues(z, width) };
  }),
};
