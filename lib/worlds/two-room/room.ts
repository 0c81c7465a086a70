import { type BoxSpace, box } from '../space.js';

/**
 * Two-Room: a dot in a square of 224 × 224 px (y down), two rooms, a wall with doors between them. Source: the `two_room` environment
 * of stable-worldmodel 0.1.1, whose positions, pictures and protocol are reproduced.
 */
export interface Room {
  /** px; also the standard deviation of the drawn dot */
  readonly radius: number;
  /** px per step at full action */
  readonly speed: number;
  /** A vertical wall has its doors along y. */
  readonly wall: 'vertical' | 'horizontal';
  readonly wallThickness: number;
  /** Openings along the wall: centre ± half extent. */
  readonly doors: readonly { readonly position: number; readonly halfExtent: number }[];
}

export const defaultRoom: Room = {
  radius: 7,
  speed: 5,
  wall: 'vertical',
  wallThickness: 10,
  doors: [{ position: 49, halfExtent: 14 }],
};

export const worldSize = 224;
export const border = 14;
export const wallPosition = 112;
/** px; an agent nearer than this to its goal has succeeded */
export const successDistance = 16;
/** Steps per second of the original's rendering. */
export const frameRate = 10;

/** An agent's end point may exceed a door by this much. */
const doorTolerance = 1.75;

export const actionSpace: BoxSpace = box({
  shape: [2],
  low: -1,
  high: 1,
  names: ['x', 'y'],
  units: ['speed', 'speed'],
});

export const acrossAxis = ({ wall }: Room): 0 | 1 => (wall === 'vertical' ? 0 : 1);
export const wallHalfWidth = ({ wallThickness }: Room): number => Math.floor(wallThickness / 2);

/**
 * One step of n independent agents, in place and in float32 as the original computes it. Only the end point of a step is tested against
 * the wall, so the side that counts is that of the old position.
 * @param positions [n, 2] px   @param actions [n, 2]; clamped to ±1
 */
export function move(
  room: Room,
  positions: Float32Array,
  actions: Float32Array,
  from = 0,
  to = positions.length / 2,
): void {
  const across = acrossAxis(room);
  const along = 1 - across;
  const half = wallHalfWidth(room);
  const low = border + room.radius;
  const high = worldSize - border - room.radius;
  const leftFace = wallPosition - half - room.radius;
  const rightFace = wallPosition + half + room.radius;
  for (let i = 2 * from; i < 2 * to; i += 2) {
    const wasLeft = positions[i + across] < wallPosition;
    for (let axis = 0; axis < 2; axis++) {
      const step = Math.fround(Math.max(-1, Math.min(1, actions[i + axis])) * room.speed);
      positions[i + axis] = Math.max(low, Math.min(high, Math.fround(positions[i + axis] + step)));
    }
    const wanted = positions[i + across];
    if (wasLeft ? wanted <= leftFace : wanted >= rightFace) continue;
    if (inDoor(room, positions[i + along])) continue;
    positions[i + across] = wasLeft ? leftFace - 0.5 : rightFace + 0.5;
  }
}

function inDoor({ doors }: Room, along: number): boolean {
  for (const { position, halfExtent } of doors)
    if (Math.abs(along - position) <= halfExtent + doorTolerance) return true;
  return false;
}

/** px between row i of one list of positions and row j of another. */
export function distance(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const dx = a[2 * i] - b[2 * j];
  const dy = a[2 * i + 1] - b[2 * j + 1];
  return Math.sqrt(dx * dx + dy * dy);
}

/** Whether two places are on different sides of the wall. */
export const inDifferentRooms = (room: Room, a: Float32Array, i: number, b: Float32Array, j: number): boolean =>
  a[2 * i + acrossAxis(room)] > wallPosition !== b[2 * j + acrossAxis(room)] > wallPosition;
