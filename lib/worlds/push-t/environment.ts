import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import type { Environment, Frame, ResetOptions, ResetResult, StepResult } from '../environment.js';
import { Random } from '../random.js';
import { type BoxSpace, box, valueProblem } from '../space.js';
import { drawState } from './episodes.js';
import { reached, stateDistance } from './goal.js';
import { drawTable } from './picture.js';
import { PushTSimulation } from './simulation.js';
import { actionSpace, frameRate, stateNames, stateSize, tableSize } from './table.js';

export interface PushTOptions {
  /** px of an observation (default 48) */
  readonly imageSize?: number;
}

/**
 * Push-T to act in: push the T to where it should lie, and be where the agent should be. Observations show agent and block;
 * `goalObservation()` shows them at the goal, `render()` the present with the goal below it, in full size. The reward is minus the distance
 * of the whole state, `info.state` holds the state for evaluation only.
 * @example
 * const world = new pushT.PushT();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(0.5, 0)); // makes for 50 px to the right, for a tenth of a second
 */
export class PushT implements Environment<Uint8Array, Float32Array> {
  readonly name = 'push-t';
  readonly observationSpace: BoxSpace;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  readonly #size: number;
  readonly #state = new Float32Array(stateSize);
  readonly #goal = new Float32Array(stateSize);
  #simulation: PushTSimulation | undefined;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: PushTOptions = {}) {
    checkOptions('PushT', options, ['imageSize']);
    const { imageSize = 48 } = options;
    if (!Number.isInteger(imageSize) || imageSize < 16 || imageSize > tableSize)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[PushT] expected imageSize to be from 16 to ${tableSize}, got ${imageSize}`,
      );
    this.#size = imageSize;
    this.observationSpace = box({ shape: [imageSize, imageSize, 3], dtype: 'uint8', low: 0, high: 255 });
  }

  /** `options.state` and `options.goal` are the seven numbers of `stateNames`; drawn from the seed without them. */
  reset({ seed = 0, options = {} }: ResetOptions = {}): ResetResult<Uint8Array> {
    checkOptions('PushT.reset', options, ['state', 'goal']);
    const random = new Random(seed, 'push-t episode');
    const start = new Float32Array(stateSize);
    drawState(random, start);
    drawState(random, this.#goal);
    if (options.state !== undefined) start.set(stateOf('state', options.state));
    if (options.goal !== undefined) this.#goal.set(stateOf('goal', options.goal));
    this.#simulation = new PushTSimulation();
    this.#simulation.place(start);
    this.#simulation.read(this.#state);
    return { observation: this.#observe(this.#state), info: this.#info() };
  }

  step(action: Float32Array): StepResult<Uint8Array> {
    const problem = valueProblem(actionSpace, action);
    if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[PushT.step] expected action to be ${problem}`);
    const simulation = this.#started();
    simulation.step(action[0], action[1]);
    simulation.read(this.#state);
    return {
      observation: this.#observe(this.#state),
      reward: -stateDistance(this.#state, this.#goal),
      terminated: reached(this.#state, this.#goal),
      info: this.#info(),
    };
  }

  /** What the world looks like when the goal has been reached. */
  goalObservation(): Uint8Array {
    this.#started();
    return this.#observe(this.#goal);
  }

  render(): Frame {
    this.#started();
    const data = new Uint8Array(tableSize * tableSize * 3);
    drawTable(data, 0, tableSize, this.#state, 0, this.#goal);
    return { data, width: tableSize, height: tableSize, channels: 3 };
  }

  close(): void {
    this.#simulation = undefined;
  }

  #observe(state: Float32Array): Uint8Array {
    const data = new Uint8Array(this.#size * this.#size * 3);
    drawTable(data, 0, this.#size, state);
    return data;
  }

  #info() {
    return { state: this.#state.slice(), goal: this.#goal.slice() };
  }

  #started(): PushTSimulation {
    if (!this.#simulation)
      throw new JepaError(
        'ERR_JEPA_DISPOSED',
        '[PushT] expected reset() before step(), render() and goalObservation()',
      );
    return this.#simulation;
  }
}

function stateOf(name: string, value: unknown): ArrayLike<number> {
  const list = Array.isArray(value) || value instanceof Float32Array ? Array.from(value as ArrayLike<unknown>) : [];
  if (list.length !== stateSize || !list.every((n) => typeof n === 'number' && Number.isFinite(n)))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[PushT.reset] expected ${name} to be [${stateNames.join(', ')}], got ${JSON.stringify(value)}`,
    );
  return list as number[];
}
