import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { Tensor } from '../tensor/index.js';
import type { PlanState, Problem, Solution, Solver } from './contract.js';
import { ActionRows } from './rows.js';
import { expectFromZero, expectSameWorlds, refuse } from './settings.js';
import { either, endedBy } from './time.js';

export interface RecedingHorizonOptions {
  /** Whether a search starts from what is left of the last plan (default true). */
  readonly warmStart?: boolean;
  /**
   * Milliseconds for a plan, observing included (default: no limit), rounded up to whole ones. When they are over the
   * best plan so far is taken.
   */
  readonly budget?: number;
  /** Milliseconds that an observation may be old when its plan is ready (default: no limit). */
  readonly maxAge?: number;
  /** [actionSize] What to do when there is no plan to trust (default: zeros). */
  readonly safeAction?: ArrayLike<number>;
}

/** Timers of Node.js fire at once where they are set to more milliseconds than that. */
const longestBudget = 2 ** 31 - 1;

/** What B worlds look like, and what is wanted of each. */
export type Situation<State extends PlanState> = Pick<Problem<State>, 'state' | 'goal'>;

export interface PlanCall extends Pick<Problem, 'signal' | 'until' | 'onRound' | 'noise' | 'pending'> {
  /** Actions of the last plan that were carried out since, or are under way (default 1). */
  readonly executed?: number;
  /** When the observation was made, on the clock of `performance.now()`: needed where there is a `maxAge`. */
  readonly observedAt?: number;
}

/** A solution, and whether to trust it. */
export interface Plan extends Solution {
  /**
   * 'complete'; 'deadline' when time ended the search: the best plan so far, or what is left of the last one; 'stopped' when there is
   * nothing to trust: all actions are the safe one then.
   */
  readonly status: 'complete' | 'deadline' | 'stopped';
  /** Why it stopped. */
  readonly reason?: string;
}

const name = 'RecedingHorizon';
const defaults = {
  warmStart: true,
  budget: Number.POSITIVE_INFINITY,
  maxAge: Number.POSITIVE_INFINITY,
  safeAction: undefined as ArrayLike<number> | undefined,
};

/**
 * Plans again and again, each time from what is left of the last plan. What goes wrong in the world is an answer here and no error:
 * without time the best plan so far is taken, and where states or costs are not finite, observations are stale, or nothing is left of an
 * old plan, all actions are the safe one. B worlds are planned for together, and stop together.
 * @example
 * const planning = new RecedingHorizon(solver, { budget: 20, maxAge: 100 });
 * const { actions, status } = await planning.plan({ state, goal }, { executed: 1, observedAt });
 */
export class RecedingHorizon<State extends PlanState = PlanState> {
  readonly solver: Solver<State>;
  readonly #options: Omit<typeof defaults, 'safeAction'>;
  readonly #safe: Float32Array;
  #rest: ActionRows | undefined;
  #calls = 0;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(solver: Solver<State>, options: RecedingHorizonOptions = {}) {
    checkOptions(name, options, Object.keys(defaults));
    const { safeAction, ...settings } = withDefaults(defaults, options);
    const { budget, maxAge } = settings;
    for (const [key, value] of Object.entries({ budget, maxAge }))
      if (value !== Number.POSITIVE_INFINITY) expectFromZero(name, { [key]: value });
    if (budget !== Number.POSITIVE_INFINITY && budget > longestBudget)
      refuse(name, `budget to be at most ${longestBudget} milliseconds, or Infinity for no limit`, budget);
    this.solver = solver;
    this.#options = { ...settings, budget: Math.ceil(budget) };
    this.#safe = Float32Array.from(safeAction ?? new Float32Array(solver.actionSize));
    if (this.#safe.length !== solver.actionSize || !this.#safe.every(Number.isFinite))
      refuse(name, `safeAction to be ${solver.actionSize} finite numbers`, JSON.stringify([...this.#safe]));
  }

  /** Forgets its plan: a new episode begins. @param calls first call number, which keys the random numbers */
  reset(calls = 0): void {
    this.#rest = undefined;
    this.#calls = calls;
  }

  /** Actions that are left of the last plan, [B, steps, actionSize], once so many are carried out. */
  rest(executed: number): ActionRows | undefined {
    return this.#rest?.from(executed);
  }

  /**
   * A plan from here.
   * @param observed state and goal of B worlds, or how they are found: a signal tells that time is up
   * @throws JepaError ERR_JEPA_ABORTED by `signal`, ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
   */
  async plan(
    observed: Situation<State> | ((signal: AbortSignal | undefined) => Promise<Situation<State>>),
    call: PlanCall = {},
  ): Promise<Plan> {
    const { executed = 1, observedAt, signal, pending, onRound, noise } = call;
    const { budget, maxAge, warmStart } = this.#options;
    if (!Number.isInteger(executed) || executed < 0) refuse(name, 'executed to be a non-negative integer', executed);
    if (maxAge !== Number.POSITIVE_INFINITY && observedAt === undefined)
      refuse(name, 'observedAt, the time of the observation, where there is a maxAge', observedAt);
    const stale = (): boolean => observedAt !== undefined && performance.now() - observedAt > maxAge;
    const rest = this.rest(executed);
    const until = budget === Number.POSITIVE_INFINITY ? call.until : either(call.until, AbortSignal.timeout(budget));
    const number = this.#calls++;
    const known = typeof observed === 'function' ? rest?.problems : observed.goal.shape[0];
    if (stale()) return this.#stop('the observation is stale', known);

    let observation: Situation<State>;
    try {
      observation = typeof observed === 'function' ? await observed(either(signal, until)) : observed;
    } catch (error) {
      if (error instanceof JepaError && error.code === 'ERR_JEPA_NON_FINITE')
        return this.#stop('the observation is not finite', rest?.problems);
      if (!endedBy(until, signal, error)) throw error;
      return this.#goOn(rest, rest?.problems);
    }
    const { state, goal } = observation;
    const [problems] = goal.shape;
    if (rest) expectSameWorlds(name, rest.problems, problems);
    if (!(await finite([...Object.values(state), goal]))) return this.#stop('the observation is not finite', problems);
    const solution = await this.solver.solve({
      state,
      goal,
      warmStart: warmStart ? rest?.values : undefined,
      pending,
      call: number,
      signal,
      until,
      onRound,
      noise,
    });
    if (stale()) return this.#stop('the observation was stale when its plan was ready', problems);
    if (solution.rounds === 0) return this.#goOn(rest, problems, solution);
    if (!solution.costs.every(Number.isFinite)) return this.#stop('no plan has a finite cost', problems);
    this.#rest = new ActionRows(solution.actions, problems, this.solver.actionSize);
    return { ...solution, status: solution.complete ? 'complete' : 'deadline' };
  }

  /** Without time for a round: what is left of the last plan, then the safe action. */
  #goOn(rest: ActionRows | undefined, problems = 1, solution = this.#nothing(problems)): Plan {
    if (!rest || rest.steps === 0)
      return this.#stop('there was no time for a first round, and no earlier plan', problems);
    this.#rest = rest;
    return { ...solution, actions: rest.padded(this.solver.horizon, this.#safe), status: 'deadline' };
  }

  #stop(reason: string, problems = 1): Plan {
    this.#rest = undefined;
    return { ...this.#nothing(problems), status: 'stopped', reason };
  }

  #nothing(problems: number): Solution {
    const { horizon, actionSize } = this.solver;
    return {
      actions: new ActionRows(new Float32Array(0), problems, actionSize).padded(horizon, this.#safe),
      cost: Number.NaN,
      costs: new Float32Array(problems).fill(Number.NaN),
      history: new Float32Array(0),
      rounds: 0,
      complete: false,
    };
  }
}

async function finite(tensors: readonly Tensor[]): Promise<boolean> {
  for (const x of tensors) if (!((await x.data()) as Float32Array).every(Number.isFinite)) return false;
  return true;
}
