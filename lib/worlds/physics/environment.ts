import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import type { Environment, Frame, Info, ResetOptions, ResetResult, StepResult } from '../environment.js';
import type { Colour } from '../raster.js';
import { valueProblem } from '../space.js';
import { drawColours } from './colours.js';
import { loadEngine } from './engine.js';
import {
  actionSpace,
  frameBytes,
  frameRate,
  imageSize,
  observationSpace,
  type SceneKind,
  sceneKinds,
  stateNames,
  stateSize,
} from './layout.js';
import { Picture } from './picture.js';
import { drawScene } from './scene.js';
import { Simulation } from './simulation.js';

/**
 * One scene of the physics suite to act in, without an end: observations are pictures, actions are forces on disc A.
 * `info.state` holds the true state by name, for evaluation only.
 * @example
 * const world = await physics.PhysicsEnvironment.create();
 * world.reset({ seed: 1, options: { kind: 'push' } });
 * const { observation } = world.step(Float32Array.of(0.8, 0)); // N, for 1/15 s
 */
export class PhysicsEnvironment implements Environment<Uint8Array, Float32Array> {
  readonly name = 'physics';
  readonly observationSpace = observationSpace;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  #running:
    | { readonly simulation: Simulation; readonly picture: Picture; readonly colour: Colour; readonly radius: number }
    | undefined;

  private constructor() {}

  /** @throws JepaError ERR_JEPA_MISSING_PEER if the physics engine is not installed */
  static async create(): Promise<PhysicsEnvironment> {
    await loadEngine();
    return new PhysicsEnvironment();
  }

  /** `options.kind` is one of `sceneKinds`; random without it. @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  reset({ seed = 0, options = {} }: ResetOptions = {}): ResetResult<Uint8Array> {
    checkOptions('PhysicsEnvironment.reset', options, ['kind']);
    const kind = options.kind as SceneKind | undefined;
    if (kind !== undefined && !sceneKinds.includes(kind))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[PhysicsEnvironment.reset] expected kind to be one of ${sceneKinds.join(', ')}, got '${kind}'`,
      );
    this.close();
    const scene = drawScene(seed, kind);
    this.#running = {
      simulation: new Simulation(scene),
      picture: new Picture(scene),
      colour: drawColours(seed, {})[0],
      radius: scene.disc.radius,
    };
    return { observation: this.render().data, info: this.#info() };
  }

  step(action: Float32Array): StepResult<Uint8Array> {
    const problem = valueProblem(actionSpace, action);
    if (problem)
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[PhysicsEnvironment.step] expected action to be ${problem}`);
    this.#started().simulation.step(action[0], action[1]);
    return { observation: this.render().data, terminated: false, info: this.#info() };
  }

  render(): Frame {
    const { simulation, picture, colour, radius } = this.#started();
    const data = new Uint8Array(frameBytes);
    const { x, y, otherX, otherY } = simulation;
    picture.draw(data, 0, { x, y, otherX, otherY, radius, colour, hidden: false });
    return { data, width: imageSize, height: imageSize, channels: 3 };
  }

  close(): void {
    this.#running?.simulation.free();
    this.#running = undefined;
  }

  #info(): Info {
    const state = new Float32Array(stateSize);
    this.#started().simulation.readState(state, 0, -1);
    return { state: Object.fromEntries(stateNames.map((name, i) => [name, state[i]])) };
  }

  #started() {
    if (!this.#running)
      throw new JepaError('ERR_JEPA_DISPOSED', '[PhysicsEnvironment] expected reset() before step() and render()');
    return this.#running;
  }
}
