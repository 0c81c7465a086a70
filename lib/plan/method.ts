import type { Shape, Tensor } from '../tensor/index.js';
import type { Evaluate } from './imagination.js';

/** What a search takes from one round to the next. */
export type Memory = Readonly<Record<string, Tensor>>;

/** Random numbers of a round, or of the start. The name belongs to the use: the same name gives the same numbers. */
export type Draw = (name: string, shape: Shape) => Tensor;

/** A search as tensors: B problems, S plans of W = horizon × actionSize numbers each. Compiled as a whole, or round by round. */
export interface Method {
  /** Of the solver, for errors. */
  readonly name: string;
  readonly horizon: number;
  readonly rounds: number;
  readonly seed: number;
  /** Whether a round takes gradients through the evaluation: such programs are not quantised. */
  readonly descends?: true;
  /** What `draw` gives. */
  readonly distribution: 'normal' | 'uniform';
  /** @param first [B, W] plans to start from */
  start(first: Tensor, draw: Draw): Memory;
  /** @param phase of {@link Method.phaseOf} */
  round(
    memory: Memory,
    tools: { readonly evaluate: Evaluate; readonly draw: Draw },
    phase: number,
  ): {
    readonly memory: Memory;
    /** [B, S, W] */
    readonly plans: Tensor;
    /** [B, S] */
    readonly costs: Tensor;
  };
  /** What is static in a round: rounds of one phase share a program (default 0 for all). */
  phaseOf?(round: number): number;
  /** [B, W] the answer after a round, within the bounds. */
  plan(memory: Memory): Tensor;
  /** Plans [..., W] brought within the bounds. */
  within(plans: Tensor): Tensor;
}
