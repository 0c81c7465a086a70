import { Random } from '../random.js';
import type { Policy } from './protocol.js';
import { distance, move } from './room.js';
import { blockSize, frameSkip } from './training.js';

/** The search that planners with a learned model use, on the true simulator: what the planner could reach if the model were perfect. */
const search = { samples: 64, iterations: 5, elites: 8, blocks: 5, sharedNoise: 0.5, leastDeviation: 0.05 } as const;

/**
 * Cross-entropy search with the true simulator and straight-line distance summed over the blocks' ends; replans after some blocks of
 * five actions, each by default, from where the last plan left off. Greedy over 25 steps, so no oracle where the way leads round a wall.
 * @param replanEvery blocks between two plans; Infinity plans once and rests when the plan is used up
 */
export function simulatorOracle(seed: number, replanEvery = 1): Policy {
  const size = search.blocks * blockSize;
  const plans = new Map<number, { readonly random: Random; readonly mean: Float32Array }>();
  return ({ room, positions, goals, row, step, actions }) => {
    const within = step % frameSkip;
    let plan = plans.get(row);
    if (step === 0 || !plan) {
      plan = { random: new Random(seed, `two-room oracle ${row}`), mean: new Float32Array(size) };
      plans.set(row, plan);
    } else if (within === 0) {
      plan.mean.copyWithin(0, blockSize);
      plan.mean.fill(0, size - blockSize);
    }
    if (within === 0 && ((step - within) / frameSkip) % replanEvery === 0)
      improve(plan.mean, plan.random, (candidates, costs) => {
        for (let i = 0; i < search.samples; i++) {
          const place = positions.slice(row * 2, row * 2 + 2);
          costs[i] = 0;
          for (let at = 0; at < size; at += 2) {
            move(room, place, candidates.subarray(i * size + at, i * size + at + 2));
            if ((at + 2) % blockSize === 0) costs[i] += distance(place, 0, goals, row);
          }
        }
      });
    actions.set(plan.mean.subarray(within * 2, within * 2 + 2), row * 2);
  };
}

/** Cross-entropy iterations on the mean of a plan; the mean itself is among the candidates. */
function improve(
  mean: Float32Array,
  random: Random,
  score: (candidates: Float32Array, costs: Float64Array) => void,
): void {
  const { samples, iterations, elites, sharedNoise, leastDeviation } = search;
  const size = mean.length;
  const deviation = new Float32Array(size).fill(1);
  const candidates = new Float32Array(samples * size);
  const costs = new Float64Array(samples);
  const own = Math.sqrt(1 - sharedNoise);
  const shared = Math.sqrt(sharedNoise);
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let i = 0; i < samples; i++) {
      let common = [0, 0];
      for (let at = 0; at < size; at++) {
        if (at % blockSize === 0) common = [random.normal(), random.normal()];
        const noise = i === 0 ? 0 : own * random.normal() + shared * common[at % 2];
        candidates[i * size + at] = Math.max(-1, Math.min(1, mean[at] + deviation[at] * noise));
      }
    }
    score(candidates, costs);
    const best = Array.from(costs.keys())
      .sort((a, b) => costs[a] - costs[b] || a - b)
      .slice(0, elites);
    for (let at = 0; at < size; at++) {
      let sum = 0;
      let squares = 0;
      for (const i of best) sum += candidates[i * size + at];
      mean[at] = sum / elites;
      for (const i of best) squares += (candidates[i * size + at] - mean[at]) * (candidates[i * size + at] - mean[at]);
      deviation[at] = Math.sqrt(squares / (elites - 1)) + leastDeviation;
    }
  }
}
