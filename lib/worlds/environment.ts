import type { DictSpace, ObservationValue, Space, SpaceValue } from './space.js';

export type Awaitable<T> = T | Promise<T>;

/** A picture: rows from the top, channels innermost. */
export interface Frame {
  /** [height, width, channels] */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** What an agent is never shown: true states, reasons, diagnostics. */
export type Info = Readonly<Record<string, unknown>>;

export interface ResetOptions {
  /** The same seed and options give the same episode, always. */
  readonly seed?: number;
  /** What kind of episode: the environment's own words. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface ResetResult<Observation> {
  readonly observation: Observation;
  readonly info?: Info;
}

export interface StepResult<Observation> extends ResetResult<Observation> {
  readonly reward?: number;
  /** The episode has come to its end: success, failure, or nothing more to see. */
  readonly terminated: boolean;
}

/**
 * A world to act in: the suite's own, or yours. Everything may be asynchronous (a robot, another process);
 * `checkEnvironment` says whether an implementation keeps the contract.
 * @example
 * const { observation } = await world.reset({ seed: 1 });
 * for (;;) { const { observation, terminated } = await world.step(policy(observation)); if (terminated) break; }
 */
export interface Environment<
  Observation extends ObservationValue = SpaceValue,
  Action extends SpaceValue = SpaceValue,
> {
  readonly name: string;
  /** What `reset` and `step` return as observation: a value of a box or a choice, or a record of these where the space is a `dict`. */
  readonly observationSpace: Observation extends SpaceValue ? Space : DictSpace;
  /** What `step` takes. */
  readonly actionSpace: Space;
  /** Steps per second of the world's time. */
  readonly frameRate: number;
  reset(options?: ResetOptions): Awaitable<ResetResult<Observation>>;
  /** A returned observation belongs to the caller: later steps do not write into it. */
  step(action: Action): Awaitable<StepResult<Observation>>;
  /** The present state as a picture. */
  render(): Awaitable<Frame>;
  /** Releases what it holds; more than once is harmless. */
  close(): Awaitable<void>;
}
