import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import {
  add,
  broadcastTo,
  clamp,
  concat,
  gatherRows,
  mean,
  mul,
  neg,
  normal,
  reshape,
  slice,
  sqrt,
  topK,
  variance,
  zeros,
} from '../ops/index.js';
import { compile, scalar, type Tensor, tensor } from '../tensor/index.js';
import type { Dynamics, Objective, PlanState, Problem, Solution, Solver } from './contract.js';

export interface CemOptions {
  /** Actions of a plan (default 5). */
  readonly horizon?: number;
  /** Plans tried in an iteration (default 64). */
  readonly numSamples?: number;
  /** Best plans that the next iteration is drawn around (default 8). */
  readonly numElites?: number;
  readonly iterations?: number;
  /** Standard deviation of the first iteration (default 1), and what is added to the elites' (default .05). */
  readonly std?: number;
  readonly stdFloor?: number;
  /** Smallest and largest value of every action (default [−1, 1]). */
  readonly bounds?: readonly [number, number];
  /** An action is this many simple ones in a row (default 1), which share `sharedNoise` of their variance (default 0). */
  readonly repeat?: number;
  readonly sharedNoise?: number;
  readonly seed?: number;
}

const defaults = {
  horizon: 5,
  numSamples: 64,
  numElites: 8,
  iterations: 5,
  std: 1,
  stdFloor: 0.05,
  bounds: [-1, 1] as readonly [number, number],
  repeat: 1,
  sharedNoise: 0,
  seed: 0,
};

/**
 * Cross-entropy method (Rubinstein 1999; as used by PlaNet, Hafner et al. 2019): draw plans around a mean, keep the best, refit mean and
 * standard deviation, repeat. Sample 0 is the mean itself. The whole search is one compiled program: one native call a plan.
 */
export class CemSolver<State extends PlanState> implements Solver<State> {
  readonly horizon: number;
  readonly actionSize: number;
  readonly options: Required<CemOptions>;
  readonly #search;

  constructor(dynamics: Dynamics<State>, objective: Objective, options: CemOptions = {}) {
    checkOptions('CemSolver', options, Object.keys(defaults));
    const settings = withDefaults(defaults, options);
    const { horizon, numSamples, numElites, iterations, repeat } = settings;
    for (const [name, value] of Object.entries({ horizon, numSamples, numElites, iterations, repeat })) {
      if (!Number.isInteger(value) || value < 1) refuse(`${name} to be a positive integer`, value);
    }
    if (numElites < 2 || numElites > numSamples) refuse(`numElites between 2 and numSamples ${numSamples}`, numElites);
    if (dynamics.actionSize % repeat !== 0) refuse(`repeat to divide the action size ${dynamics.actionSize}`, repeat);
    const { bounds, std, stdFloor, sharedNoise, seed } = settings;
    if (!Array.isArray(bounds) || bounds.length !== 2 || !(bounds[0] < bounds[1]) || !bounds.every(Number.isFinite))
      refuse('bounds to be [smallest, largest]', JSON.stringify(bounds));
    if (!(std > 0 && Number.isFinite(std))) refuse('std to be above 0', std);
    if (!(stdFloor >= 0 && Number.isFinite(stdFloor))) refuse('stdFloor to be 0 or more', stdFloor);
    if (!(sharedNoise >= 0 && sharedNoise <= 1)) refuse('sharedNoise to be from 0 to 1', sharedNoise);
    if (!Number.isSafeInteger(seed)) refuse('seed to be an integer', seed);
    this.options = settings;
    this.horizon = horizon;
    this.actionSize = dynamics.actionSize;
    this.#search = compile(
      (state: State, goal: Tensor, start: Tensor, call: Tensor) =>
        search(dynamics, objective, settings, state, goal, start, call),
      { name: 'cem' },
    );
  }

  async solve({ state, goal, warmStart, call, signal }: Problem<State>): Promise<Solution> {
    const width = this.horizon * this.actionSize;
    if (warmStart && warmStart.length !== width)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[CemSolver] expected a plan [${this.horizon}, ${this.actionSize}] to start from, got ${warmStart.length} values`,
      );
    const start = tensor(warmStart ?? new Float32Array(width), { shape: [1, width] });
    const { actions, cost, costs } = await this.#search.call({ signal }, state, goal, start, scalar(call, 'int32'));
    return {
      actions: (await actions.data()) as Float32Array,
      cost: await cost.item(),
      history: (await costs.data()) as Float32Array,
    };
  }

  /** Frees its program. */
  dispose(): void {
    this.#search.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function refuse(expected: string, got: unknown): never {
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[CemSolver] expected ${expected}, got ${String(got)}`);
}

function search<State extends PlanState>(
  dynamics: Dynamics<State>,
  objective: Objective,
  {
    horizon,
    numSamples,
    numElites,
    iterations,
    std,
    stdFloor,
    bounds,
    repeat,
    sharedNoise,
    seed,
  }: Required<CemOptions>,
  state: State,
  goal: Tensor,
  start: Tensor,
  call: Tensor,
): { actions: Tensor; cost: Tensor; costs: Tensor } {
  const width = horizon * dynamics.actionSize;
  const evaluate = (plans: Tensor): Tensor => {
    let current = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [
        name,
        broadcastTo(value, [plans.shape[0], ...value.shape.slice(1)]),
      ]),
    ) as unknown as State;
    const trajectory: Tensor[] = [];
    for (let step = 0; step < horizon; step++) {
      current = dynamics.step(current, slice(plans, 1, step * dynamics.actionSize, (step + 1) * dynamics.actionSize));
      trajectory.push(dynamics.position(current));
    }
    return objective.cost(trajectory, goal);
  };
  const noise = (iteration: number): Tensor => {
    const simple = dynamics.actionSize / repeat;
    const own = normal([numSamples - 1, horizon, repeat, simple], { seed, step: call, stream: `cem.${iteration}.own` });
    if (sharedNoise === 0) return reshape(own, [numSamples - 1, width]);
    const shared = normal([numSamples - 1, horizon, 1, simple], {
      seed,
      step: call,
      stream: `cem.${iteration}.shared`,
    });
    return reshape(add(mul(own, Math.sqrt(1 - sharedNoise)), mul(shared, Math.sqrt(sharedNoise))), [
      numSamples - 1,
      width,
    ]);
  };
  let centre = clamp(start, bounds[0], bounds[1]); // [1, width]
  let spread: Tensor = add(zeros([1, width]), std);
  const costs: Tensor[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const drawn = clamp(add(centre, mul(spread, noise(iteration))), bounds[0], bounds[1]);
    const plans = concat([centre, drawn], 0);
    const { values, indices } = topK(neg(evaluate(plans)), numElites);
    const elites = gatherRows(plans, indices);
    costs.push(neg(slice(values, 0, 0, 1)));
    centre = mean(elites, { axes: [0], keepDims: true });
    spread = add(sqrt(variance(elites, { axes: [0], keepDims: true, correction: 1 })), stdFloor);
  }
  return {
    actions: reshape(centre, [horizon, dynamics.actionSize]),
    cost: reshape(evaluate(centre), []), // of the mean itself: no sample had it
    costs: concat(costs, 0),
  };
}
