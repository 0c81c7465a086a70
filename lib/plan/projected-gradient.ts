import { add, cast, div, greater, matmul, mul, relu, reshape, sub, sum, topK, zeros } from '../ops/index.js';
import { arange, type Tensor, tensor } from '../tensor/index.js';
import { type ChoiceOptions, categoriesOf, chosen } from './choices.js';
import type { Dynamics, Objective, PlanState } from './contract.js';
import { gradientOf, leastCostly, scattered } from './descent.js';
import type { Method } from './method.js';
import { Search } from './search.js';
import { expectPositive, searchDefaults, settingsOf } from './settings.js';

export interface ProjectedGradientOptions extends ChoiceOptions {
  /** Standard deviation of the noise around the plan to start from (default 1). */
  readonly std?: number;
  /** Default 1. */
  readonly learningRate?: number;
}

const name = 'ProjectedGradientSolver';
const defaults = {
  ...searchDefaults,
  numSamples: 16,
  iterations: 30,
  std: 1,
  learningRate: 1,
  categories: null as number | null,
};

/**
 * Projected gradient descent over choices: each action is relaxed to weights that sum to 1 (a simplex), plans go down the gradient and
 * are projected back after every step; the answer takes the largest weight of each. For few things to choose from and a dynamics that is
 * smooth between them; the first step may start outside the simplex.
 * `noise`: `start` [B, S − 1, horizon, actionSize] standard normal numbers.
 * @example const solver = new ProjectedGradientSolver(dynamics, distanceAtEnd, { categories: 4, horizon: 8 });
 */
export class ProjectedGradientSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: ProjectedGradientOptions = {}) {
    super({ dynamics, objective }, projectedDescent(dynamics.actionSize, settingsOf(name, defaults, options)));
  }
}

/** Memory: `plans` [B, S, W], and the `costs` [B, S] they had before their last step. */
function projectedDescent(actionSize: number, settings: typeof defaults): Method {
  const { horizon, numSamples, iterations, std, learningRate, seed } = settings;
  expectPositive(name, { std, learningRate });
  const categories = categoriesOf(name, settings.categories, actionSize);
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    descends: true,
    distribution: 'normal',
    within: (plans) => chosen(plans, categories),
    start: (first, draw) => ({
      plans: scattered(first, draw, numSamples, std, actionSize),
      costs: zeros([first.shape[0], numSamples]),
    }),
    round({ plans }, { evaluate }) {
      const { costs } = evaluate(plans);
      const moved = sub(plans, mul(gradientOf(sum(costs), plans, null), learningRate));
      return { memory: { plans: onSimplex(moved, categories), costs }, plans, costs };
    },
    plan: ({ plans, costs }) => chosen(leastCostly(plans, costs), categories),
  };
}

/**
 * The nearest point of the simplex {x ≥ 0, Σ x = 1} for each group of numbers (Duchi et al. 2008): with u sorted from the largest and
 * ρ the last j with u_j > (Σ_{i ≤ j} u_i − 1)/j, x = max(0, u − (Σ_{i ≤ ρ} u_i − 1)/ρ).
 */
function onSimplex(x: Tensor, categories: number): Tensor {
  const groups = reshape(x, [x.size / categories, categories]);
  const { values: sorted } = topK(groups, categories);
  const upTo = Float32Array.from({ length: categories ** 2 }, (_, i) =>
    Number(Math.floor(i / categories) <= i % categories),
  );
  const sums = matmul(sorted, tensor(upTo, { shape: [categories, categories] }));
  const counts = add(arange(0, categories, 'float32'), 1);
  const inside = cast(greater(mul(sorted, counts), sub(sums, 1)), 'float32');
  const rho = sum(inside, { axes: [1], keepDims: true });
  const threshold = div(sub(sum(mul(sorted, inside), { axes: [1], keepDims: true }), 1), rho);
  return reshape(relu(sub(groups, threshold)), x.shape);
}
