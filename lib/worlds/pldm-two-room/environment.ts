import { checkOptions } from '../../io/options.js';
import type { View } from '../pictured-world.js';
import type { Random } from '../random.js';
import { DotEnvironment } from '../two-room/dot-environment.js';
import { drawPlaces } from './episodes.js';
import { move } from './move.js';
import { drawDot, PldmRoomPicture } from './picture.js';
import { actionSpace, expectRoom, frameRate, type PldmRoom, pldmRoom, successDistance, worldSize } from './room.js';

export interface PldmTwoRoomOptions {
  /** Where wall and door are (default: as in PLDM's experiments). */
  readonly room?: PldmRoom;
}

/**
 * PLDM's Two-Room to act in: from one room to a goal in the other. Observations of 65 × 65 px show the dot in red and the walls in green;
 * `goalObservation()` shows the dot at the goal, `render()` the goal in blue beside it. An action moves the dot by so many px, walls throw it
 * back by chance. An episode ends within √2 px of the goal; the reward is minus the distance in px. `reset` takes `options.start` and
 * `options.goal`, [x, y] in px; they are drawn from the seed without them.
 * @example
 * const world = new pldmTwoRoom.PldmTwoRoom();
 * world.reset({ seed: 1 });
 * const { terminated } = world.step(Float32Array.of(1.2, 0)); // 1.2 px to the right
 */
export class PldmTwoRoom extends DotEnvironment {
  readonly name = 'pldm-two-room';
  readonly room: PldmRoom;
  readonly actionSpace = actionSpace;
  readonly frameRate = frameRate;
  protected readonly side = worldSize;
  protected readonly successDistance = successDistance;
  readonly #picture: PldmRoomPicture;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(options: PldmTwoRoomOptions = {}) {
    checkOptions('PldmTwoRoom', options, ['room']);
    const { room = pldmRoom } = options;
    expectRoom('PldmTwoRoom', room);
    super('PldmTwoRoom', worldSize, [worldSize, worldSize]);
    this.room = room;
    this.#picture = new PldmRoomPicture(room);
  }

  protected drawPlaces(random: Random): void {
    drawPlaces(this.room, random, this.position, this.goal);
  }

  protected move(place: Float32Array, action: Float32Array, random?: Random): void {
    move(this.room, place, action, random);
  }

  protected draw(data: Uint8Array, _: number, view: View): void {
    const [x, y] = view === 'goal' ? this.goal : this.position;
    this.#picture.draw(data, 0, x, y);
    if (view === 'both') drawDot(data, 0, this.goal[0], this.goal[1], 2);
  }
}
