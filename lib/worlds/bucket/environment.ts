import type { Info } from '../environment.js';
import { palette } from '../physics/colours.js';
import { loadEngine } from '../physics/engine.js';
import { imageSize } from '../physics/layout.js';
import { Picture } from '../physics/picture.js';
import { Simulation } from '../physics/simulation.js';
import { PicturedWorld, type View } from '../pictured-world.js';
import { Random } from '../random.js';
import { type BoxSpace, box } from '../space.js';
import { ballRange, bucketRange, bucketScene, inBucket, restingHeight } from './scene.js';

/** Frames of the physics suite in a step: a fifth of a second. */
const framesPerStep = 3;
/** Steps that a ball must have been in the bucket: it does not jump out. */
const stepsToStay = 2;

/** Steps until a throw has come to its end, 2.4 s. */
export const throwSteps = 12;

const actionSpace: BoxSpace = box({
  shape: [2],
  low: [0, 0],
  high: [4, 5],
  names: ['velocity x', 'velocity y'],
  units: ['m/s', 'm/s'],
});

/**
 * Throw a ball into a bucket, once: the first action after `reset` is the ball's velocity, what is done later has no effect. There is nothing
 * to correct, so it shows whether a model ranks throws. The room, its gravity and its pictures (64 × 64 px) are the physics suite's. It
 * ends when the ball has been in the bucket for two steps; the reward is minus the distance of the ball from its place in the bucket, m. `reset` takes
 * `options.ball` and `options.bucket`, where they stand, x in m; drawn from the seed without them.
 * @example
 * const world = await bucket.Bucket.create();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(2, 3.5)); // m/s; further steps watch it fly
 * world.close();
 */
export class Bucket extends PicturedWorld {
  readonly name = 'bucket';
  readonly actionSpace = actionSpace;
  readonly frameRate = 5;
  protected readonly resetOptions = ['ball', 'bucket'];
  #simulation: Simulation | undefined;
  #bucketX = 0;
  #steps = 0;
  #stayed = 0;

  private constructor() {
    super('Bucket', imageSize, [imageSize, imageSize]);
  }

  /** @throws JepaError ERR_JEPA_MISSING_PEER if the physics engine is not installed */
  static async create(): Promise<Bucket> {
    await loadEngine();
    return new Bucket();
  }

  protected begin(seed: number, options: Readonly<Record<string, unknown>>): void {
    const random = new Random(seed, 'bucket episode');
    const place = (name: 'ball' | 'bucket', range: readonly [number, number]): number => {
      const drawn = random.uniform(...range);
      return options[name] === undefined ? drawn : this.numbers(name, [options[name]], ['x'], range)[0];
    };
    const ball = place('ball', ballRange);
    this.#bucketX = place('bucket', bucketRange);
    this.#simulation?.free();
    this.#simulation = new Simulation(bucketScene(ball, this.#bucketX));
    this.#steps = 0;
    this.#stayed = 0;
  }

  protected advance([velocityX, velocityY]: Float32Array) {
    const simulation = this.#running();
    if (this.#steps++ === 0) simulation.launch(velocityX, velocityY);
    for (let frame = 0; frame < framesPerStep; frame++) simulation.step(0, 0);
    this.#stayed = inBucket(simulation.x, simulation.y, this.#bucketX) ? this.#stayed + 1 : 0;
    return { reward: -this.#apart(simulation), terminated: this.#stayed >= stepsToStay };
  }

  /** The measure is metres between the ball and its place in the bucket. A throw can be foreseen until the ball has left. */
  foresee(actions: Float32Array, blockSteps: number): number {
    const simulation = new Simulation(this.#running().scene);
    try {
      simulation.launch(actions[0], actions[1]);
      let cost = 0;
      for (let step = 1; step <= actions.length / 2; step++) {
        for (let frame = 0; frame < framesPerStep; frame++) simulation.step(0, 0);
        if (step % blockSteps === 0) cost += this.#apart(simulation);
      }
      return cost;
    } finally {
      simulation.free();
    }
  }

  protected draw(data: Uint8Array, _: number, view: View): void {
    const { scene, x, y } = this.#running();
    const at = view === 'goal' ? { x: this.#bucketX, y: restingHeight } : { x, y };
    const { radius } = scene.disc;
    new Picture(scene).draw(data, 0, { ...at, otherX: 0, otherY: 0, radius, colour: palette[0], hidden: false });
  }

  protected info(): Info {
    const { x, y } = this.#running();
    return { ball: [x, y], bucket: this.#bucketX };
  }

  override close(): void {
    super.close();
    this.#simulation?.free();
    this.#simulation = undefined;
  }

  #running(): Simulation {
    this.expectStarted();
    return this.#simulation as Simulation;
  }

  #apart({ x, y }: Simulation): number {
    const [dx, dy] = [x - this.#bucketX, y - restingHeight];
    return Math.sqrt(dx * dx + dy * dy);
  }
}
