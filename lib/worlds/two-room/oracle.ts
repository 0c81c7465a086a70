import { Random } from '../random.js';
import { searchOnSimulator } from '../simulator-search.js';
import type { Policy } from './protocol.js';
import { actionSpace, distance, move } from './room.js';
import { blockSize, frameSkip } from './training.js';

/** Blocks of a plan. */
const horizon = 5;
const search = { actionSize: 2, blockSteps: frameSkip, low: actionSpace.low, high: actionSpace.high };

/**
 * Cross-entropy search with the true simulator and straight-line distance summed over the blocks' ends; replans after some blocks of
 * five actions, each by default, from where the last plan left off. Greedy over 25 steps, so no oracle where the way leads round a wall.
 * @param replanEvery blocks between two plans; Infinity plans once and rests when the plan is used up
 */
export function simulatorOracle(seed: number, replanEvery = 1): Policy {
  const size = horizon * blockSize;
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
    const cost = (candidate: Float32Array): number => {
      const place = positions.slice(row * 2, row * 2 + 2);
      let total = 0;
      for (let at = 0; at < size; at += 2) {
        move(room, place, candidate.subarray(at, at + 2));
        if ((at + 2) % blockSize === 0) total += distance(place, 0, goals, row);
      }
      return total;
    };
    if (within === 0 && ((step - within) / frameSkip) % replanEvery === 0)
      searchOnSimulator(plan.mean, plan.random, cost, search);
    actions.set(plan.mean.subarray(within * 2, within * 2 + 2), row * 2);
  };
}
