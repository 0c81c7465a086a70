import { pi } from '../arithmetic.js';
import { stateSize } from './table.js';

/** px that agent and block together may be from where they should be, and radians that the block may be turned. */
const within = { distance: 20, angle: pi / 9 };

/** Whether a state is as good as the goal: the places of agent and block as one vector within 20 px, the angle within 20°. Velocities do not count. */
export function reached(state: ArrayLike<number>, goal: ArrayLike<number>, at = 0, goalAt = at): boolean {
  return distance(state, goal, at, goalAt, 4) < within.distance && turned(state, goal, at, goalAt) < within.angle;
}

/** px of agent and block as one vector, plus the block's angle in units in which the two margins of success are equal. */
export const placeDistance = (state: ArrayLike<number>, goal: ArrayLike<number>): number =>
  distance(state, goal, 0, 0, 4) + (within.distance / within.angle) * turned(state, goal, 0, 0);

/** The length of the difference of all seven numbers of a state; its negative is the reward. */
export function stateDistance(state: ArrayLike<number>, goal: ArrayLike<number>, at = 0, goalAt = at): number {
  return distance(state, goal, at, goalAt, stateSize);
}

/** Radians that the block is turned, the shorter way round. */
function turned(state: ArrayLike<number>, goal: ArrayLike<number>, at: number, goalAt: number): number {
  const angle = Math.abs(goal[goalAt + 4] - state[at + 4]);
  return Math.min(angle, 2 * pi - angle);
}

/** Of the first so many numbers of two states. */
function distance(
  state: ArrayLike<number>,
  goal: ArrayLike<number>,
  at: number,
  goalAt: number,
  count: number,
): number {
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const apart = goal[goalAt + i] - state[at + i];
    squares += apart * apart;
  }
  return Math.sqrt(squares);
}
