// Tests of significance and their distribution, against published figures and closed forms.
import { describe, expect, test } from 'vitest';
import { bootstrapInterval, pairedTTest, pearsonTest, spearmanTest } from '#lib/eval/index.js';
import { median } from '#lib/eval/statistics.js';
import { twoSidedP, twoSidedQuantile } from '#lib/eval/student-t.js';
import { Random } from '#lib/worlds/random.js';

const relative = (value: number, wanted: number): number => Math.abs(value / wanted - 1);

describe("Student's t", () => {
  // P(|T| > t) for 1 to 4 degrees of freedom; written so that nothing cancels far out.
  const closed: Record<number, (t: number) => number> = {
    1: (t) => (2 / Math.PI) * Math.atan2(1, t),
    2: (t) => 2 / (Math.sqrt(2 + t * t) * (Math.sqrt(2 + t * t) + t)),
    3: (t) => (2 / Math.PI) * (Math.atan2(Math.sqrt(3), t) - (Math.sqrt(3) * t) / (3 + t * t)),
    4: (t) => {
      const s = t / Math.sqrt(4 + t * t);
      const below = 4 / ((4 + t * t) * (1 + s)); // 1 − s
      return (below * below * (2 + s)) / 2;
    },
  };
  test.each([1, 2, 3, 4])('with %i degrees of freedom has its closed form', (nu) => {
    for (const t of [1e-9, 0.01, 0.3, 0.9, 1, 1.7, 3, 12, 40]) {
      // The closed form of 3 subtracts neighbours far out, and keeps fewer digits there.
      const digits = nu === 3 ? 1e-14 * (1 + t ** 3) : 1e-13;
      expect(relative(twoSidedP(t, nu), closed[nu](t)), `${t}`).toBeLessThan(digits);
    }
    for (const t of nu === 3 ? [] : [1e3, 1e6, 1e12])
      expect(relative(twoSidedP(t, nu), closed[nu](t))).toBeLessThan(1e-13);
    expect(twoSidedP(0, nu)).toBe(1);
    expect(twoSidedP(-2, nu)).toBe(twoSidedP(2, nu));
    expect(twoSidedP(Number.POSITIVE_INFINITY, nu)).toBe(0);
    expect(twoSidedP(Number.NaN, nu)).toBeNaN();
  });

  /** ∫ of (1 + x²/ν)^(−(ν+1)/2) over |x| > t, relative to the whole, by Simpson's rule in θ = arctan(x/√ν). */
  function integrated(t: number, nu: number): number {
    const integral = (from: number): number => {
      const steps = 20_000;
      const to = Math.min(Math.PI / 2, from + 40 / Math.sqrt(nu)); // nothing is left beyond
      const width = (to - from) / steps;
      let sum = 0;
      for (let i = 0; i <= steps; i++)
        sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.cos(from + i * width) ** (nu - 1);
      return (sum * width) / 3;
    };
    return integral(Math.atan(t / Math.sqrt(nu))) / integral(0);
  }
  test.each([5, 9, 16, 31, 33, 100, 1001, 30_000])('with %i is the integral of its density', (nu) => {
    for (const t of [0.1, 0.7, 1.2, 2, 4, 7])
      expect(relative(twoSidedP(t, nu), integrated(t, nu)), `${t}`).toBeLessThan(1e-9);
  });

  test('with very many degrees of freedom is nearly normal', () => {
    // Fisher's expansion (Abramowitz & Stegun 26.7.8): P − erfc(t/√2) = φ(t)·(t³ + t)/(2ν) + O(ν⁻²).
    const density = Math.exp(-(1.959963984540054 ** 2) / 2) / Math.sqrt(2 * Math.PI);
    const correction = (density * (1.959963984540054 ** 3 + 1.959963984540054)) / 2e6;
    expect(relative(twoSidedP(1.959963984540054, 1e6), 0.05 + correction)).toBeLessThan(1e-9);
  });

  // Fisher & Yates's table, to the digits that NIST's e-Handbook (1.3.6.7.2) and SciPy print.
  test.each([
    [0.95, 1, 12.706204736],
    [0.95, 4, 2.776445105],
    [0.95, 10, 2.228138852],
    [0.95, 30, 2.042272456],
    [0.95, 120, 1.979930405],
    [0.9, 5, 2.015048373],
    [0.99, 10, 3.169272673],
    [0.99, 1, 63.656741162],
  ])('leaves out what lies beyond %d at %i: %d', (confidence, nu, wanted) => {
    expect(relative(twoSidedQuantile(confidence, nu), wanted)).toBeLessThan(1e-9);
    expect(relative(twoSidedP(twoSidedQuantile(confidence, nu), nu), 1 - confidence)).toBeLessThan(1e-12);
  });
});

describe('correlation', () => {
  // Hollander & Wolfe 1973, p. 187: lightness of canned tuna and its rating, with the figures of R's cor.test.
  const lightness = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1];
  const rating = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8];

  test("agrees with published figures of Pearson's and Spearman's", () => {
    const pearson = pearsonTest(lightness, rating);
    expect(pearson.correlation).toBeCloseTo(0.5711816, 7);
    expect(pearson.pValue).toBeCloseTo(0.1082, 4);
    expect(pearson.degreesOfFreedom).toBe(7);
    const spearman = spearmanTest(lightness, rating);
    expect(spearman.correlation).toBeCloseTo(0.6, 12);
    expect(spearman.pValue).toBeCloseTo(twoSidedP(0.6 * Math.sqrt(7 / 0.64), 7), 12);
  });

  test('has the p-value of the regression, for any scale and sign', () => {
    const random = new Random(3, 'regression');
    const x = Array.from({ length: 50 }, () => random.normal());
    const y = x.map((value) => 0.4 * value + random.normal());
    const { correlation, pValue } = pearsonTest(x, y);
    // t = slope / its standard error, from the normal equations.
    const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const sxx = x.reduce((sum, value) => sum + (value - meanOf(x)) ** 2, 0);
    const slope = x.reduce((sum, value, i) => sum + (value - meanOf(x)) * y[i], 0) / sxx;
    const residual = y.reduce((sum, value, i) => sum + (value - meanOf(y) - slope * (x[i] - meanOf(x))) ** 2, 0);
    expect(relative(pValue, twoSidedP(slope / Math.sqrt(residual / 48 / sxx), 48))).toBeLessThan(1e-10);
    const other = pearsonTest(
      x.map((value) => 1e100 * value),
      y.map((value) => -1e100 * value),
    );
    expect(other.correlation).toBeCloseTo(-correlation, 12);
    expect(relative(other.pValue, pValue)).toBeLessThan(1e-9);
  });

  test('is rarely significant without any relation: p-values of unrelated values are uniform', () => {
    const random = new Random(5, 'unrelated');
    const draw = (): number[] => Array.from({ length: 12 }, () => random.normal());
    const small = Array.from({ length: 4000 }, () => pearsonTest(draw(), draw()).pValue).filter((p) => p < 0.1).length;
    expect(Math.abs(small / 4000 - 0.1)).toBeLessThan(4 * Math.sqrt(0.09 / 4000));
  });

  test('is 1 with p 0 where it is perfect, NaN where a side does not vary', () => {
    expect(pearsonTest([1, 2, 3], [2, 4, 6])).toEqual({ correlation: 1, pValue: 0, degreesOfFreedom: 1 });
    expect(spearmanTest([1, 2, 4, 9], [9, 5, 2, 1])).toMatchObject({ correlation: -1, pValue: 0 });
    for (const compute of [pearsonTest, spearmanTest])
      expect(compute([1, 1, 1], [1, 2, 3])).toEqual({
        correlation: Number.NaN,
        pValue: Number.NaN,
        degreesOfFreedom: 1,
      });
  });

  test.each([
    ['too few', [1, 2], [1, 2], 'at least 3 pairs, got 2'],
    ['none', [], [], 'at least 3 pairs, got 0'],
    ['unequal sides', [1, 2, 3], [1, 2], 'as many values on both sides, got 3 and 2'],
    ['NaN', [1, 2, 3], [1, Number.NaN, 2], 'finite numbers, got NaN at position 1'],
  ])('refuses %s', (_, a, b, sentence) => {
    for (const compute of [pearsonTest, spearmanTest])
      expect(() => compute(a, b)).toThrow(
        expect.objectContaining({
          code: 'ERR_JEPA_INVALID_ARGUMENT',
          message: `[${compute.name}] expected ${sentence}`,
        }),
      );
  });
});

describe('the paired t-test', () => {
  // Student 1908, "The probable error of a mean", table on sleep; figures as R's t.test(paired = TRUE) prints them.
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

  test("agrees with Student's own example", () => {
    const { t, pValue, degreesOfFreedom, meanDifference, interval } = pairedTTest(first, second);
    expect(t).toBeCloseTo(-4.0621, 4);
    expect(pValue).toBeCloseTo(0.002833, 6);
    expect(degreesOfFreedom).toBe(9);
    expect(meanDifference).toBeCloseTo(-1.58, 12);
    expect(interval[0]).toBeCloseTo(-2.4598858, 7);
    expect(interval[1]).toBeCloseTo(-0.7001142, 7);
  });

  test('turns round with its sides; a wider interval is surer; the interval ends at 0 where p is 1 − confidence', () => {
    const forth = pairedTTest(first, second);
    const back = pairedTTest(second, first, { confidence: 1 - forth.pValue });
    expect(back.t).toBeCloseTo(-forth.t, 12);
    expect(back.pValue).toBeCloseTo(forth.pValue, 14);
    expect(back.interval[0]).toBeCloseTo(0, 10);
  });

  test.each([
    ['one pair', [1], [2], 'at least 2 pairs, got 1'],
    ['unequal sides', [1, 2, 3], [1], 'as many values on both sides, got 3 and 1'],
    ['equal differences', [1, 2, 3], [0, 1, 2], 'differences that vary, got 3 times 1'],
    ['infinity', [1, Number.NEGATIVE_INFINITY], [1, 2], 'finite numbers, got -Infinity at position 1'],
  ])('refuses %s', (_, a, b, sentence) => {
    expect(() => pairedTTest(a, b)).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', message: `[pairedTTest] expected ${sentence}` }),
    );
  });

  test('refuses options without meaning', () => {
    for (const confidence of [0, 1, -1, Number.NaN, '0.9' as unknown as number])
      expect(() => pairedTTest(first, second, { confidence })).toThrow(
        `[pairedTTest] expected a confidence between 0 and 1, got ${confidence}`,
      );
    expect(() => pairedTTest(first, second, { level: 0.9 } as object)).toThrow("got 'level'");
  });
});

describe('the bootstrap', () => {
  const random = new Random(9, 'sample');
  const sample = Array.from({ length: 40 }, () => random.normal());

  test('of a mean has nearly the error and the interval that theory gives', () => {
    const { estimate, interval, standardError } = bootstrapInterval(sample, { seed: 4 });
    const mean = sample.reduce((sum, value) => sum + value, 0) / 40;
    // The variance of a resample's mean is Σ(x − x̄)²/n², exactly; 10,000 replicates leave about 1 %.
    const error = Math.sqrt(sample.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / 40;
    expect(estimate).toBeCloseTo(mean, 12);
    expect(relative(standardError, error)).toBeLessThan(0.03);
    expect(Math.abs(interval[0] - (mean - 1.96 * error))).toBeLessThan(0.15 * error);
    expect(Math.abs(interval[1] - (mean + 1.96 * error))).toBeLessThan(0.15 * error);
  });

  test('of two values has the quantiles of all its resamples', () => {
    // Means 0, ½ and 1 with probabilities ¼, ½, ¼.
    expect(bootstrapInterval([0, 1], { confidence: 0.3 })).toMatchObject({ estimate: 0.5, interval: [0.5, 0.5] });
    expect(bootstrapInterval([0, 1], { confidence: 0.8 }).interval).toEqual([0, 1]);
  });

  test('takes any statistic, depends on the seed alone, and widens with the confidence', () => {
    const range = (values: Float64Array): number => Math.max(...values) - Math.min(...values);
    const options = { statistic: range, resamples: 500, seed: 2 };
    expect(bootstrapInterval(sample, options)).toEqual(bootstrapInterval(Float64Array.from(sample), options));
    expect(bootstrapInterval(sample, options).interval[1]).toBe(range(Float64Array.from(sample)));
    const [low, high] = bootstrapInterval(sample, { statistic: 'median', resamples: 500, seed: 2 }).interval;
    const [other] = bootstrapInterval(sample, { statistic: 'median', resamples: 500, seed: 3 }).interval;
    const wide = bootstrapInterval(sample, { statistic: 'median', resamples: 500, seed: 2, confidence: 0.99 }).interval;
    expect([low <= median(sample), median(sample) <= high, wide[0] <= low, wide[1] >= high]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(other).not.toBe(low);
  });

  test.each<[string, number[], object, string]>([
    ['one value', [1], {}, 'at least 2 values, got 1'],
    ['NaN', [1, Number.NaN], {}, 'finite numbers, got NaN at position 1'],
    ['an unknown statistic', [1, 2], { statistic: 'mode' }, "'mean', 'median' or a function as statistic, got 'mode'"],
    [
      'a member of every object',
      [1, 2],
      { statistic: 'toString' },
      "'mean', 'median' or a function as statistic, got 'toString'",
    ],
    ['one resample', [1, 2], { resamples: 1 }, 'at least 2 resamples, a whole number, got 1'],
    ['half a seed', [1, 2], { seed: 0.5 }, 'a whole number as seed, got 0.5'],
    ['certainty', [1, 2], { confidence: 1 }, 'a confidence between 0 and 1, got 1'],
  ])('refuses %s', (_, values, options, sentence) => {
    expect(() => bootstrapInterval(values, options)).toThrow(
      expect.objectContaining({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: `[bootstrapInterval] expected ${sentence}`,
      }),
    );
  });
});

test('the median is the middle, or the mean of two', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  expect(median([])).toBeNaN();
});
