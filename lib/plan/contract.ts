import type { Tensor } from '../tensor/index.js';

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
}

/** What a plan should achieve. */
export interface Objective {
  /** @param trajectory position [N, D] after each action   @param goal [1, D]   @returns cost [N], lower is better */
  cost(trajectory: readonly Tensor[], goal: Tensor): Tensor;
}

/** What a solver is asked: where it starts, what is wanted, and what it thought of last time. */
export interface Problem<State extends PlanState = PlanState> {
  /** One row. */
  readonly state: State;
  /** [1, D] */
  readonly goal: Tensor;
  /** [horizon, actionSize] plan to start from, brought within the bounds; zeros without one. */
  readonly warmStart?: Float32Array;
  /** Number of this call: keys the random numbers together with the solver's seed. */
  readonly call: number;
  readonly signal?: AbortSignal;
}

export interface Solution {
  /** [horizon, actionSize] */
  readonly actions: Float32Array;
  /** Cost of these actions as the dynamics imagines them. */
  readonly cost: number;
  /** Best cost after each iteration. */
  readonly history: Float32Array;
}

/** Searches a sequence of actions. */
export interface Solver<State extends PlanState = PlanState> {
  readonly horizon: number;
  readonly actionSize: number;
  solve(problem: Problem<State>): Promise<Solution>;
}
