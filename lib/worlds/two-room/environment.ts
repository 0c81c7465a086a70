import { checkOptions } from '../../io/options.js';
import type { Info } from '../environment.js';
import { PicturedWorld, type PicturedWorldOptions, type View } from '../pictured-world.js';
import { Random } from '../random.js';
import { drawPlace } from './episodes.js';
import { drawRoom, RoomPicture } from './picture.js';
import { actionSpace, defaultRoom, distance, frameRate, move, type Room, successDistance, worldSize } from './room.js';

/** px of an observation: 32 by default. */
export interface TwoRoomOptions extends PicturedWorldOptions {
  readonly room?: Room;
}

/**
 * Two-Room to act in: find the goal, through the door where it is in the other room. Observations show the agent alone, as the data
 * do; `goalObservation()` shows it at the goal, `render()` shows both in full size. An episode ends within 16 px of the goal; the reward is minus
 * the distance in px. `reset` takes `options.start` and `options.goal`, [x, y] in px; drawn from the seed without them.
 * @example
 * const world = new TwoRoom();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(1, 0));
 */
export class TwoRoom extends PicturedWorld {
  readonly name = 'two-room';
  readonly room: Room;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  protected readonly resetOptions = ['start', 'goal'];
  readonly #picture: RoomPicture;
  readonly #position = new Float32Array(2);
  readonly #goal = new Float32Array(2);

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: TwoRoomOptions = {}) {
    checkOptions('TwoRoom', options, ['room', 'imageSize']);
    const { room = defaultRoom, imageSize = 32 } = options;
    super('TwoRoom', imageSize, [8, worldSize]);
    this.room = room;
    this.#picture = new RoomPicture(room, imageSize);
  }

  protected begin(seed: number, { start, goal }: Readonly<Record<string, unknown>>): void {
    const random = new Random(seed, 'two-room episode');
    drawPlace(this.room, random, this.#position);
    drawPlace(this.room, random, this.#goal);
    if (start !== undefined) this.#position.set(this.numbers('start', start, ['x', 'y'], [0, worldSize]));
    if (goal !== undefined) this.#goal.set(this.numbers('goal', goal, ['x', 'y'], [0, worldSize]));
  }

  protected advance(action: Float32Array) {
    move(this.room, this.#position, action);
    const left = distance(this.#position, 0, this.#goal, 0);
    return { reward: -left, terminated: left < successDistance };
  }

  /** The measure is the straight line in px, also through the wall. */
  foresee(actions: Float32Array, blockSteps: number): number {
    const place = this.#position.slice();
    let cost = 0;
    for (let at = 0; at < actions.length; at += 2) {
      move(this.room, place, actions.subarray(at, at + 2));
      if ((at + 2) % (2 * blockSteps) === 0) cost += distance(place, 0, this.#goal, 0);
    }
    return cost;
  }

  protected draw(data: Uint8Array, _: number, view: View): void {
    const pair = (p: Float32Array): [number, number] => [p[0], p[1]];
    if (view === 'both') data.set(drawRoom(this.room, pair(this.#position), pair(this.#goal)));
    else {
      const [x, y] = view === 'goal' ? this.#goal : this.#position;
      this.#picture.draw(data, 0, x, y);
    }
  }

  protected info(): Info {
    return { position: this.#position.slice(), goal: this.#goal.slice() };
  }
}
