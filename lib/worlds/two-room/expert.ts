import type { Random } from '../random.js';
import { acrossAxis, inDifferentRooms, type Room, wallPosition } from './room.js';

/** px from a door's centre at which the expert turns to its goal. */
const doorReached = 10.5;
/** Doors narrower than this many radii are not used. */
const passable = 1.1;

/**
 * The scripted expert: straight to the goal, or, in the other room, to the nearest passable door first. A unit vector however near
 * the goal is, plus `noise` · a standard normal number per axis, clamped to ±1.
 * @param actions [n, 2], row i is written
 */
export function expertAction(
  room: Room,
  positions: Float32Array,
  i: number,
  goals: Float32Array,
  j: number,
  actions: Float32Array,
  noise = 0,
  random?: Random,
): void {
  const x = positions[2 * i];
  const y = positions[2 * i + 1];
  let dx = goals[2 * j] - x;
  let dy = goals[2 * j + 1] - y;
  if (inDifferentRooms(room, positions, i, goals, j)) {
    const across = acrossAxis(room);
    let nearest = Number.POSITIVE_INFINITY;
    let toDoor: readonly [number, number] | undefined;
    for (const { position, halfExtent } of room.doors) {
      if (halfExtent < passable * room.radius) continue;
      const doorX = (across === 0 ? wallPosition : position) - x;
      const doorY = (across === 0 ? position : wallPosition) - y;
      const length = Math.sqrt(doorX * doorX + doorY * doorY);
      if (length >= nearest) continue;
      nearest = length;
      toDoor = [doorX, doorY];
    }
    if (toDoor && nearest > doorReached) [dx, dy] = toDoor;
  }
  const length = Math.max(Math.sqrt(dx * dx + dy * dy), 1e-8);
  const draw = (): number => (noise && random ? noise * random.normal() : 0);
  actions[2 * i] = Math.max(-1, Math.min(1, dx / length + draw()));
  actions[2 * i + 1] = Math.max(-1, Math.min(1, dy / length + draw()));
}
