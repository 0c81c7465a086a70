import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import type { Environment, Frame, ResetOptions, ResetResult, StepResult } from '../environment.js';
import { Random } from '../random.js';
import { type BoxSpace, box, valueProblem } from '../space.js';
import { drawPlace } from './episodes.js';
import { drawRoom, RoomPicture } from './picture.js';
import { actionSpace, defaultRoom, distance, frameRate, move, type Room, successDistance, worldSize } from './room.js';

export interface TwoRoomOptions {
  readonly room?: Room;
  /** px of an observation (default 32) */
  readonly imageSize?: number;
}

/**
 * Two-Room to act in: find the goal, through the door where it is in the other room. Observations show the agent alone, as the data
 * do; `goalObservation()` shows it at the goal, `render()` shows both in full size.
 * @example
 * const world = new TwoRoom();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(1, 0));
 */
export class TwoRoom implements Environment<Uint8Array, Float32Array> {
  readonly name = 'two-room';
  readonly room: Room;
  readonly observationSpace: BoxSpace;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  readonly #picture: RoomPicture;
  readonly #position = new Float32Array(2);
  readonly #goal = new Float32Array(2);
  #started = false;

  constructor(options: TwoRoomOptions = {}) {
    checkOptions('TwoRoom', options, ['room', 'imageSize']);
    const { room = defaultRoom, imageSize = 32 } = options;
    if (!Number.isInteger(imageSize) || imageSize < 8 || imageSize > worldSize)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[TwoRoom] expected imageSize to be from 8 to ${worldSize}, got ${imageSize}`,
      );
    this.room = room;
    this.observationSpace = box({ shape: [imageSize, imageSize, 3], dtype: 'uint8', low: 0, high: 255 });
    this.#picture = new RoomPicture(room, imageSize);
  }

  /** `options.start` and `options.goal` are [x, y] in px; drawn from the seed without them. */
  reset({ seed = 0, options = {} }: ResetOptions = {}): ResetResult<Uint8Array> {
    checkOptions('TwoRoom.reset', options, ['start', 'goal']);
    const random = new Random(seed, 'two-room episode');
    drawPlace(this.room, random, this.#position);
    drawPlace(this.room, random, this.#goal);
    if (options.start !== undefined) this.#position.set(place('start', options.start));
    if (options.goal !== undefined) this.#goal.set(place('goal', options.goal));
    this.#started = true;
    return { observation: this.#observe(this.#position), info: this.#info() };
  }

  /** Ends within 16 px of the goal; the reward is minus the distance in px. */
  step(action: Float32Array): StepResult<Uint8Array> {
    const problem = valueProblem(actionSpace, action);
    if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[TwoRoom.step] expected action to be ${problem}`);
    this.#check();
    move(this.room, this.#position, action);
    const left = distance(this.#position, 0, this.#goal, 0);
    return {
      observation: this.#observe(this.#position),
      reward: -left,
      terminated: left < successDistance,
      info: this.#info(),
    };
  }

  /** What the world looks like when the goal has been reached. */
  goalObservation(): Uint8Array {
    this.#check();
    return this.#observe(this.#goal);
  }

  render(): Frame {
    this.#check();
    const pair = (p: Float32Array): [number, number] => [p[0], p[1]];
    return {
      data: drawRoom(this.room, pair(this.#position), pair(this.#goal)),
      width: worldSize,
      height: worldSize,
      channels: 3,
    };
  }

  close(): void {
    this.#started = false;
  }

  #observe(position: Float32Array): Uint8Array {
    const { size } = this.#picture;
    const data = new Uint8Array(size * size * 3);
    this.#picture.draw(data, 0, position[0], position[1]);
    return data;
  }

  #info() {
    return { position: this.#position.slice(), goal: this.#goal.slice() };
  }

  #check(): void {
    if (!this.#started)
      throw new JepaError(
        'ERR_JEPA_DISPOSED',
        '[TwoRoom] expected reset() before step(), render() and goalObservation()',
      );
  }
}

function place(name: string, value: unknown): readonly [number, number] {
  const list = Array.isArray(value) || value instanceof Float32Array ? Array.from(value as ArrayLike<unknown>) : [];
  if (list.length !== 2 || !list.every((n) => typeof n === 'number' && n >= 0 && n <= worldSize))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[TwoRoom.reset] expected ${name} to be [x, y] in px, got ${JSON.stringify(value)}`,
    );
  return list as [number, number];
}
