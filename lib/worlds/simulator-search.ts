import type { Random } from './random.js';

/** A search on a true simulator: what a planner could reach if its model were perfect. */
export interface SimulatorSearchOptions {
  /** Numbers of an action, and actions of a block, which share half of their noise. */
  readonly actionSize: number;
  readonly blockSteps: number;
  /** Bounds of an action: one number each, or one for all. */
  readonly low: number | readonly number[];
  readonly high: number | readonly number[];
  readonly samples?: number;
  readonly iterations?: number;
  readonly elites?: number;
  /** What becomes of the mean: that of the last elites (default), or the best plan of all, which then stays in the race. */
  readonly answer?: 'mean' | 'best';
}

const sharedNoise = 0.5;
/** Of half the range between the bounds. */
const leastDeviation = 0.05;

/** Improves the mean of a plan by the cross-entropy method; the mean itself is among the candidates. @param cost of a plan, lower is better */
export function searchOnSimulator(
  mean: Float32Array,
  random: Random,
  cost: (plan: Float32Array) => number,
  options: SimulatorSearchOptions,
): void {
  const { actionSize, blockSteps, low, high, samples = 64, iterations = 5, elites = 8, answer = 'mean' } = options;
  const size = mean.length;
  const side = (bounds: number | readonly number[], at: number): number =>
    typeof bounds === 'number' ? bounds : bounds[at % actionSize];
  const scale = Float32Array.from({ length: size }, (_, at) => (side(high, at) - side(low, at)) / 2);
  const deviation = scale.slice();
  const candidates = new Float32Array(samples * size);
  const costs = new Float64Array(samples);
  const own = Math.sqrt(1 - sharedNoise);
  const shared = Math.sqrt(sharedNoise);
  let best = mean.slice();
  let lowest = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let i = 0; i < samples; i++) {
      let common: number[] = [];
      for (let at = 0; at < size; at++) {
        if (at % (actionSize * blockSteps) === 0) common = Array.from({ length: actionSize }, () => random.normal());
        const noise = i === 0 ? 0 : own * random.normal() + shared * common[at % actionSize];
        const value = i === 1 && answer === 'best' ? best[at] : mean[at] + deviation[at] * noise;
        candidates[i * size + at] = Math.max(side(low, at), Math.min(side(high, at), value));
      }
      costs[i] = cost(candidates.subarray(i * size, (i + 1) * size));
    }
    const kept = Array.from(costs.keys())
      .sort((a, b) => costs[a] - costs[b] || a - b)
      .slice(0, elites);
    if (costs[kept[0]] < lowest) {
      lowest = costs[kept[0]];
      best = candidates.slice(kept[0] * size, (kept[0] + 1) * size);
    }
    for (let at = 0; at < size; at++) {
      let sum = 0;
      let squares = 0;
      for (const i of kept) sum += candidates[i * size + at];
      mean[at] = sum / elites;
      for (const i of kept) squares += (candidates[i * size + at] - mean[at]) * (candidates[i * size + at] - mean[at]);
      deviation[at] = Math.sqrt(squares / (elites - 1)) + leastDeviation * scale[at];
    }
  }
  if (answer === 'best') mean.set(best);
}
