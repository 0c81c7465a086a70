import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { Tensor } from '../tensor/index.js';
import type { PlanState, Solver } from './contract.js';
import { type Plan, type PlanCall, RecedingHorizon, type RecedingHorizonOptions } from './receding-horizon.js';
import { ActionRows } from './rows.js';
import { expectSameWorlds, expectWhole, refuse } from './settings.js';

export interface ControllerOptions extends Omit<RecedingHorizonOptions, 'safeAction'> {
  /** Actions of a plan that are carried out before the next search (default 1, at most the horizon). */
  readonly replanEvery?: number;
  /** Actions that are under way when an observation is made: one that is decided on now happens after so many others (default 0). */
  readonly latency?: number;
  /** An action of the plan is this many simple ones in a row, handed out one after another (default 1). */
  readonly repeat?: number;
  /** [simple action] The world gets plan × actionStd + actionMean (defaults 1 and 0). */
  readonly actionMean?: readonly number[];
  readonly actionStd?: readonly number[];
  /** [simple action] in the world's units: what to do when there is no plan to trust (default: zeros). */
  readonly safeAction?: readonly number[];
}

/** What to do now. */
export interface Act {
  /** [B, simple action] in the world's units. */
  readonly action: Float32Array;
  /** The plan, where this call made one. */
  readonly plan?: Plan;
}

const name = 'Controller';
const defaults = {
  replanEvery: 1,
  latency: 0,
  repeat: 1,
  actionMean: undefined as readonly number[] | undefined,
  actionStd: undefined as readonly number[] | undefined,
  safeAction: undefined as readonly number[] | undefined,
};
const planning = ['warmStart', 'budget', 'maxAge'];

/**
 * Model predictive control: hands out a plan's actions one after another and plans anew when that is due. Knows which actions are still
 * under way, and plans from where they lead.
 * @example
 * const controller = new Controller(solver, { replanEvery: 2, latency: 1, budget: 20, maxAge: 100 });
 * for await (const { state, observedAt } of observations) robot.send((await controller.act(state, goal, { observedAt })).action);
 */
export class Controller<State extends PlanState = PlanState> {
  readonly #planning: RecedingHorizon<State>;
  readonly #replanEvery: number;
  readonly #latency: number;
  readonly #repeat: number;
  readonly #mean: readonly number[];
  readonly #std: readonly number[];
  /** [actionSize] in the plan's units. */
  readonly #safe: Float32Array;
  /** [B, actionSize] each: actions that have not happened yet when the next observation is made, oldest first. */
  #underWay: Float32Array[] = [];
  /** The present plan; actions and simple actions of it that have been handed out. */
  #plan: ActionRows | undefined;
  #actions = 0;
  #simple = 0;
  #acting = false;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(solver: Solver<State>, options: ControllerOptions = {}) {
    checkOptions(name, options, [...Object.keys(defaults), ...planning]);
    const { replanEvery, latency, repeat, actionMean, actionStd, safeAction, ...rest } = withDefaults(
      defaults,
      options,
    );
    expectWhole(name, { replanEvery, repeat });
    if (latency !== 0) expectWhole(name, { latency });
    if (replanEvery > solver.horizon) refuse(name, `replanEvery at most the horizon ${solver.horizon}`, replanEvery);
    if (solver.actionSize % repeat !== 0) refuse(name, `repeat to divide the action size ${solver.actionSize}`, repeat);
    const size = solver.actionSize / repeat;
    this.#replanEvery = replanEvery;
    this.#latency = latency;
    this.#repeat = repeat;
    this.#mean = numbers('actionMean', actionMean, size, 0);
    this.#std = numbers('actionStd', actionStd, size, 1);
    if (this.#std.includes(0)) refuse(name, 'actionStd other than 0', JSON.stringify(this.#std));
    const safe = numbers('safeAction', safeAction, size, 0);
    this.#safe = Float32Array.from(
      { length: solver.actionSize },
      (_, i) => (safe[i % size] - this.#mean[i % size]) / this.#std[i % size],
    );
    this.#planning = new RecedingHorizon(solver, { ...rest, safeAction: this.#safe });
  }

  /** Forgets its plan and what is under way: a new episode begins. @param calls first call number, which keys the random numbers */
  reset(calls = 0): void {
    this.#planning.reset(calls);
    this.#plan = undefined;
    this.#underWay = [];
    this.#actions = 0;
    this.#simple = 0;
  }

  /** Whether the next `act` plans: it looks at no state at other times. */
  get due(): boolean {
    return this.#simple === 0 && (!this.#plan || this.#actions >= this.#replanEvery);
  }

  /** [B, steps, actionSize] what is left of the plan, in its units: where the next search starts. */
  get rest(): Float32Array {
    return this.#planning.rest(this.#actions)?.values ?? new Float32Array(0);
  }

  /**
   * The next simple action. One at a time: what is handed out next depends on what has been.
   * @param state B rows   @param goal [B, D]
   * @throws JepaError ERR_JEPA_ABORTED by the signal, ERR_JEPA_SHAPE, also for another number of worlds before `reset`, ERR_JEPA_INVALID_ARGUMENT
   *   while another call is under way
   */
  async act(state: State, goal: Tensor, call: Omit<PlanCall, 'pending' | 'executed'> = {}): Promise<Act> {
    if (this.#acting)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[Controller] expected one act at a time, got another while the last one is under way',
        { help: ['await act() before the next, and give every world of its own pace its own Controller'] },
      );
    this.#acting = true;
    try {
      return await this.#act(state, goal, call);
    } finally {
      this.#acting = false;
    }
  }

  async #act(state: State, goal: Tensor, call: Omit<PlanCall, 'pending' | 'executed'>): Promise<Act> {
    const [problems] = goal.shape;
    if (this.#plan) expectSameWorlds(name, this.#plan.problems, problems);
    let plan: Plan | undefined;
    if (this.due) {
      const pending = this.#latency > 0 ? this.#pending(problems) : undefined;
      plan = await this.#planning.plan({ state, goal }, { ...call, pending, executed: this.#actions });
      this.#plan = new ActionRows(plan.actions, problems, this.#safe.length);
      this.#actions = 0;
    }
    const now = (this.#plan as ActionRows).at(this.#actions);
    const size = this.#mean.length;
    const action = Float32Array.from({ length: problems * size }, (_, at) => {
      const [problem, i] = [Math.floor(at / size), at % size];
      return now[problem * this.#safe.length + this.#simple * size + i] * this.#std[i] + this.#mean[i];
    });
    this.#simple = (this.#simple + 1) % this.#repeat;
    if (this.#simple === 0) {
      this.#actions++;
      if (this.#latency > 0) this.#underWay = [...this.#underWay, now].slice(-this.#latency);
    }
    return plan ? { action, plan } : { action };
  }

  /** [B, latency, actionSize] What happens before an action that is decided on now; at first it is the safe one. */
  #pending(problems: number): Float32Array {
    const size = this.#safe.length;
    const all = new ActionRows(new Float32Array(0), problems, size).padded(this.#latency, this.#safe);
    const missing = this.#latency - this.#underWay.length;
    for (const [index, actions] of this.#underWay.entries())
      for (let problem = 0; problem < problems; problem++)
        all.set(
          actions.subarray(problem * size, (problem + 1) * size),
          (problem * this.#latency + missing + index) * size,
        );
    return all;
  }
}

function numbers(
  key: string,
  given: readonly number[] | undefined,
  size: number,
  otherwise: number,
): readonly number[] {
  const values = given ?? new Array<number>(size).fill(otherwise);
  if (values.length !== size || !values.every(Number.isFinite))
    refuse(name, `${key} to be ${size} finite numbers`, JSON.stringify(values));
  return values;
}
