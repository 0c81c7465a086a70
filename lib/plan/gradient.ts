import { add, mul, reshape, sum, zeros } from '../ops/index.js';
import { scalar } from '../tensor/index.js';
import type { Dynamics, Objective, PlanState } from './contract.js';
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
import { type BoundedOptions, boundsOf, expectFromZero, expectPositive, settingsOf } from './settings.js';

export interface GradientOptions extends BoundedOptions, DescentOptions {
  /** Largest norm of the gradients of all plans together (default null: no clipping). */
  readonly clipNorm?: number | null;
  /** Standard deviation of noise added after each step (default 0). */
  readonly actionNoise?: number;
}

const defaults = {
  ...descentDefaults,
  clipNorm: null as number | null,
  actionNoise: 0,
};

/**
 * Gradient descent on some plans at once, through the dynamics: the first is the plan to start from, the others lie around it. The
 * answer is the one that was cheapest before the last step, after it. Works where costs are smooth in the actions, and far faster than
 * sampling then, with long horizons most of all; stops in the first hollow where they are not.
 * `noise`: `start` [B, S − 1, horizon, actionSize] and, with `actionNoise`, `round` [iterations, B, S, horizon, actionSize], standard normal.
 * @example const solver = new GradientSolver(latentDynamics(world), distanceAlongHorizon, { horizon: 20, learningRate: 0.05 });
 */
export class GradientSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: GradientOptions = {}) {
    super({ dynamics, objective }, gradientDescent(dynamics.actionSize, settingsOf(name, defaults, options)));
  }
}

const name = 'GradientSolver';

/** Memory: `plans` [B, S, W], the `costs` [B, S] they had before their last step, the `loss` that was descended, and what the optimiser remembers. */
function gradientDescent(actionSize: number, settings: typeof defaults): Method {
  const { horizon, numSamples, iterations, std, optimiser, clipNorm, actionNoise, seed } = settings;
  expectPositive(name, { std, learningRate: settings.learningRate });
  expectFromZero(name, { actionNoise });
  if (clipNorm !== null) expectPositive(name, { clipNorm });
  expectRule(name, optimiser);
  const within = boundsOf(name, settings.bounds, horizon, actionSize);
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    descends: true,
    distribution: 'normal',
    within,
    start(first, draw) {
      const plans = within(scattered(first, draw, numSamples, std, actionSize));
      return { plans, costs: zeros([first.shape[0], numSamples]), loss: scalar(0), ...rested(plans, optimiser) };
    },
    round(memory, { evaluate, draw }) {
      const { plans } = memory;
      const { costs } = evaluate(plans);
      const loss = sum(costs);
      const step = descended(plans, gradientOf(loss, plans, clipNorm), memory, settings);
      const [problems] = plans.shape;
      const shaken =
        actionNoise === 0
          ? step.plans
          : add(
              step.plans,
              mul(reshape(draw('round', [problems, numSamples, horizon, actionSize]), plans.shape), actionNoise),
            );
      return { memory: { plans: within(shaken), costs, loss, ...step.memory }, plans, costs };
    },
    plan: ({ plans, costs }) => leastCostly(plans, costs),
  };
}
