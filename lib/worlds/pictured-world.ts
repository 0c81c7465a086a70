import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { Frame, Info, ResetOptions, ResetResult, StepResult } from './environment.js';
import type { ForeseeableEnvironment } from './goal-environment.js';
import { type BoxSpace, box, valueProblem } from './space.js';

/** What a picture shows: how things are, how they should be, or both. */
export type View = 'present' | 'goal' | 'both';

export interface PicturedWorldOptions {
  /** px of an observation */
  readonly imageSize?: number;
}

/**
 * What worlds have in common that are seen in square pictures and have a goal: checks of options and actions, observations that belong to
 * the caller, errors before the first `reset`. A world says how episodes begin, how they go on, and what they look like.
 */
export abstract class PicturedWorld implements ForeseeableEnvironment<Uint8Array, Float32Array> {
  abstract readonly name: string;
  abstract readonly actionSpace: BoxSpace;
  abstract readonly frameRate: number;
  readonly observationSpace: BoxSpace;
  /** The class's name, for errors. */
  readonly #title: string;
  readonly #size: number;
  readonly #renderSize: number;
  #started = false;

  /** @param sizes smallest and largest picture, px; `render()` gives the largest */
  protected constructor(title: string, imageSize: number, sizes: readonly [least: number, most: number]) {
    const [least, most] = sizes;
    if (!Number.isInteger(imageSize) || imageSize < least || imageSize > most)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[${title}] expected imageSize to be from ${least} to ${most}, got ${imageSize}`,
      );
    this.#title = title;
    this.#size = imageSize;
    this.#renderSize = most;
    this.observationSpace = box({ shape: [imageSize, imageSize, 3], dtype: 'uint8', low: 0, high: 255 });
  }

  /** A new episode; `options` are checked already. */
  protected abstract begin(seed: number, options: Readonly<Record<string, unknown>>): void;
  /** One step of the world. */
  protected abstract advance(action: Float32Array): { readonly reward: number; readonly terminated: boolean };
  /** Writes [size, size, 3] bytes. */
  protected abstract draw(data: Uint8Array, size: number, view: View): void;
  /** True states, for evaluation only. */
  protected abstract info(): Info;
  /** Names of the options of `reset`. */
  protected abstract readonly resetOptions: readonly string[];
  abstract foresee(actions: Float32Array, blockSteps: number): number;

  reset({ seed = 0, options = {} }: ResetOptions = {}): ResetResult<Uint8Array> {
    checkOptions(`${this.#title}.reset`, options, this.resetOptions);
    this.#started = false; // a reset that is refused half-way leaves no episode
    this.begin(seed, options);
    this.#started = true;
    return { observation: this.#observe('present'), info: this.info() };
  }

  step(action: Float32Array): StepResult<Uint8Array> {
    const problem = valueProblem(this.actionSpace, action);
    if (problem)
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${this.#title}.step] expected action to be ${problem}`);
    this.expectStarted();
    const outcome = this.advance(action);
    return { observation: this.#observe('present'), ...outcome, info: this.info() };
  }

  /** What the world looks like when the goal has been reached. */
  goalObservation(): Uint8Array {
    return this.#observe('goal');
  }

  render(): Frame {
    const size = this.#renderSize;
    return { data: this.#observe('both', size), width: size, height: size, channels: 3 };
  }

  close(): void {
    this.#started = false;
  }

  protected expectStarted(): void {
    if (!this.#started)
      throw new JepaError(
        'ERR_JEPA_DISPOSED',
        `[${this.#title}] expected reset() before step(), render(), foresee() and goalObservation()`,
      );
  }

  /** A list of finite numbers that `reset` was given. */
  protected numbers(
    option: string,
    value: unknown,
    names: readonly string[],
    [low, high]: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  ): number[] {
    const list = Array.isArray(value) || value instanceof Float32Array ? Array.from(value as ArrayLike<unknown>) : [];
    const right = (n: unknown): boolean => typeof n === 'number' && Number.isFinite(n) && n >= low && n <= high;
    if (list.length !== names.length || !list.every(right))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[${this.#title}.reset] expected ${option} to be [${names.join(', ')}]${Number.isFinite(low) ? ` from ${low} to ${high}` : ''}, got ${JSON.stringify(value)}`,
      );
    return list as number[];
  }

  #observe(view: View, size = this.#size): Uint8Array {
    this.expectStarted();
    const data = new Uint8Array(size * size * 3);
    this.draw(data, size, view);
    return data;
  }
}
