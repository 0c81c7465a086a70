// The planners of stable-worldmodel on a two-layer dynamics, with the random numbers that the reference drew.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSafetensors } from '#lib/io/safetensors.js';
import { abs, add, concat, linear, mul, permute, reshape, slice, square, sub, sum, tanh } from '#lib/ops/index.js';
import {
  AugmentedLagrangianSolver,
  CategoricalSolver,
  CemSolver,
  type Constraints,
  Controller,
  choicesOf,
  type DescentRule,
  type Dynamics,
  GradientSolver,
  IcemSolver,
  MppiSolver,
  type Objective,
  PredictiveSamplingSolver,
  type Problem,
  ProjectedGradientSolver,
  type Round,
  type Solution,
  type Solver,
} from '#lib/plan/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import { given, values } from './differentiate.js';
import type { Family } from './index.js';

type State = { readonly z: Tensor };

/** z' = z + fc2(tanh(fc1([z, a]))) */
function dynamicsOf(call: GoldenCall): Dynamics<State> {
  const path = join(call.folder, (call.entry.model as string | undefined) ?? 'model.safetensors');
  const { tensors } = parseSafetensors(readFileSync(path));
  const weight = (name: string): Tensor => {
    const host = tensors.get(name);
    if (!host) throw new Error(`the case has no weight '${name}'`);
    return tensor(host.data, { shape: host.shape, dtype: host.dtype });
  };
  const layer = (name: string) => (x: Tensor) => linear(x, weight(`${name}.weight`), weight(`${name}.bias`));
  const [fc1, fc2] = ['fc1', 'fc2'].map(layer);
  return {
    actionSize: (call.entry.config as { model: { action: number } }).model.action,
    step: ({ z }, action) => ({ z: add(z, fc2(tanh(fc1(concat([z, action], 1))))) }),
    position: ({ z }) => z,
  };
}

/** Σ (z_H − goal)² + 0.1·Σ_t Σ (z_t − goal)², t = 1 … H − 1 */
const objective: Objective = {
  cost(trajectory, goal) {
    const far = trajectory.map((z) => sum(square(sub(z, goal)), { axes: [1] }));
    return far.slice(0, -1).reduce((total, step) => add(total, mul(step, 0.1)), far[far.length - 1]);
  },
};

/** g₀ = Σ_t |a_t|² − limit, g₁ = |a₀|₁ − 0.5 */
const constraintsOf = (call: GoldenCall): Constraints => ({
  count: 2,
  excess(_, __, actions) {
    const { limit } = (call.entry.config as { model: { limit: number } }).model;
    const first = slice(actions, 1, 0, 1);
    return concat(
      [sub(sum(square(actions), { axes: [1, 2] }), limit), sub(sum(abs(first), { axes: [1, 2] }), 0.5)].map((g) =>
        reshape(g, [-1, 1]),
      ),
      1,
    );
  },
});

/** Options of the reference, each of which must be asked for: one that nobody asks for is not known here. */
class Options {
  readonly #left: Map<string, unknown>;

  constructor(call: GoldenCall) {
    this.#left = new Map(Object.entries(call.options));
  }

  get<Value>(name: string): Value {
    if (!this.#left.has(name)) throw new Error(`the case has no option '${name}'`);
    const value = this.#left.get(name) as Value;
    this.#left.delete(name);
    return value;
  }

  /** Those that change nothing here: the library's searches take all problems at once. */
  ignore(...names: string[]): void {
    for (const name of names) this.#left.delete(name);
  }

  close(): void {
    if (this.#left.size > 0) throw new Error(`options ${[...this.#left.keys()].join(', ')} are not known here`);
  }
}

/** How a solver of the reference is one of the library's: its numbers, and where the case's outputs are found. */
interface Known {
  readonly solver: (call: GoldenCall, options: Options, dynamics: Dynamics<State>) => Solver<State>;
  readonly noise: (call: GoldenCall) => NonNullable<Problem['noise']>;
  readonly outputs: (rounds: readonly Round[], solution: Solution, options: GoldenCall['options']) => Outputs;
}
type Outputs = Record<string, Tensor | Tensor[] | ArrayLike<number> | Promise<ArrayLike<number>>>;

const sizes = (options: Options) => ({
  horizon: options.get<number>('horizon'),
  numSamples: options.get<number>('num_samples'),
  iterations: options.get<number>('n_steps'),
});
const descent = (options: Options) => ({
  ...sizes(options),
  bounds: null,
  std: options.get<number>('var_scale'),
  optimiser: options.get<string>('optimizer').toLowerCase() as DescentRule,
  learningRate: options.get<number>('lr'),
});

/** The reference draws for sample 0 too, which takes no noise. */
const afterFirst = (x: Tensor): Tensor => slice(x, 2, 1);
const roundNoise = (call: GoldenCall) => ({ round: afterFirst(given(call, 'input.noise')) });
const startNoise = (call: GoldenCall) => ({
  start: given(call, 'input.noise0'),
  ...(call.tensors.has('input.noise') ? { round: given(call, 'input.noise') } : {}),
});

const plansOf = (rounds: readonly Round[]): Tensor[] => rounds.map(({ plans }) => plans);
const costsOf = (rounds: readonly Round[]): Tensor[] => rounds.map(({ costs }) => costs);
const memoryOf = (rounds: readonly Round[], name: string): Tensor[] => rounds.map(({ memory }) => memory[name]);

/** The K least costs of each problem and round, ascending. */
async function leastCosts(costs: Tensor, count: number): Promise<number[]> {
  const [problems, samples] = costs.shape;
  const all = await values(costs);
  return Array.from({ length: problems }, (_, b) =>
    [...all.subarray(b * samples, (b + 1) * samples)].sort((x, y) => x - y).slice(0, count),
  ).flat();
}
async function finalCost(rounds: readonly Round[], count: number): Promise<number[]> {
  const least = await leastCosts(rounds[rounds.length - 1].costs, count);
  return Array.from({ length: least.length / count }, (_, b) =>
    least.slice(b * count, (b + 1) * count).reduce((total, cost) => total + cost / count, 0),
  );
}

const sampled: Known['outputs'] = (rounds, { actions }, { topk, num_samples: all }) => ({
  candidates: plansOf(rounds),
  costs: costsOf(rounds),
  topk_inds: memoryOf(rounds, 'elites'),
  mean: memoryOf(rounds, 'mean'),
  var: memoryOf(rounds, 'std'),
  actions,
  final_cost: finalCost(rounds, (topk ?? all) as number),
});

const descended: Known['outputs'] = (rounds, { actions }) => {
  const last = rounds[rounds.length - 1].memory;
  return {
    params: plansOf(rounds),
    costs: costsOf(rounds),
    final_params: last.plans,
    actions,
    cost_history: memoryOf(rounds, 'loss'),
    lambdas: last.multipliers,
    violation: violationOf(last.excess),
  };
};

async function violationOf(excess: Tensor | undefined): Promise<number[]> {
  if (!excess) return [];
  const all = await values(excess);
  return [all.reduce((total, value) => total + Math.max(0, value), 0) / all.length];
}

const cem: Known = {
  solver: (_, options, dynamics) =>
    new CemSolver(dynamics, objective, {
      ...sizes(options),
      numElites: options.get('topk'),
      std: options.get('var_scale'),
      stdFloor: 0,
      bounds: null,
    }),
  noise: roundNoise,
  outputs: sampled,
};

const known: Record<string, Known | undefined> = {
  CEMSolver: cem,
  ICEMSolver: {
    solver: (_, options, dynamics) => {
      const numElites = options.get<number>('topk');
      return new IcemSolver(dynamics, objective, {
        ...sizes(options),
        numElites,
        std: options.get('var_scale'),
        noiseBeta: options.get('noise_beta'),
        momentum: options.get('alpha'),
        // The reference keeps no more than there are.
        keepElites: Math.min(options.get('n_elite_keep'), numElites),
        answer: options.get('return_mean') ? 'mean' : 'best',
        bounds: [options.get('low'), options.get('high')],
      });
    },
    // Time is the last axis of the reference's white noise.
    noise: (call) => ({ round: permute(afterFirst(given(call, 'input.noise')), [0, 1, 2, 4, 3]) }),
    outputs: sampled,
  },
  MPPISolver: {
    solver: (_, options, dynamics) =>
      new MppiSolver(dynamics, objective, {
        ...sizes(options),
        numElites: options.get('topk'),
        std: options.get('var_scale'),
        temperature: options.get('temperature'),
        bounds: null,
      }),
    noise: roundNoise,
    outputs: sampled,
  },
  PredictiveSamplingSolver: {
    solver: (_, options, dynamics) => {
      options.ignore('n_steps', 'topk'); // the reference makes one round and takes the cheapest, whatever these say
      return new PredictiveSamplingSolver(dynamics, objective, {
        horizon: options.get('horizon'),
        numSamples: options.get('num_samples'),
        std: options.get('noise_scale'),
        bounds: null,
      });
    },
    noise: roundNoise,
    outputs: (rounds, solution, options) => sampled(rounds, solution, { ...options, topk: 1 }),
  },
  GradientSolver: {
    solver: (_, options, dynamics) =>
      new GradientSolver(dynamics, objective, {
        ...descent(options),
        clipNorm: options.get('grad_clip'),
        actionNoise: options.get('action_noise'),
      }),
    noise: startNoise,
    outputs: descended,
  },
  LagrangianSolver: {
    solver: (call, options, dynamics) => {
      const settings = descent(options);
      return new AugmentedLagrangianSolver(dynamics, objective, constraintsOf(call), {
        ...settings,
        innerIterations: settings.iterations,
        iterations: settings.iterations * options.get<number>('n_outer_steps'),
        penalty: options.get('rho_init'),
        penaltyGrowth: options.get('rho_scale'),
        penaltyLimit: options.get('rho_max'),
      });
    },
    noise: startNoise,
    outputs: descended,
  },
  PGDSolver: {
    solver: (_, options, dynamics) =>
      new ProjectedGradientSolver(dynamics, objective, {
        ...sizes(options),
        std: options.get('var_scale'),
        categories: options.get('categories'),
      }),
    noise: startNoise,
    outputs: (rounds, solution, { categories }) => ({
      params: plansOf(rounds),
      costs: costsOf(rounds),
      actions: choicesOf(solution, categories as number),
    }),
  },
  CategoricalCEMSolver: {
    solver: (_, options, dynamics) =>
      new CategoricalSolver(dynamics, objective, {
        ...sizes(options),
        numElites: options.get('topk'),
        smoothing: options.get('smoothing'),
        momentum: options.get('alpha'),
        categories: options.get('categories'),
      }),
    noise: (call) => ({ round: afterFirst(given(call, 'input.uniform')) }),
    outputs: (rounds, solution, { categories, topk }) => ({
      candidates: plansOf(rounds),
      costs: costsOf(rounds),
      probs: memoryOf(rounds, 'probabilities'),
      elite_costs: Promise.all(costsOf(rounds).map((costs) => leastCosts(costs, topk as number))).then((all) =>
        all.flat(),
      ),
      actions: choicesOf(solution, categories as number),
    }),
  },
};

export const runPlanner: Family = async (call) => {
  if (call.options.policy !== undefined) return { composed: [], tensors: await compared(call, await policy(call)) };
  const options = new Options(call);
  const name = options.get<string>('solver');
  const own = known[name];
  if (!own) throw new Error(`solver '${name}' is not known to this library`);
  options.ignore('action_block', 'n_envs', 'batch_size');
  const solver = own.solver(call, options, dynamicsOf(call));
  options.close();
  const rounds: Round[] = [];
  const solution = await solver.solve({
    state: { z: given(call, 'input.z0') },
    goal: given(call, 'input.goal'),
    warmStart: warmStartOf(call),
    call: 0,
    noise: own.noise(call),
    onRound: (round) => rounds.push(round),
  });
  solver.dispose();
  const outputs = own.outputs(rounds, solution, call.options);
  return { composed: [], tensors: await compared(call, outputs) };
};

/** Receding-horizon control: a plan's first blocks are carried out action by action, then it plans anew. */
async function policy(call: GoldenCall): Promise<Outputs> {
  const options = new Options(call);
  const name = options.get<string>('solver');
  if (options.get('policy') !== 'WorldModelPolicy' || name !== 'CEMSolver')
    throw new Error(`policy with solver '${name}' is not known to this library`);
  const { iterations } = sizes(new Options(call));
  const repeat = options.get<number>('action_block');
  const solver = cem.solver(call, options, dynamicsOf(call));
  const controller = new Controller(solver, {
    repeat,
    replanEvery: options.get('receding_horizon'),
    warmStart: options.get('warm_start'),
    actionMean: options.get('action_mean'),
    actionStd: options.get('action_std'),
  });
  options.ignore('n_envs', 'batch_size');
  options.close();
  const [states, goal, noise] = [given(call, 'input.z0'), given(call, 'input.goal'), roundNoise(call).round];
  const means: Tensor[] = [];
  const actions: number[] = [];
  for (let step = 0; step < states.shape[0]; step++) {
    const from = means.length;
    const { action } = await controller.act(
      { z: reshape(slice(states, 0, step, step + 1), states.shape.slice(1)) },
      goal,
      {
        noise: controller.due ? { round: slice(noise, 0, from, from + iterations) } : undefined,
        onRound: ({ plans }) => means.push(slice(plans, 1, 0, 1)), // sample 0 is the mean
      },
    );
    actions.push(...action);
  }
  solver.dispose();
  return { actions, mean0: means, next_init: controller.rest };
}

function warmStartOf(call: GoldenCall): Float32Array | undefined {
  const host = call.tensors.get('input.init_action');
  return host && Float32Array.from(numbersOf(host));
}

/** Every output that the case names; whole numbers must be equal. */
async function compared(call: GoldenCall, outputs: Outputs): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const name of call.outputs) {
    const found = outputs[name.slice('output.'.length)];
    const expected = call.tensors.get(name);
    if (!expected) throw new Error(`the case has no tensor '${name}'`);
    const whole = expected.dtype.startsWith('int');
    const actual = found === undefined ? [] : await numbers(found);
    verdicts.push(verdict(whole ? { ...call, compare: 'equal' } : call, name, actual, numbersOf(expected), 'output'));
  }
  return verdicts;
}

async function numbers(found: Outputs[string]): Promise<ArrayLike<number>> {
  const awaited = await found;
  if (!Array.isArray(awaited)) return 'shape' in awaited ? values(awaited as Tensor) : (awaited as ArrayLike<number>);
  const parts = await Promise.all(
    awaited.map((part: Tensor | number) => (typeof part === 'number' ? [part] : values(part))),
  );
  return parts.flatMap((part) => [...part]);
}
