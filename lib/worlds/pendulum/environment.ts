import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { pi, sinCos } from '../arithmetic.js';
import type { Info } from '../environment.js';
import { PicturedWorld, type PicturedWorldOptions, type View } from '../pictured-world.js';
import { Random } from '../random.js';
import { type Colour, drawBox, drawDisc } from '../raster.js';
import { type BoxSpace, box } from '../space.js';
import { frameRate, stateNames, swing, wrapped } from './motion.js';

/** Within 15° of the goal for half a second: it is held there, not passing by. */
const within = pi / 12;
const stepsToHold = 10;

const background: Colour = [245, 245, 245];
const rod: Colour = [205, 80, 75];
const wantedRod: Colour = [185, 220, 185];
const axle: Colour = [50, 50, 50];

export interface PendulumOptions extends PicturedWorldOptions {
  /**
   * The motor's largest torque, N·m (default 2). Gravity's is 5 N·m with the rod level, so a motor of 2 must swing to get up, and one of 6
   * holds the rod at any angle.
   */
  readonly torque?: number;
}

/**
 * A pendulum to swing up, or to hold at an angle: pictures of 32 × 32 px by default, one action, the motor's torque. It ends when the rod has
 * been within 15° of the goal for half a second; the reward is minus the squared angle from the goal, with small parts for velocity
 * and torque. `reset` takes `options.state` [angle, velocity] and `options.goal`, an angle; without them the state is drawn, and upright
 * wanted. `info` holds the state for evaluation only.
 * @example
 * const world = new pendulum.Pendulum();
 * world.reset({ options: { state: [Math.PI, 0] } });
 * const { observation } = world.step(Float32Array.of(2)); // N·m, for a twentieth of a second
 */
export class Pendulum extends PicturedWorld {
  readonly name = 'pendulum';
  readonly actionSpace: BoxSpace;
  readonly frameRate = frameRate;
  protected readonly resetOptions = ['state', 'goal'];
  readonly #state = new Float64Array(2);
  #goal = 0;
  #held = 0;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: PendulumOptions = {}) {
    checkOptions('Pendulum', options, ['imageSize', 'torque']);
    const { imageSize = 32, torque = 2 } = options;
    super('Pendulum', imageSize, [16, 256]);
    if (!(torque > 0 && Number.isFinite(torque)))
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[Pendulum] expected torque to be above 0 N·m, got ${torque}`);
    this.actionSpace = box({ shape: [1], low: -torque, high: torque, names: ['torque'], units: ['N·m'] });
  }

  protected begin(seed: number, { state, goal }: Readonly<Record<string, unknown>>): void {
    const random = new Random(seed, 'pendulum episode');
    this.#state.set([random.uniform(-pi, pi), random.uniform(-1, 1)]);
    if (state !== undefined) this.#state.set(this.numbers('state', state, stateNames));
    this.#state[0] = wrapped(this.#state[0]);
    this.#goal = goal === undefined ? 0 : wrapped(this.numbers('goal', [goal], ['angle'])[0]);
    this.#held = 0;
  }

  protected advance([torque]: Float32Array) {
    swing(this.#state, torque);
    const apart = this.#apart(this.#state);
    this.#held = apart < within ? this.#held + 1 : 0;
    return {
      reward: -(apart * apart + 0.1 * this.#state[1] * this.#state[1] + 0.001 * torque * torque),
      terminated: this.#held >= stepsToHold,
    };
  }

  /** The measure is the angle in radians: velocity does not count, as in pictures. */
  foresee(actions: Float32Array, blockSteps: number): number {
    this.expectStarted();
    const state = this.#state.slice();
    let cost = 0;
    for (const [step, torque] of actions.entries()) {
      swing(state, torque);
      if ((step + 1) % blockSteps === 0) cost += this.#apart(state);
    }
    return cost;
  }

  protected draw(data: Uint8Array, size: number, view: View): void {
    data.set(background);
    for (let filled = 3; filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled);
    if (view === 'both') drawRod(data, size, this.#goal, wantedRod);
    drawRod(data, size, view === 'goal' ? this.#goal : this.#state[0], rod);
    drawDisc({ data, offset: 0, size }, size / 2, size / 2, size / 24, axle);
  }

  protected info(): Info {
    return { state: Float32Array.from(this.#state), goal: this.#goal };
  }

  /** Radians from the goal, the shorter way round. */
  #apart([angle]: Float64Array): number {
    return Math.abs(wrapped(angle - this.#goal));
  }
}

/** From the picture's middle, over two fifths of its side. */
function drawRod(data: Uint8Array, size: number, angle: number, colour: Colour): void {
  const { sin, cos } = sinCos(angle);
  const half = size / 5;
  const [axisX, axisY] = [-sin, -cos]; // upright is up, y is down
  drawBox(
    { data, offset: 0, size },
    {
      x: size / 2 + axisX * half,
      y: size / 2 + axisY * half,
      halfWidth: half,
      halfHeight: size / 24,
      axisX,
      axisY,
    },
    colour,
  );
}
