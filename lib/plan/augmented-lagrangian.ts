import { add, mean, minimum, mul, relu, reshape, square, sum, zeros } from '../ops/index.js';
import { scalar, type Tensor } from '../tensor/index.js';
import type { Constraints, Dynamics, Objective, PlanState } from './contract.js';
import {
  type DescentOptions,
  descended,
  descentDefaults,
  expectRule,
  gradientOf,
  leastCostly,
  rested,
  scattered,
} from './descent.js';
import type { Method } from './method.js';
import { Search } from './search.js';
import { type BoundedOptions, boundsOf, expectPositive, expectWhole, refuse, settingsOf } from './settings.js';

export interface AugmentedLagrangianOptions extends BoundedOptions, DescentOptions {
  /** Steps of descent between two updates of the multipliers (default 20); `iterations` is a multiple of it. */
  readonly innerIterations?: number;
  /** Weight of squared violations at first (default 1), its factor at each update (default 2), and where that ends (default 10⁴). */
  readonly penalty?: number;
  readonly penaltyGrowth?: number;
  readonly penaltyLimit?: number;
}

const name = 'AugmentedLagrangianSolver';
const defaults = {
  ...descentDefaults,
  iterations: 100,
  innerIterations: 20,
  penalty: 1,
  penaltyGrowth: 2,
  penaltyLimit: 1e4,
};

/**
 * Gradient descent under constraints g ≤ 0 by an augmented Lagrangian (Hestenes 1969, Powell 1969): descends
 * cost + Σ_c λ_c g_c + ρ Σ_c max(0, g_c)², then λ ← max(0, λ + ρ·g) with g's mean over a problem's plans, and ρ grows; again from there
 * with a fresh optimiser. A round's answer is chosen by cost alone: `excess` of the solution says by how much it
 * violates what. Of a search that is ended early, the round is taken whose answer violates its worst constraint least.
 * `noise`: `start` [B, S − 1, horizon, actionSize] standard normal numbers.
 * @example
 * const effort = { count: 1, excess: (_, __, actions) => sub(sum(square(actions), { axes: [1, 2] }), 2).reshape([-1, 1]) };
 * const solver = new AugmentedLagrangianSolver(dynamics, distanceAtEnd, effort, { horizon: 10 });
 */
export class AugmentedLagrangianSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(
    dynamics: Dynamics<State>,
    objective: Objective,
    constraints: Constraints,
    options: AugmentedLagrangianOptions = {},
  ) {
    const method = augmentedLagrangian(dynamics.actionSize, constraints.count, settingsOf(name, defaults, options));
    super({ dynamics, objective, constraints }, method);
  }
}

/**
 * Memory: `plans` [B, S, W], the `costs` [B, S] they had before their last step, the `loss` that was descended, `multipliers` [B, C], `penalty` [], the `excess`
 * [B, S, C] at the last update of the multipliers, and what the optimiser remembers.
 */
function augmentedLagrangian(actionSize: number, count: number, settings: typeof defaults): Method {
  const { horizon, numSamples, iterations, innerIterations, std, optimiser, seed } = settings;
  const { penalty, penaltyGrowth, penaltyLimit, learningRate } = settings;
  expectWhole(name, { innerIterations, 'constraints.count': count });
  expectPositive(name, { std, learningRate, penalty, penaltyGrowth, penaltyLimit });
  expectRule(name, optimiser);
  if (iterations % innerIterations !== 0)
    refuse(name, `iterations a multiple of innerIterations ${innerIterations}`, iterations);
  const within = boundsOf(name, settings.bounds, horizon, actionSize);
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    descends: true,
    distribution: 'normal',
    within,
    phaseOf: (round) => Number((round + 1) % innerIterations === 0),
    start(first, draw) {
      const [problems] = first.shape;
      const plans = within(scattered(first, draw, numSamples, std, actionSize));
      return {
        plans,
        costs: zeros([problems, numSamples]),
        loss: scalar(0),
        multipliers: zeros([problems, count]),
        penalty: scalar(penalty),
        excess: zeros([problems, numSamples, count]),
        ...rested(plans, optimiser),
      };
    },
    round(memory, { evaluate }, phase) {
      const { plans, multipliers } = memory;
      const { costs, excess } = evaluate(plans);
      const loss = add(sum(costs), violationCost(excess as Tensor, multipliers, memory.penalty));
      const step = descended(plans, gradientOf(loss, plans, null), memory, settings);
      const next = { ...memory, plans: within(step.plans), costs, loss };
      if (phase === 0) return { memory: { ...next, ...step.memory }, plans, costs };
      const after = evaluate(next.plans).excess as Tensor;
      const raised = add(multipliers, mul(mean(after, { axes: [1] }), memory.penalty));
      return {
        memory: {
          ...next,
          ...rested(plans, optimiser),
          multipliers: relu(raised),
          penalty: minimum(mul(memory.penalty, penaltyGrowth), penaltyLimit),
          excess: after,
        },
        plans,
        costs,
      };
    },
    plan: ({ plans, costs }) => leastCostly(plans, costs),
  };
}

/** Σ λ_c g_c + ρ Σ max(0, g_c)² over problems, plans and constraints. */
function violationCost(excess: Tensor, multipliers: Tensor, penalty: Tensor): Tensor {
  const [problems, count] = multipliers.shape;
  const linear = sum(mul(excess, reshape(multipliers, [problems, 1, count])));
  return add(linear, mul(sum(square(relu(excess))), penalty));
}
