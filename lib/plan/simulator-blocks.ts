import { Random } from '../worlds/random.js';
import { searchOnSimulator } from '../worlds/simulator-search.js';
import type { BoxSpace } from '../worlds/space.js';
import type { PlanningTask } from './evaluate-planning.js';
import type { DecideBlock } from './goal-episodes.js';

/** Searches on the true simulator, from where the last plan left off: what a planner could reach if its model were perfect. */
export function simulatorBlocks(
  { world, blockSteps, planner, replanEvery = 1, oracleCost = 'sum' }: PlanningTask,
  seed: number,
): DecideBlock {
  const { shape, low, high } = world.actionSpace as BoxSpace;
  const size = shape[0] * blockSteps;
  const horizon = planner.horizon ?? 5;
  let mean = new Float32Array(0);
  return ({ block, episode }) => {
    if (block === 0) mean = new Float32Array(horizon * size);
    else {
      mean.copyWithin(0, size);
      mean.fill(0, mean.length - size);
    }
    if (block % replanEvery === 0) {
      const random = new Random(seed, `oracle ${episode} ${block}`);
      const blocks = oracleCost === 'arrival' ? Math.max(horizon - block, 1) : horizon;
      const counted = { sum: blockSteps, steps: 1, arrival: blocks * blockSteps }[oracleCost];
      searchOnSimulator(mean.subarray(0, blocks * size), random, (plan) => world.foresee(plan, counted), {
        actionSize: shape[0],
        blockSteps,
        low,
        high,
        answer: 'best',
      });
    }
    return mean.subarray(0, size);
  };
}
