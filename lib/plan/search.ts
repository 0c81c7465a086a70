import { JepaError } from '../errors.js';
import { add, concat, min, normal, reshape, slice, uniform } from '../ops/index.js';
import { compile, scalar, show, type Tensor, tensor } from '../tensor/index.js';
import type { PlanState, Problem, Solution, Solver } from './contract.js';
import { advanced, type Evaluate, imagination, type Task } from './imagination.js';
import type { Draw, Memory, Method } from './method.js';
import { either, endedBy } from './time.js';

/** What a search is given, as tensors. */
type Given<State> = {
  readonly state: State;
  readonly goal: Tensor;
  /** [B, horizon, actionSize] */
  readonly first: Tensor;
  /** [B, steps, actionSize], or null for none */
  readonly pending: Tensor | null;
  /** Number of the call × rounds: where its random numbers start. */
  readonly key: Tensor;
};

/** An answer: [B, W] actions, their [B] costs, and [B, C] by how much they violate the constraints. */
type Answer = { readonly actions: Tensor; readonly costs: Tensor; readonly excess: Tensor | null };

/** Random numbers that are given instead of drawn, of one round or of the start. */
type Noise = Readonly<Record<string, Tensor>> | null;

/** Beyond so many rounds a program of them all would take long to compile, and what a native call costs vanishes in a round. */
const mostAtOnce = 10;

/**
 * Searches by a method. A few rounds are one native call; where there are more, or where somebody watches, brings random numbers or may
 * run out of time, each round is one, with the same result.
 */
export class Search<State extends PlanState> implements Solver<State> {
  readonly horizon: number;
  readonly actionSize: number;
  readonly #method: Method;
  readonly #whole;
  readonly #start;
  readonly #round;

  constructor(task: Task<State>, method: Method) {
    const { name, rounds } = method;
    this.#method = method;
    this.horizon = method.horizon;
    this.actionSize = task.dynamics.actionSize;

    const begun = ({ state, first, pending, key }: Given<State>, noise: Noise): { state: State; memory: Memory } => ({
      state: pending ? advanced(task.dynamics, state, pending) : state,
      memory: method.start(reshape(first, [first.shape[0], -1]), drawing(method, key, noise)),
    });
    const answer = (memory: Memory, evaluate: Evaluate): Answer => {
      const actions = method.plan(memory);
      const { costs, excess } = evaluate(reshape(actions, [actions.shape[0], 1, actions.shape[1]]));
      return { actions, costs: reshape(costs, [-1]), excess: excess ?? null };
    };

    const { precision, quantize } = task.dynamics.inference ?? {};
    const how = { precision, quantize: method.descends ? 'none' : quantize } as const;
    this.#whole = compile(
      (given: Given<State>) => {
        let { state, memory } = begun(given, null);
        const evaluate = imagination(task, state, given.goal);
        const best: Tensor[] = [];
        for (let index = 0; index < rounds; index++) {
          const draw = drawing(method, add(given.key, index), null);
          const turn = method.round(memory, { evaluate, draw }, method.phaseOf?.(index) ?? 0);
          memory = turn.memory;
          best.push(min(turn.costs, { axes: [1] }));
        }
        return { ...answer(memory, evaluate), history: concat(best) };
      },
      { ...how, name },
    );
    this.#start = compile((given: Given<State>, noise: Noise) => begun(given, noise), {
      ...how,
      name: `${name}.start`,
    });
    this.#round = compile(
      (
        { state, goal, key, memory }: Pick<Given<State>, 'state' | 'goal' | 'key'> & { readonly memory: Memory },
        noise: Noise,
        phase: number,
      ) => {
        const evaluate = imagination(task, state, goal);
        const turn = method.round(memory, { evaluate, draw: drawing(method, key, noise) }, phase);
        return { ...turn, answer: answer(turn.memory, evaluate), best: min(turn.costs, { axes: [1] }) };
      },
      { ...how, name: `${name}.round` },
    );
  }

  /** @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_ABORTED by `signal` */
  async solve(problem: Problem<State>): Promise<Solution> {
    const given = this.#given(problem);
    const { rounds } = this.#method;
    if (rounds > mostAtOnce || problem.until || problem.onRound || problem.noise)
      return this.#roundByRound(given, problem);
    const { actions, costs, excess, history } = await this.#whole.call({ signal: problem.signal }, given);
    return solution(await values(actions), await values(costs), await values(history), rounds, true, excess);
  }

  async #roundByRound(given: Given<State>, problem: Problem<State>): Promise<Solution> {
    const { signal, until, noise, onRound } = problem;
    const { rounds, phaseOf } = this.#method;
    const stop = either(signal, until);
    const problems = given.goal.shape[0];
    const history: number[] = [];
    const answers: Answer[] = [];
    try {
      let { state, memory } = await this.#start.call({ signal: stop }, given, startOf(noise));
      for (let index = 0; index < rounds; index++) {
        const key = scalar(keyOf(problem.call, rounds) + index, 'int32');
        const input = { state, goal: given.goal, key, memory };
        const turn = await this.#round.call({ signal: stop }, input, roundOf(noise, index), phaseOf?.(index) ?? 0);
        memory = turn.memory;
        answers.push(turn.answer);
        history.push(...(await values(turn.best)));
        const shape = [...turn.plans.shape.slice(0, 2), this.horizon, this.actionSize];
        onRound?.({ index, plans: reshape(turn.plans, shape), costs: turn.costs, memory });
      }
    } catch (error) {
      if (!endedBy(until, signal, error)) throw error;
    }
    const found = Float32Array.from(history);
    if (answers.length === 0) {
      const unknown = new Float32Array(problems).fill(Number.NaN);
      return solution(
        await values(this.#method.within(reshape(given.first, [problems, -1]))),
        unknown,
        found,
        0,
        false,
        null,
      );
    }
    const complete = answers.length === rounds;
    const { actions, costs, excess } = complete ? answers[rounds - 1] : await bestOf(answers);
    return solution(await values(actions), await values(costs), found, answers.length, complete, excess);
  }

  #given({ state, goal, warmStart, pending, call }: Problem<State>): Given<State> {
    const { horizon, actionSize } = this;
    const { name, rounds } = this.#method;
    const problems = goal.shape[0];
    for (const [key, value] of Object.entries(state))
      if (value.shape[0] !== problems)
        throw new JepaError(
          'ERR_JEPA_SHAPE',
          `[${name}] expected a row of state.${key} for each of ${problems} goals ${show(goal.shape)}, got ${show(value.shape)}`,
        );
    const steps = (actions: Float32Array): number => actions.length / (problems * actionSize);
    const given = warmStart ? steps(warmStart) : 0;
    if (!Number.isInteger(given) || given > horizon)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[${name}] expected a plan [${problems > 1 ? `${problems}, ` : ''}${horizon}, ${actionSize}] to start from, or one with fewer actions, got ${warmStart?.length} values`,
      );
    const under = pending ? steps(pending) : 0;
    if (!Number.isInteger(under))
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[${name}] expected pending actions [${problems > 1 ? `${problems}, ` : ''}steps, ${actionSize}], got ${pending?.length} values`,
      );
    const first = new Float32Array(problems * horizon * actionSize);
    for (let problem = 0; problem < problems && warmStart; problem++) {
      const width = given * actionSize;
      first.set(warmStart.subarray(problem * width, (problem + 1) * width), problem * horizon * actionSize);
    }
    return {
      state,
      goal,
      first: tensor(first, { shape: [problems, horizon, actionSize] }),
      pending: pending && under > 0 ? tensor(pending, { shape: [problems, under, actionSize] }) : null,
      key: scalar(keyOf(call, rounds), 'int32'),
    };
  }

  /** Frees its programs. */
  dispose(): void {
    for (const program of [this.#whole, this.#start, this.#round]) program.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Calls beyond 2³¹ / rounds begin anew: keys are 32 bits wide. */
const keyOf = (call: number, rounds: number): number => (call % Math.floor(2 ** 31 / rounds)) * rounds;

/** Random numbers keyed by seed, name and step alone, or those that are given. */
function drawing({ name, seed, distribution }: Method, step: Tensor, noise: Noise): Draw {
  return (use, shape) => {
    if (noise) {
      const given = noise[use];
      if (given?.shape.join() !== shape.join())
        throw new JepaError(
          'ERR_JEPA_SHAPE',
          `[${name}] expected noise.${use} of shape ${show(shape)} for a round, got ${given ? show(given.shape) : 'none'}`,
        );
      return given;
    }
    const key = { seed, step, stream: `${name}.${use}` };
    return distribution === 'normal' ? normal(shape, key) : uniform(shape, key);
  };
}

/** The noise of the start is given as it is, that of rounds with an axis more. */
const startOf = (noise: Problem['noise']): Noise => (noise?.start ? { start: noise.start } : noise ? {} : null);

function roundOf(noise: Problem['noise'], index: number): Noise {
  if (!noise) return null;
  const { start: _, ...rounds } = noise;
  return Object.fromEntries(
    Object.entries(rounds).map(([use, all]) => [use, reshape(slice(all, 0, index, index + 1), all.shape.slice(1))]),
  );
}

/** For every problem the cheapest of some answers, among those that violate their worst constraint least. */
async function bestOf(answers: readonly Answer[]): Promise<Answer> {
  const costs = await Promise.all(answers.map(({ costs: own }) => values(own)));
  const violations = await Promise.all(answers.map(violationsOf));
  const problems = costs[0].length;
  const better = (a: number, b: number, problem: number): boolean => {
    const [finite, other] = [a, b].map((index) => Number.isFinite(costs[index][problem]));
    if (finite !== other) return finite;
    const [own, least] = [violations[a][problem], violations[b][problem]];
    return own < least || (own === least && costs[a][problem] < costs[b][problem]);
  };
  const chosen = Array.from({ length: problems }, (_, problem) =>
    answers.reduce((best, __, index) => (better(index, best, problem) ? index : best), 0),
  );
  const pick = (of: (answer: Answer) => Tensor): Tensor =>
    concat(chosen.map((index, problem) => slice(of(answers[index]), 0, problem, problem + 1)));
  return {
    actions: pick(({ actions }) => actions),
    costs: pick(({ costs: own }) => own),
    excess: answers[0].excess && pick(({ excess }) => excess as Tensor),
  };
}

/** [B] by how much an answer violates its worst constraint: 0 where it keeps all, infinite where that is no number. */
async function violationsOf({ costs, excess }: Answer): Promise<number[]> {
  const problems = costs.shape[0];
  const all = excess ? await values(excess) : new Float32Array(problems);
  const count = all.length / problems;
  return Array.from({ length: problems }, (_, problem) => {
    const worst = Math.max(0, ...all.subarray(problem * count, (problem + 1) * count));
    return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
  });
}

async function solution(
  actions: Float32Array,
  costs: Float32Array,
  history: Float32Array,
  rounds: number,
  complete: boolean,
  excess: Tensor | null,
): Promise<Solution> {
  const cost = costs.reduce((total, value) => total + value, 0) / costs.length;
  const result = { actions, cost, costs, history, rounds, complete };
  return excess ? { ...result, excess: await values(excess) } : result;
}

const values = async (x: Tensor): Promise<Float32Array> => (await x.data()) as Float32Array;
