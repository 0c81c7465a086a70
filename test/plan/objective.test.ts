import { expect, it } from 'vitest';
import {
  distanceAlongHorizon,
  distanceAtEnd,
  distanceTowardsEnd,
  type Objective,
  type Tensor,
  tensor,
} from '#lib/index.js';

it('count the distances to a goal along the way, at its end, or both', async () => {
  // Two plans of three steps; their distances to the origin are 5, 13, 1 and 10, 0, 2.
  const steps = [
    [3, 4, 6, 8],
    [5, -12, 0, 0],
    [0, 1, 2, 0],
  ].map((places) => tensor(places, { shape: [2, 2] }));
  const goal = tensor([0, 0], { shape: [1, 2] });
  const costs = async (objective: Objective) =>
    Array.from(await (objective.cost as (trajectory: readonly Tensor[], goal: Tensor) => Tensor)(steps, goal).data());
  expect(await costs(distanceAlongHorizon)).toEqual([19, 12]);
  expect(await costs(distanceAtEnd)).toEqual([1, 2]);
  expect(await costs(distanceTowardsEnd())).toEqual([22, 18]);
  expect(await costs(distanceTowardsEnd(0.5))).toEqual([18.5, 11]);
});
