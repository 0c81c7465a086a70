import { add, mul, sqrt, square, sub, sum } from '../ops/index.js';
import type { Objective } from './contract.js';

/**
 * Distance to the goal, summed over the horizon: a plan that arrives early beats one that arrives late, which a cost on
 * the last state alone cannot see at every replanning. Norms, not squares: far states must not drown near ones.
 */
export const distanceAlongHorizon: Objective = {
  cost: (trajectory, goal) =>
    trajectory.map((position) => distance(position, goal)).reduce((total, step) => add(total, step)),
};

/**
 * The distances along the horizon, the last one `weight` times (default 4): between {@link distanceAlongHorizon}, which hurries past what
 * arrives in time, and {@link distanceAtEnd}, which believes all of a model's longest prediction.
 * @example const planner = new Planner(world, { horizon: 5, objective: distanceTowardsEnd() });
 */
export function distanceTowardsEnd(weight = 4): Objective {
  return {
    cost: (trajectory, goal) =>
      trajectory
        .map((position, index) => mul(distance(position, goal), index === trajectory.length - 1 ? weight : 1))
        .reduce((total, step) => add(total, step)),
  };
}

/** Distance of the last position only. */
export const distanceAtEnd: Objective = {
  cost: (trajectory, goal) => distance(trajectory[trajectory.length - 1], goal),
};

function distance(position: Parameters<Objective['cost']>[1], goal: Parameters<Objective['cost']>[1]) {
  return sqrt(sum(square(sub(position, goal)), { axes: [1] }));
}
