import { exp } from '../arithmetic.js';
import { dotDeviation, high, inWall, low, type PldmRoom, worldSize } from './room.js';

/** A dot is below 1 of 255 beyond this many px. */
const dotReach = 4.4;

/** Pictures of the dot (red) and the walls (green), which are the original's two channels; blue is left free for a goal. */
export class PldmRoomPicture {
  readonly #walls = new Uint8Array(worldSize * worldSize * 3);

  constructor(room: PldmRoom) {
    const border = (i: number): boolean => i === low || i === high;
    for (let y = 0; y < worldSize; y++)
      for (let x = 0; x < worldSize; x++)
        if (border(x) || border(y) || inWall(room, [x, y])) this.#walls[(y * worldSize + x) * 3 + 1] = 255;
  }

  /** Writes [65, 65, 3] bytes at `offset`. */
  draw(data: Uint8Array, offset: number, x: number, y: number): void {
    data.set(this.#walls, offset);
    drawDot(data, offset, x, y, 0);
  }
}

/** exp(−d²/2σ²)·255, truncated, into one of the three channels. */
export function drawDot(data: Uint8Array, offset: number, x: number, y: number, channel: 0 | 1 | 2): void {
  const first = (centre: number): number => Math.max(0, Math.ceil(centre - dotReach));
  const last = (centre: number): number => Math.min(worldSize - 1, Math.floor(centre + dotReach));
  for (let row = first(y); row <= last(y); row++)
    for (let column = first(x); column <= last(x); column++) {
      const squared = (column - x) * (column - x) + (row - y) * (row - y);
      data[offset + (row * worldSize + column) * 3 + channel] = 255 * exp(-squared / (2 * dotDeviation * dotDeviation));
    }
}
