import { describe, expect, it } from 'vitest';
import { JepaError } from '#lib/errors.js';
import {
  auroc,
  evaluateAlarms,
  fitRidge,
  pearson,
  predictLinear,
  r2,
  shareOf,
  spearman,
  wilsonInterval,
} from '#lib/eval/index.js';
import { averageRanks, pairedShare } from '#lib/eval/statistics.js';
import { cholesky, solveLower, solveLowerTransposed } from '#lib/world-model/cholesky.js';
import { WorldModel } from '#lib/world-model/index.js';
import { interpolatedQuantile, nearestRankQuantile } from '#lib/world-model/quantile.js';
import { Random } from '#lib/worlds/random.js';
import { sensorConfig } from '../world-model/small.js';

const draw = (stream: string, count: number): number[] => {
  const random = new Random(11, stream);
  return Array.from({ length: count }, () => random.uniform(-1, 1));
};

describe("Wilson's interval", () => {
  // SciPy 1.17.1, binomtest(k, n).proportion_ci(method="wilson"), at 95 % and 99 %.
  it.each([
    [0, 10, 0, 0.2775328, 0, 0.3988541],
    [10, 10, 0.7224672, 1, 0.6011459, 1],
    [5, 10, 0.2365931, 0.7634069, 0.1842255, 0.8157745],
    [1, 3, 0.0614919, 0.7923404, 0.0404266, 0.855784],
    [92, 100, 0.8500189, 0.9589065, 0.8213252, 0.9664094],
    [299, 300, 0.9813633, 0.9994113, 0.9722313, 0.9996085],
    [15000, 30000, 0.4943424, 0.5056576, 0.492565, 0.507435],
  ])('of %i in %i', (k, n, low, high, low99, high99) => {
    const [a, b] = wilsonInterval(k, n);
    expect([a, b].map((value, i) => value - [low, high][i]).every((error) => Math.abs(error) < 1e-6)).toBe(true);
    const [c, d] = wilsonInterval(k, n, 2.5758293035489004);
    expect([c, d].map((value, i) => value - [low99, high99][i]).every((error) => Math.abs(error) < 1e-6)).toBe(true);
  });

  it('of nothing is everything; shares are in percent', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    const { accuracy, interval } = shareOf(92, 100);
    expect(accuracy).toBe(92);
    expect(interval[0]).toBeCloseTo(85.00189, 4);
    expect(interval[1]).toBeCloseTo(95.89065, 4);
    expect(shareOf(0, 0)).toEqual({ accuracy: Number.NaN, interval: [0, 100] });
  });
});

describe('pairedShare', () => {
  it('counts ties one half and leaves out pairs that do not count', () => {
    const lower = [1, 2, 3, 4, 0, 9];
    const higher = [2, 2, 1, 5, 1, 0];
    expect(pairedShare(lower, higher, [1, 1, 1, 1, 1, 1]).accuracy).toBeCloseTo((100 * 3.5) / 6, 10);
    const some = pairedShare(lower, higher, [1, 1, 0, 1, 1, 0]);
    expect(some.accuracy).toBe(87.5);
    expect(some.interval).toEqual(shareOf(3.5, 4).interval);
    expect(pairedShare(lower, higher, new Uint8Array(6)).accuracy).toBeNaN();
  });

  it('gives a constant 50', () => {
    expect(pairedShare(new Float32Array(40), new Float32Array(40), new Uint8Array(40).fill(1)).accuracy).toBe(50);
  });
});

describe('AUROC', () => {
  const byPairs = (scores: number[], labels: number[]): number => {
    let [wins, pairs] = [0, 0];
    for (const [i, a] of scores.entries())
      for (const [j, b] of scores.entries())
        if (labels[i] && !labels[j]) {
          pairs++;
          wins += a > b ? 1 : a === b ? 0.5 : 0;
        }
    return wins / pairs;
  };

  it('is the share of pairs that are ordered rightly, ties one half', () => {
    expect(auroc([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])).toBe(1);
    expect(auroc([0.1, 0.2, 0.3], [1, 1, 0])).toBe(0);
    expect(auroc([0.5, 0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1, 0])).toBe(0.5);
    const scores = draw('scores', 101);
    const labels = draw('labels', 101).map((value) => (value > 0.4 ? 1 : 0));
    expect(auroc(scores, labels)).toBeCloseTo(byPairs(scores, labels), 12);
    const tied = scores.map((value) => Math.round(2 * value));
    expect(auroc(tied, labels)).toBeCloseTo(byPairs(tied, labels), 12);
  });
});

describe('correlation', () => {
  // SciPy 1.17.1 pearsonr and spearmanr.
  const a = [
    0.8328627, 0.1556606, -1.656823, 0.3903914, 0.7557178, 0.3456146, -0.3638263, 0.6432392, 0.6796526, 0.9920723,
  ];
  const b = [
    -0.8312962, 1.1918311, 1.8896999, 0.5634524, 0.8959309, 0.5588996, 0.7028666, 0.0398998, 0.3125125, -1.8050561,
  ];

  it('agrees with the reference', () => {
    expect(pearson(a, b)).toBeCloseTo(-0.7270942, 6);
    expect(spearman(a, b)).toBeCloseTo(-0.769697, 6);
    expect(pearson([1, 2, 3], [2, 1, 4])).toBeCloseTo(0.6546537, 7);
    expect(spearman([1, 2, 3], [2, 1, 4])).toBeCloseTo(0.5, 12);
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNaN();
  });

  it('is invariant where it should be, and shares ranks among ties', () => {
    expect(
      spearman(
        a.map((value) => Math.exp(5 * value)),
        b,
      ),
    ).toBeCloseTo(spearman(a, b), 12);
    expect(
      pearson(
        a.map((value) => 1e4 + 3 * value),
        b,
      ),
    ).toBeCloseTo(pearson(a, b), 6);
    expect([...averageRanks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
    expect(spearman([1, 1, 2, 2], [5, 5, 9, 9])).toBeCloseTo(1, 12);
  });
});

describe('R²', () => {
  it('is weighted by the variance of the columns', () => {
    const target = [1, 10, 2, 30, 3, 20];
    const guess = [1.5, 12, 2, 27, 2, 21];
    const residual = 0.25 + 4 + 0 + 9 + 1 + 1;
    expect(r2(target, guess, 2)).toBeCloseTo(1 - residual / (2 + 200), 12);
    expect(r2(target, target, 2)).toBe(1);
    expect(r2(target, [2, 20, 2, 20, 2, 20], 2)).toBe(0);
    expect(r2([1, 2, 3], [9, 9, 9], 1)).toBeLessThan(0);
  });
});

describe('ridge regression', () => {
  /** Gauss–Jordan on the normal equations with an explicit intercept column that is not penalised. */
  function solved(x: number[][], y: number[][], alpha: number): number[][] {
    const rows = x.map((row) => [...row, 1]);
    const n = rows[0].length;
    const system = Array.from({ length: n }, (_, i) => [
      ...Array.from(
        { length: n },
        (_, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0) + (i === j && i < n - 1 ? alpha : 0),
      ),
      ...y[0].map((_, k) => rows.reduce((sum, row, r) => sum + row[i] * y[r][k], 0)),
    ]);
    for (let i = 0; i < n; i++) {
      const pivot = system
        .slice(i)
        .reduce((best, row, at) => (Math.abs(row[i]) > Math.abs(system[i + best][i]) ? at : best), 0);
      [system[i], system[i + pivot]] = [system[i + pivot], system[i]];
      for (let j = 0; j < n; j++) {
        if (j === i) continue;
        const factor = system[j][i] / system[i][i];
        system[j] = system[j].map((value, k) => value - factor * system[i][k]);
      }
    }
    return system.map((row, i) => row.slice(n).map((value) => value / row[i]));
  }

  it.each([
    [20, 3, 1, 1],
    [50, 9, 3, 0.1],
    [33, 5, 2, 0],
    [10, 14, 2, 0.5],
  ])('of %i rows with %i inputs and %i outputs at alpha %d', (count, inputs, outputs, alpha) => {
    const values = draw(`x ${count}`, count * inputs);
    const noise = draw(`y ${count}`, count * outputs);
    const x = Array.from({ length: count }, (_, r) => values.slice(r * inputs, (r + 1) * inputs));
    const y = x.map((row, r) =>
      Array.from({ length: outputs }, (_, k) => 5 + k + (row[k] ?? 0) * 3 - row[0] + noise[r * outputs + k]),
    );
    const fit = fitRidge(x.flat(), y.flat(), inputs, outputs, alpha);
    const expected = solved(x, y, alpha);
    const difference = (got: ArrayLike<number>, wanted: readonly number[]): number =>
      wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i])), 0);
    expect(difference(fit.weight, expected.slice(0, inputs).flat())).toBeLessThan(1e-9);
    expect(difference(fit.intercept, expected[inputs])).toBeLessThan(1e-9);
    const query = draw('query', inputs);
    const prediction = expected[inputs].map(
      (b, k) => b + query.reduce((sum, value, i) => sum + value * expected[i][k], 0),
    );
    expect(difference(predictLinear(fit, query), prediction)).toBeLessThan(1e-9);
  });

  it('gives inputs that never change no weight', () => {
    const x = [1, 7, 2, 7, 3, 7];
    const fit = fitRidge(x, [2, 4, 6], 2, 1, 0);
    expect(fit.weight[0]).toBeCloseTo(2, 10);
    expect(fit.weight[1]).toBe(0);
    expect(predictLinear(fit, [10, 7])[0]).toBeCloseTo(20, 10);
  });
});

describe('quantiles', () => {
  it('are a value that occurred, or lie between two', () => {
    const ordered = [1, 2, 4, 8];
    expect([0, 0.25, 0.26, 0.5, 0.95, 1].map((part) => nearestRankQuantile(ordered, part))).toEqual([1, 1, 2, 2, 8, 8]);
    expect([0, 0.25, 0.5, 0.9, 1].map((part) => interpolatedQuantile(ordered, part))).toEqual([
      1,
      1.75,
      3,
      expect.closeTo(6.8, 12),
      8,
    ]);
    expect([nearestRankQuantile([7], 0.5), interpolatedQuantile([7], 0.5)]).toEqual([7, 7]);
    expect(nearestRankQuantile([], 0.5)).toBeNaN();
  });
});

describe('Cholesky', () => {
  // L = [2, 0; 3, 1], A = L·Lᵀ = [4, 6; 6, 10]; the upper half is not read.
  const a = Float64Array.of(4, Number.NaN, 6, 10);

  it('factors, and solves from either side', () => {
    const factor = cholesky(a, 2);
    expect([...factor]).toEqual([2, 0, 3, 1]);
    const b = Float64Array.of(2, 4, 5, 9); // columns [2, 5] and [4, 9]
    solveLower(factor, 2, b, 2);
    expect([...b]).toEqual([1, 2, 2, 3]);
    solveLowerTransposed(factor, 2, b, 2);
    expect([...b]).toEqual([-2.5, -3.5, 2, 3]);
  });

  it('leaves out directions without extent where it is asked to', () => {
    const flat = Float64Array.of(4, 0, 4, 4);
    const factor = cholesky(flat, 2, 1e-13);
    expect([...factor]).toEqual([2, 0, 2, Number.POSITIVE_INFINITY]);
    const b = Float64Array.of(8, 8);
    solveLower(factor, 2, b);
    solveLowerTransposed(factor, 2, b);
    expect([...b]).toEqual([2, 0]);
    expect(cholesky(Float64Array.of(1, 0, 2, 1), 2)[3]).toBeNaN();
  });
});

describe('what has no meaning is refused', () => {
  type Refused = readonly [compute: () => unknown, message: string];
  const [nan, infinite] = [Number.NaN, Number.POSITIVE_INFINITY];
  const both = (name: string, compute: (a: number[], b: number[]) => number): Refused[] => [
    [() => compute([1, 2], [1, 2, 3]), `[${name}] expected as many values on both sides, got 2 and 3`],
    [() => compute([1, infinite], [1, 2]), `[${name}] expected finite numbers, got Infinity at position 1`],
    [() => compute([1, 2], [nan, 2]), `[${name}] expected finite numbers, got NaN at position 0`],
  ];

  it.each<Refused>([
    ...both('pearson', pearson),
    [() => pearson([], []), '[pearson] expected at least 1 pair, got 0'],
    ...both('spearman', spearman),
    [() => spearman([], []), '[spearman] expected at least 1 pair, got 0'],
    ...both('r2', (a, b) => r2(a, b, 1)),
    [() => r2([1, 2, 3], [1, 2, 3], 2), '[r2] expected rows of width 2, got 3 numbers'],
    [() => r2([], [], 1), '[r2] expected rows of width 1, got 0 numbers'],
    [() => auroc([1, 2], [1]), '[auroc] expected 2 labels, got 1'],
    [() => auroc([1, nan], [1, 0]), '[auroc] expected finite numbers, got NaN at position 1'],
    [
      () => auroc([1, 2], [1, 1]),
      '[auroc] expected scores of both classes, got 2 positives and 0 negatives\n  → score',
    ],
    [() => auroc([], []), '[auroc] expected scores of both classes, got 0 positives and 0 negatives'],
    [
      () => wilsonInterval(5, 3),
      '[wilsonInterval] expected 0 to 3 successes of 3, got 5\n  → give the successes first',
    ],
    [() => wilsonInterval(-1, 3), '[wilsonInterval] expected 0 to 3 successes of 3, got -1'],
    [() => wilsonInterval(0, nan), '[wilsonInterval] expected a count of 0 or more, got NaN'],
    [() => wilsonInterval(1, 3, -1.96), '[wilsonInterval] expected z to be 0 or more, got -1.96'],
    [() => shareOf(5, 3), '[shareOf] expected 0 to 3 successes of 3, got 5'],
    [() => fitRidge([1, 2, 3], [1], 2, 1, 0), '[fitRidge] expected rows of width 2, got 3 numbers'],
    [() => fitRidge([], [], 2, 1, 0), '[fitRidge] expected rows of width 2, got 0 numbers'],
    [() => fitRidge([1, 2], [1], 1.5, 1, 0), '[fitRidge] expected rows of width 1.5, got 2 numbers'],
    [() => fitRidge([1, 2], [1], 1, 1, 0), '[fitRidge] expected a row of y for each of 2 rows of x, got 1'],
    [() => fitRidge([1, 2], [1, 2], 1, 1, -1), '[fitRidge] expected alpha to be 0 or more, got -1'],
    [() => fitRidge([1, 2], [1, nan], 1, 1, 0), '[fitRidge] expected finite numbers, got NaN at position 1'],
    [() => fitRidge([infinite, 2], [1, 2], 1, 1, 0), '[fitRidge] expected finite numbers, got Infinity at position 0'],
    [
      () => predictLinear(fitRidge([0, 1, 1, 0], [1, 2], 2, 1, 1), [1, 2, 3]),
      '[predictLinear] expected rows of width 2, got 3 numbers',
    ],
  ])('%s', (compute, message) => {
    let error: unknown;
    try {
      compute();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(JepaError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('numbers of clips and frames that alarms are not counted on', async () => {
    const model = new WorldModel(sensorConfig);
    for (const [options, message] of [
      [{ frames: 0 }, 'frames to be a positive integer, got 0'],
      [{ calibrationFrames: 1.5 }, 'calibrationFrames to be a positive integer, got 1.5'],
      [{ pairs: -1 }, 'pairs to be a positive integer, got -1'],
      [{ falseAlarmRate: 0 }, 'falseAlarmRate between 0 and 1, got 0'],
    ] as const)
      await expect(evaluateAlarms(model, { seed: 1, ...options })).rejects.toMatchObject({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: `[evaluateAlarms] expected ${message}`,
      });
    await expect(evaluateAlarms(model, { seed: 1 })).rejects.toMatchObject({ code: 'ERR_JEPA_CONFIG' });
    model.dispose();
  });
});
