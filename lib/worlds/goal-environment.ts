import type { Awaitable, Environment, ResetOptions } from './environment.js';
import type { SpaceValue } from './space.js';

/** A world whose episodes have a goal that can be shown. An episode that ends before its time has reached it. */
export interface GoalEnvironment<Observation extends SpaceValue = SpaceValue, Action extends SpaceValue = SpaceValue>
  extends Environment<Observation, Action> {
  /** What is observed when the goal has been reached. */
  goalObservation(): Awaitable<Observation>;
}

/**
 * A world that can be asked what would happen: for the row 'oracle' of an evaluation, what a planner could reach with a perfect model.
 * Planners that have a learned one never ask.
 */
export interface ForeseeableEnvironment<
  Observation extends SpaceValue = SpaceValue,
  Action extends SpaceValue = SpaceValue,
> extends GoalEnvironment<Observation, Action> {
  /**
   * Distance to the goal, in the world's own measure, summed over the ends of blocks of `blockSteps` actions, if these [n, A] were
   * carried out from here. The world stays as it is.
   */
  foresee(actions: Float32Array, blockSteps: number): number;
}

/** One episode of an evaluation: how it begins, and how long it may take. */
export interface GoalEpisode {
  readonly reset: ResetOptions;
  /** Actions [n, A] that are carried out before anybody decides, so that a model with a memory has seen how things move. */
  readonly before: Float32Array;
  /** Steps that are allowed. */
  readonly budget: number;
}

export interface GoalEpisodesOptions {
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: 'validation' | 'test';
  readonly seed: number;
  readonly count: number;
}
