import type { Info } from '../environment.js';
import { PicturedWorld } from '../pictured-world.js';
import { Random } from '../random.js';
import { distance } from './room.js';

/** A dot to walk to a goal in the plane: what one Two-Room has in common with another. */
export abstract class DotEnvironment extends PicturedWorld {
  protected readonly resetOptions = ['start', 'goal'];
  protected readonly position: Float32Array = new Float32Array(2);
  protected readonly goal: Float32Array = new Float32Array(2);
  /** px of the square's side, and from the goal within which an episode ends */
  protected abstract readonly side: number;
  protected abstract readonly successDistance: number;
  #chance = new Random(0);

  /** Where an episode begins and where it should lead, both in place. */
  protected abstract drawPlaces(random: Random): void;
  /** One step from a place, in place. @param random of what is chance; without it what is likeliest happens */
  protected abstract move(place: Float32Array, action: Float32Array, random?: Random): void;

  protected begin(seed: number, { start, goal }: Readonly<Record<string, unknown>>): void {
    this.drawPlaces(new Random(seed, `${this.name} episode`));
    if (start !== undefined) this.position.set(this.numbers('start', start, ['x', 'y'], [0, this.side]));
    if (goal !== undefined) this.goal.set(this.numbers('goal', goal, ['x', 'y'], [0, this.side]));
    this.#chance = new Random(seed, `${this.name} chance`);
  }

  protected advance(action: Float32Array) {
    this.move(this.position, action, this.#chance);
    const left = distance(this.position, 0, this.goal, 0);
    return { reward: -left, terminated: left < this.successDistance };
  }

  /** The measure is the straight line in px, also through the wall. */
  foresee(actions: Float32Array, blockSteps: number): number {
    this.expectStarted();
    const place = this.position.slice();
    let cost = 0;
    for (let at = 0; at < actions.length; at += 2) {
      this.move(place, actions.subarray(at, at + 2));
      if ((at + 2) % (2 * blockSteps) === 0) cost += distance(place, 0, this.goal, 0);
    }
    return cost;
  }

  protected info(): Info {
    return { position: this.position.slice(), goal: this.goal.slice() };
  }
}
