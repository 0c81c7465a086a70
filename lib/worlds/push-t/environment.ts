import { checkOptions } from '../../io/options.js';
import type { Info } from '../environment.js';
import { PicturedWorld, type PicturedWorldOptions, type View } from '../pictured-world.js';
import { Random } from '../random.js';
import { drawState } from './episodes.js';
import { placeDistance, reached, stateDistance } from './goal.js';
import { drawTable } from './picture.js';
import { PushTSimulation } from './simulation.js';
import { actionSpace, frameRate, stateNames, stateSize, tableSize } from './table.js';

/** px of an observation: 48 by default. */
export type PushTOptions = PicturedWorldOptions;

/**
 * Push-T to act in: push the T to where it should lie, and be where the agent should be. Observations show agent and block;
 * `goalObservation()` shows them at the goal, `render()` the present with the goal below it, in full size. The reward is minus the distance
 * of the whole state, `info.state` holds the state for evaluation only. `reset` takes `options.state` and `options.goal`, the seven
 * numbers of `stateNames`; they are drawn from the seed without them.
 * @example
 * const world = new pushT.PushT();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(0.5, 0)); // makes for 50 px to the right, for a tenth of a second
 */
export class PushT extends PicturedWorld {
  readonly name = 'push-t';
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  protected readonly resetOptions = ['state', 'goal'];
  readonly #state = new Float32Array(stateSize);
  readonly #goal = new Float32Array(stateSize);
  #simulation = new PushTSimulation();

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: PushTOptions = {}) {
    checkOptions('PushT', options, ['imageSize']);
    super('PushT', options.imageSize ?? 48, [16, tableSize]);
  }

  protected begin(seed: number, { state, goal }: Readonly<Record<string, unknown>>): void {
    const random = new Random(seed, 'push-t episode');
    const start = new Float32Array(stateSize);
    drawState(random, start);
    drawState(random, this.#goal);
    if (state !== undefined) start.set(this.numbers('state', state, stateNames));
    if (goal !== undefined) this.#goal.set(this.numbers('goal', goal, stateNames));
    this.#simulation = new PushTSimulation();
    this.#simulation.place(start);
    this.#simulation.read(this.#state);
  }

  protected advance([x, y]: Float32Array) {
    this.#simulation.step(x, y);
    this.#simulation.read(this.#state);
    return { reward: -stateDistance(this.#state, this.#goal), terminated: reached(this.#state, this.#goal) };
  }

  /** The measure is that of success: px of agent and block as one vector, plus the angle, of which 20° count as 20 px. */
  foresee(actions: Float32Array, blockSteps: number): number {
    this.expectStarted();
    const simulation = this.#simulation.copy();
    const state = new Float32Array(stateSize);
    let cost = 0;
    for (let step = 0; step < actions.length / 2; step++) {
      simulation.step(actions[2 * step], actions[2 * step + 1]);
      if ((step + 1) % blockSteps > 0) continue;
      simulation.read(state);
      cost += placeDistance(state, this.#goal);
    }
    return cost;
  }

  protected draw(data: Uint8Array, size: number, view: View): void {
    drawTable(data, 0, size, view === 'goal' ? this.#goal : this.#state, 0, view === 'both' ? this.#goal : undefined);
  }

  protected info(): Info {
    return { state: this.#state.slice(), goal: this.#goal.slice() };
  }
}
