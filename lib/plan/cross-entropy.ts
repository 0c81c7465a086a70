import {
  add,
  concat,
  gatherTokens,
  mean,
  mul,
  neg,
  reshape,
  slice,
  sqrt,
  topK,
  variance,
  zeros,
} from '../ops/index.js';
import type { Dynamics, Objective, PlanState } from './contract.js';
import type { Method } from './method.js';
import { type BlockOptions, blockDefaults, colouredNoise, expectBlocks, whiteNoise } from './noise.js';
import { Search } from './search.js';
import {
  type BoundedOptions,
  boundedDefaults,
  boundsOf,
  expectElites,
  expectFraction,
  expectFromZero,
  expectPositive,
  expectWhole,
  refuse,
  settingsOf,
} from './settings.js';

export interface CemOptions extends BoundedOptions, BlockOptions {
  /** Best plans that the next round is drawn around (default 8). */
  readonly numElites?: number;
  /** Weight of the old mean and deviation in the new ones (default 0). */
  readonly momentum?: number;
  /** What is added to the elites' standard deviation (default .05). */
  readonly stdFloor?: number;
  /** The answer: 'mean' (default) of the last elites, or the 'best' plan of the last round: where a mean of two ways is neither. */
  readonly answer?: 'mean' | 'best';
}

export interface IcemOptions extends BoundedOptions {
  /** Best plans that the next round is drawn around (default 8). */
  readonly numElites?: number;
  /** Weight of the old mean and deviation in the new ones (default .1). */
  readonly momentum?: number;
  /** What is added to the elites' standard deviation (default 0). */
  readonly stdFloor?: number;
  /** Exponent of the noise's spectrum: 0 is white, 2 (default) wanders, so that plans are smooth. */
  readonly noiseBeta?: number;
  /** Elites that are tried again in the next round, at most numElites and numSamples − 1 (default 5, or as many as that). */
  readonly keepElites?: number;
  /** The answer: 'mean' (default) of the last elites, or the 'best' plan of the last round. */
  readonly answer?: 'mean' | 'best';
}

const common = { ...boundedDefaults, numElites: 8, answer: 'mean' as 'mean' | 'best' };
const cemDefaults = { ...common, ...blockDefaults, momentum: 0, stdFloor: 0.05 };
const icemDefaults = {
  ...common,
  momentum: 0.1,
  stdFloor: 0,
  noiseBeta: 2,
  keepElites: 5,
};

/**
 * Cross-entropy method (Rubinstein 1999; as used by PlaNet, Hafner et al. 2019): draw plans around a mean, keep the best, refit mean and
 * standard deviation, repeat. Sample 0 is the mean itself; the answer is the mean of the last elites.
 * `noise`: `round` [iterations, B, S − 1, horizon, actionSize] standard normal numbers, and `shared` [iterations, B, S − 1, horizon, actionSize/repeat].
 * @example const solver = new CemSolver(latentDynamics(world), distanceAlongHorizon, { horizon: 8, numSamples: 300 });
 */
export class CemSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: CemOptions = {}) {
    const settings = settingsOf('CemSolver', cemDefaults, options);
    expectBlocks('CemSolver', settings, dynamics.actionSize);
    super({ dynamics, objective }, crossEntropy('CemSolver', dynamics.actionSize, settings));
  }
}

/**
 * iCEM (Pinneri et al. 2020): the cross-entropy method with noise that is smooth over time, elites that stay in the race, and momentum.
 * Finds good plans with fewer samples where the world answers slowly. `noise`: `round` [iterations, B, S − 1, horizon, actionSize] white
 * standard normal numbers, coloured by the solver.
 * @example const solver = new IcemSolver(latentDynamics(world), distanceAlongHorizon, { horizon: 12, numSamples: 32 });
 */
export class IcemSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: IcemOptions = {}) {
    const settings = settingsOf('IcemSolver', icemDefaults, options);
    expectFromZero('IcemSolver', { noiseBeta: settings.noiseBeta });
    if (settings.keepElites !== 0) expectWhole('IcemSolver', { keepElites: settings.keepElites });
    const most = Math.min(settings.numElites, settings.numSamples - 1);
    if ((options.keepElites ?? 0) > most)
      refuse('IcemSolver', `keepElites at most ${most}, of numElites and numSamples − 1`, settings.keepElites);
    super({ dynamics, objective }, crossEntropy('IcemSolver', dynamics.actionSize, settings));
  }
}

type Settings = typeof common &
  Required<Pick<CemOptions, 'momentum' | 'stdFloor'>> &
  Partial<typeof icemDefaults & typeof cemDefaults>;

/** Memory: `mean` and `std` [B, W], `elites` [B, K] numbers of the last round's best plans, cheapest first, and `kept` [B, K, W], those plans. */
function crossEntropy(name: string, actionSize: number, settings: Settings): Method {
  const { horizon, numSamples, numElites, iterations, std, stdFloor, momentum, seed, keepElites = 0 } = settings;
  const { noiseBeta, repeat = 1, sharedNoise = 0, answer } = settings;
  expectElites(name, numElites, numSamples, 2);
  expectPositive(name, { std });
  expectFromZero(name, { stdFloor });
  expectFraction(name, { momentum });
  const within = boundsOf(name, settings.bounds, horizon, actionSize);
  const again = Math.min(keepElites, numElites, numSamples - 1);
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    distribution: 'normal',
    start: (first) => ({ mean: first, std: add(zeros(first.shape), std) }),
    round(memory, { evaluate, draw }) {
      const [problems, width] = memory.mean.shape;
      const shape = { problems, plans: numSamples - 1, horizon, actionSize };
      const noise =
        noiseBeta === undefined
          ? whiteNoise(draw, shape, { repeat, sharedNoise })
          : colouredNoise(draw, shape, noiseBeta);
      const centre = reshape(memory.mean, [problems, 1, width]);
      const drawn = add(centre, mul(reshape(memory.std, [problems, 1, width]), noise));
      const kept = memory.kept && again > 0 ? [slice(memory.kept, 1, 0, again)] : [];
      const plans = concat([within(centre), ...kept, within(kept.length > 0 ? slice(drawn, 1, again) : drawn)], 1);
      const { costs } = evaluate(plans);
      const { indices } = topK(neg(costs), numElites);
      const elites = gatherTokens(plans, indices);
      const spread = add(sqrt(variance(elites, { axes: [1], correction: 1 })), stdFloor);
      const next = {
        mean: mixed(memory.mean, mean(elites, { axes: [1] }), momentum),
        std: mixed(memory.std, spread, momentum),
        elites: indices,
      };
      return { memory: again > 0 || answer === 'best' ? { ...next, kept: elites } : next, plans, costs };
    },
    within,
    plan({ mean: centre, kept }) {
      return answer === 'best' ? reshape(slice(kept, 1, 0, 1), centre.shape) : within(centre);
    },
  };
}

const mixed = (before: Parameters<typeof mul>[0], now: Parameters<typeof mul>[0], weight: number) =>
  weight === 0 ? (now as ReturnType<typeof mul>) : add(mul(before, weight), mul(now, 1 - weight));
