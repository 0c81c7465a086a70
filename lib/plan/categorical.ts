import {
  add,
  argmax,
  concat,
  div,
  full,
  gatherTokens,
  log,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  sum,
  topK,
} from '../ops/index.js';
import { type ChoiceOptions, categoriesOf, chosen, oneHot } from './choices.js';
import type { Dynamics, Objective, PlanState } from './contract.js';
import type { Method } from './method.js';
import { Search } from './search.js';
import { expectElites, expectFraction, expectFromZero, searchDefaults, settingsOf } from './settings.js';

export interface CategoricalOptions extends ChoiceOptions {
  /** Best plans that the next probabilities come from (default 8). */
  readonly numElites?: number;
  /** Added to the elites' frequencies, so that no choice dies out (default .05). */
  readonly smoothing?: number;
  /** Weight of the old probabilities in the new ones (default .1). */
  readonly momentum?: number;
}

const name = 'CategoricalSolver';
const defaults = {
  ...searchDefaults,
  numElites: 8,
  smoothing: 0.05,
  momentum: 0.1,
  categories: null as number | null,
};

/** Probabilities and uniform numbers below this count as this: their logarithms stay finite. */
const least = 1e-10;

/**
 * Cross-entropy method over choices: each choice has probabilities of its own, plans are drawn from them by Gumbel's trick, and the
 * elites' frequencies are the next probabilities. Sample 0 takes the likeliest choices, and so does the answer. Every search starts from
 * equal probabilities: a plan to start from is ignored.
 * `noise`: `round` [iterations, B, S − 1, horizon, choices, categories] uniform numbers.
 * @example const solver = new CategoricalSolver(dynamics, distanceAtEnd, { categories: 4, horizon: 8 });
 */
export class CategoricalSolver<State extends PlanState = PlanState> extends Search<State> {
  constructor(dynamics: Dynamics<State>, objective: Objective, options: CategoricalOptions = {}) {
    super({ dynamics, objective }, categorical(dynamics.actionSize, settingsOf(name, defaults, options)));
  }
}

/** Memory: `probabilities` [B, horizon, choices, categories]. */
function categorical(actionSize: number, settings: typeof defaults): Method {
  const { horizon, numSamples, numElites, iterations, smoothing, momentum, seed } = settings;
  expectElites(name, numElites, numSamples);
  expectFromZero(name, { smoothing });
  expectFraction(name, { momentum });
  const categories = categoriesOf(name, settings.categories, actionSize);
  const choices = actionSize / categories;
  const width = horizon * actionSize;
  return {
    name,
    horizon,
    rounds: iterations,
    seed,
    distribution: 'uniform',
    within: (plans) => chosen(plans, categories),
    start: (first) => ({ probabilities: full([first.shape[0], horizon, choices, categories], 1 / categories) }),
    round({ probabilities }, { evaluate, draw }) {
      const [problems] = probabilities.shape;
      const likely = log(maximum(reshape(probabilities, [problems, 1, horizon, choices, categories]), least));
      const drawn = draw('round', [problems, numSamples - 1, horizon, choices, categories]);
      const gumbel = neg(log(neg(log(maximum(drawn, least)))));
      const sampled = reshape(oneHot(argmax(add(likely, gumbel)), categories), [problems, numSamples - 1, width]);
      const first = reshape(chosen(reshape(probabilities, [problems, width]), categories), [problems, 1, width]);
      const plans = concat([first, sampled], 1);
      const { costs } = evaluate(plans);
      const elites = gatherTokens(plans, topK(neg(costs), numElites).indices);
      const counted = add(reshape(mean(elites, { axes: [1] }), probabilities.shape), smoothing);
      const frequencies = div(counted, sum(counted, { axes: [3], keepDims: true }));
      const next = add(mul(probabilities, momentum), mul(frequencies, 1 - momentum));
      return { memory: { probabilities: next }, plans, costs };
    },
    plan: ({ probabilities }) => chosen(reshape(probabilities, [probabilities.shape[0], width]), categories),
  };
}
