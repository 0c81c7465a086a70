import { normal, permutation, uniform } from '#lib/ops/index.js';
import type { Verdict } from '../compare.js';
import type { Family } from './index.js';

type Bounds = Readonly<Record<string, readonly [number, number]>>;

/** The library's generator within bounds that a right one leaves once in ten million draws. */
export const runRandomBounds: Family = async (call) => {
  const { distribution, n, bounds } = call.attributes as unknown as { distribution: string; n: number; bounds: Bounds };
  const key = { seed: 12345, stream: 'golden' };
  let found: Record<string, number>;
  if (distribution === 'uniform') found = uniformMeasures((await uniform([n], key).data()) as Float32Array);
  else if (distribution === 'normal') found = normalMeasures((await normal([n], key).data()) as Float32Array);
  else if (distribution === 'permutation')
    found = await permutationMeasures((await permutation(n, key).data()) as Int32Array);
  else throw new Error(`distribution '${distribution}' is not known to this library`);
  const tensors = Object.entries(bounds).map(([name, [low, high]]): Verdict => {
    const value = found[name];
    const middle = (low + high) / 2;
    return { name, error: Math.abs(value - middle), tolerance: (high - low) / 2, pass: value >= low && value <= high };
  });
  return { composed: [], tensors };
};

function moments(x: ArrayLike<number>): { mean: number; variance: number; central: (power: number) => number } {
  const values = Array.from(x);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  return { mean, variance: central(2), central };
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [moments(a), moments(b)];
  return (
    a.reduce((sum, value, i) => sum + (value - x.mean) * (b[i] - y.mean), 0) /
    a.length /
    Math.sqrt(x.variance * y.variance)
  );
}

function kolmogorovSmirnov(x: Float32Array, cdf: (value: number) => number): number {
  const sorted = Float64Array.from(x).sort();
  return sorted.reduce(
    (worst, value, i) =>
      Math.max(worst, Math.abs(cdf(value) - i / sorted.length), Math.abs(cdf(value) - (i + 1) / sorted.length)),
    0,
  );
}

function uniformMeasures(x: Float32Array): Record<string, number> {
  const bins = new Array<number>(256).fill(0);
  for (const value of x) bins[Math.floor(value * 256)]++;
  const expected = x.length / 256;
  const { mean, variance } = moments(x);
  return {
    mean,
    variance,
    kolmogorov_smirnov: kolmogorovSmirnov(x, (value) => value),
    chi_square_of_256_equal_bins: bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0),
    lag_1_correlation: correlation([...x.subarray(1)], [...x.subarray(0, -1)]),
    minimum: x.reduce((a, b) => Math.min(a, b)),
    maximum: x.reduce((a, b) => Math.max(a, b)),
  };
}

function normalMeasures(x: Float32Array): Record<string, number> {
  const { mean, variance, central } = moments(x);
  const count = (holds: (value: number) => boolean): number => x.reduce((sum, value) => sum + Number(holds(value)), 0);
  return {
    mean,
    variance: (variance * x.length) / (x.length - 1),
    skewness: central(3) / variance ** 1.5,
    excess_kurtosis: central(4) / variance ** 2 - 3,
    kolmogorov_smirnov: kolmogorovSmirnov(x, normalCdf),
    lag_1_correlation: correlation([...x.subarray(1)], [...x.subarray(0, -1)]),
    correlation_of_even_with_odd: correlation(
      [...x.filter((_, i) => i % 2 === 0)],
      [...x.filter((_, i) => i % 2 === 1)],
    ),
    count_above_2: count((value) => value > 2),
    count_below_minus_2: count((value) => value < -2),
    count_beyond_3: count((value) => Math.abs(value) > 3),
    largest_absolute: x.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
  };
}

/** Φ by its power series (Abramowitz & Stegun 26.2.11), exact to rounding for |x| ≤ 7. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum) && k < 400; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

async function permutationMeasures(order: Int32Array): Promise<Record<string, number>> {
  if (new Set(order).size !== order.length) return {};
  let inversions = 0;
  for (let i = 0; i < order.length; i++)
    for (let j = i + 1; j < order.length; j++) if (order[i] > order[j]) inversions++;
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 12000; draw++) {
    const text = (await permutation(5, { seed: 99, step: draw, stream: 'orders' }).data()).join();
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, (120 - counts.size) * 100);
  return {
    inversions,
    fixed_points: order.reduce((sum, value, i) => sum + Number(value === i), 0),
    correlation_with_identity: correlation([...order], [...order.keys()]),
    chi_square_of_all_120_orders_of_5_in_12000: chi,
  };
}
