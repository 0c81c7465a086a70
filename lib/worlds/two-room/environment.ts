import { checkOptions } from '../../io/options.js';
import type { PicturedWorldOptions, View } from '../pictured-world.js';
import type { Random } from '../random.js';
import { DotEnvironment } from './dot-environment.js';
import { drawPlace } from './episodes.js';
import { drawRoom, RoomPicture } from './picture.js';
import { actionSpace, defaultRoom, frameRate, move, type Room, successDistance, worldSize } from './room.js';

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
export class TwoRoom extends DotEnvironment {
  readonly name = 'two-room';
  readonly room: Room;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  protected readonly side = worldSize;
  protected readonly successDistance = successDistance;
  readonly #picture: RoomPicture;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: TwoRoomOptions = {}) {
    checkOptions('TwoRoom', options, ['room', 'imageSize']);
    const { room = defaultRoom, imageSize = 32 } = options;
    super('TwoRoom', imageSize, [8, worldSize]);
    this.room = room;
    this.#picture = new RoomPicture(room, imageSize);
  }

  protected drawPlaces(random: Random): void {
    drawPlace(this.room, random, this.position);
    drawPlace(this.room, random, this.goal);
  }

  protected move(place: Float32Array, action: Float32Array): void {
    move(this.room, place, action);
  }

  protected draw(data: Uint8Array, _: number, view: View): void {
    const pair = (p: Float32Array): [number, number] => [p[0], p[1]];
    if (view === 'both') data.set(drawRoom(this.room, pair(this.position), pair(this.goal)));
    else {
      const [x, y] = view === 'goal' ? this.goal : this.position;
      this.#picture.draw(data, 0, x, y);
    }
  }
}
