import type { Tensor } from '../tensor/index.js';
import type { InferenceOptions } from '../world-model/config.js';

/** A state of N imagined worlds: named tensors with N leading rows. */
export type PlanState = Readonly<Record<string, Tensor>>;

/** How a world goes on: a learned model, or a simulator written as tensors. Everything here becomes part of one program. */
export interface Dynamics<State extends PlanState = PlanState> {
  /** Width of one action of the plan. */
  readonly actionSize: number;
  /** @param state N rows   @param action [N, actionSize] in the world's units */
  step(state: State, action: Tensor): State;
  /** Where a state is, as the objective compares it with a goal: [N, D]. */
  position(state: State): Tensor;
  /**
   * How programs that imagine are compiled, as `precision` and `quantize` of `compile` (default float32). Searches that descend a gradient
   * are not quantised: rounding has none.
   */
  readonly inference?: InferenceOptions;
}

/** What a plan should achieve. */
export interface Objective {
  /**
   * @param trajectory position [N, D] after each action   @param goal [N, D], or [1, D] where all rows share it
   * @param actions [N, horizon, actionSize]   @returns cost [N], lower is better
   */
  cost(trajectory: readonly Tensor[], goal: Tensor, actions: Tensor): Tensor;
}

/** What a plan must not do. */
export interface Constraints {
  /** How many there are: C. */
  readonly count: number;
  /** @returns [N, C], above 0 where a constraint is violated; arguments as those of {@link Objective.cost} */
  excess(trajectory: readonly Tensor[], goal: Tensor, actions: Tensor): Tensor;
}

/** How many steps lie between places, as {@link Dynamics.position} gives them; the way back may be longer. */
export interface StepDistance {
  /** @param from [N, D]   @param to [M, D]   @returns [N, M] */
  steps(from: Tensor, to: Tensor, options?: { readonly signal?: AbortSignal }): Promise<Float32Array>;
}

/** Where to go first on a way that is longer than a plan. */
export interface Waypoints {
  /** @param position [1, D]   @param goal [1, D]   @returns [1, D] what to plan to from here: a place on the way, or the goal */
  next(position: Tensor, goal: Tensor, options?: { readonly signal?: AbortSignal }): Promise<Tensor>;
}

/** What a solver is asked: where B worlds start, what is wanted of each, and what it thought of last time. Mostly B is 1. */
export interface Problem<State extends PlanState = PlanState> {
  /** B rows. */
  readonly state: State;
  /** [B, D] */
  readonly goal: Tensor;
  /** [B, up to horizon, actionSize] plans to start from, brought within the bounds; what is missing is zeros. */
  readonly warmStart?: Float32Array;
  /** [B, any number, actionSize] actions under way, which happen before the first of the plan. */
  readonly pending?: Float32Array;
  /** Number of this call: keys the random numbers together with the solver's seed. */
  readonly call: number;
  /** Gives the search up: it throws ERR_JEPA_ABORTED. */
  readonly signal?: AbortSignal;
  /**
   * Ends the search, in mid-round too: the cheapest plan of the rounds that are over is returned; where there are
   * constraints, the one that violates its worst constraint least, and the cheapest of those that violate none.
   */
  readonly until?: AbortSignal;
  /** Told of every round, which is a native call of its own then. */
  readonly onRound?: (round: Round) => void;
  /** Random numbers to take instead of drawing them, by the names that the solver's documentation gives: to compare solvers, and to repeat a search elsewhere. */
  readonly noise?: Readonly<Record<string, Tensor>>;
}

/** What a round of a search has seen, for watching and comparing. */
export interface Round {
  /** From 0. */
  readonly index: number;
  /** [B, S, horizon, actionSize] plans tried. */
  readonly plans: Tensor;
  /** [B, S] */
  readonly costs: Tensor;
  /** What the solver takes to its next round: names and shapes are its own. */
  readonly memory: Readonly<Record<string, Tensor>>;
}

export interface Solution {
  /** [B, horizon, actionSize] */
  readonly actions: Float32Array;
  /** Cost of these actions as the dynamics imagines them, mean over the problems; not finite if the dynamics went astray, NaN if there was no time for it. */
  readonly cost: number;
  /** [B] the same of each problem. */
  readonly costs: Float32Array;
  /** [rounds, B] cheapest plan of each round. */
  readonly history: Float32Array;
  /** Rounds that are over: fewer than the solver's iterations if `until` ended it. */
  readonly rounds: number;
  /** Whether all of them are. */
  readonly complete: boolean;
  /** [B, C] by how much these actions violate each constraint, where there are any. */
  readonly excess?: Float32Array;
}

/** Searches a sequence of actions. */
export interface Solver<State extends PlanState = PlanState> {
  readonly horizon: number;
  readonly actionSize: number;
  solve(problem: Problem<State>): Promise<Solution>;
  dispose(): void;
}
