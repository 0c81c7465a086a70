import { add, concat, gatherTokens, mul, neg, reshape, softmax, sum, topK } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Dynamics, Objective, PlanState } from './contract.js';
import type { Method } from './method.js';
import { type BlockOptions, blockDefaults, expectBlocks, whiteNoise } from './noise.js';
import { Search } from './search.js';
import {
  type BoundedOptions,
  boundedDefaults,
  boundsOf,
  expectElites,
  expectPositive,
  settingsOf,
} from './settings.js';

export interface MppiOptions extends BoundedOptions, BlockOptions {
  /** Divides costs before they become weights (default .5): small trusts the cheapest plan, large averages all. */
  readonly temperature?: number;
  /** Cheapest plans that have a weight (default null: all). */
  readonly numElites?: number | null;
}

export type PredictiveSamplingOptions = BoundedOptions & BlockOptions;

const common = { ...boundedDefaults, ...blockDefaults };
const mppiDefaults = { ...common, temperature: 0.5, numElites: null as number | null };
const predictiveDefaults = { ...common, iterations: 1 };

/**
 * Model predictive path integral control (Williams et al. 2017): plans drawn with a fixed standard deviation around a mean, which moves to
 * their average weighted by softmax(−cost/temperature). Sample 0 is the mean itself.
 * `noise`: `round` [iterations, B, S − 1, horizon, actionSize] standard normal numbers, and `shared` as CemSolver.
 * @example const solver = new MppiSolver(latentDynamics(world), distanceAlongHorizon, { numSamples: 256, temperature: 0.1, std: 0.5 });
 */
export class MppiSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: MppiOptions = {}) {
    const settings = settingsOf('MppiSolver', mppiDefaults, options);
    const { numElites, numSamples, temperature } = settings;
    if (numElites !== null) expectElites('MppiSolver', numElites, numSamples);
    expectPositive('MppiSolver', { temperature });
    const weighted = (plans: Tensor, costs: Tensor): Tensor => {
      const best = numElites === null ? undefined : topK(neg(costs), numElites);
      const weights = softmax(mul(best?.values ?? neg(costs), 1 / temperature));
      const chosen = best ? gatherTokens(plans, best.indices) : plans;
      return sum(mul(chosen, reshape(weights, [...weights.shape, 1])), { axes: [1] });
    };
    super({ dynamics, objective }, aroundMean('MppiSolver', dynamics.actionSize, settings, weighted));
  }
}

/**
 * Predictive sampling (Howell et al. 2022): the cheapest of some plans around the last one, and no more. One round is enough where plans
 * are made often. `noise` as MppiSolver.
 * @example const solver = new PredictiveSamplingSolver(latentDynamics(world), distanceAlongHorizon, { numSamples: 256, std: 0.3 });
 */
export class PredictiveSamplingSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: PredictiveSamplingOptions = {}) {
    const settings = settingsOf('PredictiveSamplingSolver', predictiveDefaults, options);
    const cheapest = (plans: Tensor, costs: Tensor): Tensor =>
      reshape(gatherTokens(plans, topK(neg(costs), 1).indices), [plans.shape[0], plans.shape[2]]);
    super({ dynamics, objective }, aroundMean('PredictiveSamplingSolver', dynamics.actionSize, settings, cheapest));
  }
}

/** Draws around a mean and moves it. Memory: `mean` [B, W]. */
function aroundMean(
  name: string,
  actionSize: number,
  { horizon, numSamples, iterations, std, bounds, seed, ...blocks }: typeof common,
  moved: (plans: Tensor, costs: Tensor) => Tensor,
): Method {
  expectPositive(name, { std });
  expectBlocks(name, blocks, actionSize);
  const within = boundsOf(name, bounds, horizon, actionSize);
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    distribution: 'normal',
    start: (first) => ({ mean: first }),
    round({ mean }, { evaluate, draw }) {
      const [problems, width] = mean.shape;
      const centre = reshape(mean, [problems, 1, width]);
      const noise = whiteNoise(draw, { problems, plans: numSamples - 1, horizon, actionSize }, blocks);
      const plans = within(concat([centre, add(centre, mul(noise, std))], 1));
      const { costs } = evaluate(plans);
      return { memory: { mean: moved(plans, costs) }, plans, costs };
    },
    within,
    plan: ({ mean }) => within(mean),
  };
}
