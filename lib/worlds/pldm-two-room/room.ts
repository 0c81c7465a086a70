import { JepaError } from '../../errors.js';
import { type BoxSpace, box } from '../space.js';

/**
 * The Two-Room of PLDM (Sobal et al. 2025; eb_jepa has it too): a dot in a square of 65 × 65 px (y down), a wall across it with a
 * door. An action moves the dot by so many px; a wall stops it and throws it back a little, by chance.
 */
export interface PldmRoom {
  /** px, 20 to 44: x of the middle of the wall */
  readonly wall: number;
  /** px, 10 to 54: y of the middle of its door */
  readonly door: number;
}

/** The layout of PLDM's experiments. */
export const pldmRoom: PldmRoom = { wall: 32, door: 10 };

export const worldSize = 65;
/** px to either side of the middle of the wall, and of the door */
export const wallHalfWidth = 1;
export const doorHalfExtent = 4;
/** px: the lines that the dot stays between, in x and y */
export const low = 4;
export const high = 60;
/** px; PLDM asks for a mean squared error of x and y below 1. */
export const successDistance = Math.SQRT2;
/** Standard deviation of the dot's picture, px. */
export const dotDeviation = 1.3;
/** The original's steps have no time; ten a second, as in Two-Room. */
export const frameRate = 10;
/** px along one axis, as float32 has it: an action at the bound is within it. */
const longestStep = Math.fround(2.45);

/** px along x and y */
export const actionSpace: BoxSpace = box({
  shape: [2],
  low: -longestStep,
  high: longestStep,
  names: ['x', 'y'],
  units: ['px', 'px'],
});

export const inWall = ({ wall, door }: PldmRoom, [x, y]: readonly [number, number]): boolean =>
  Math.abs(x - wall) <= wallHalfWidth && Math.abs(y - door) > doorHalfExtent;

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT */
export function expectRoom(name: string, { wall, door }: PldmRoom): void {
  if (!(wall >= 20 && wall <= 44 && door >= 10 && door <= 54))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${name}] expected room.wall to be from 20 to 44 and room.door from 10 to 54, got ${wall} and ${door}`,
    );
}
