import { exp, pi, sinCos } from '../arithmetic.js';
import type { Random } from '../random.js';
import { doorHalfExtent, high, inWall, low, type PldmRoom, wallHalfWidth } from './room.js';

/** px of a step: N(1, 0.4²) within these bounds. */
const [shortest, longest, meanLength, lengthDeviation] = [0.2, 1.8, 1, 0.4];
/** Concentration of the von Mises distribution by which the heading turns at each step. */
const concentration = 5;
/** Share of walks that are made to pass the door. */
const throughDoor = 0.35;
/** Standard deviation, px, of where in the door they pass. */
const doorDeviation = 1.4;

/** Where somebody begins, and the steps that are tried; walls may stop some of them. */
export interface Walk {
  readonly start: readonly [x: number, y: number];
  /** [steps, 2] px */
  readonly actions: Float32Array;
}

/**
 * A wanderer's walk, as PLDM's data are recorded: its heading drifts, its steps differ in length, and it knows of no goal. About a third of
 * the walks are laid so that they would pass the door if nothing else were in their way. Those that would begin in the wall are drawn anew.
 */
export function drawWalk(room: PldmRoom, random: Random, steps: number): Walk {
  const lay = random.chance(throughDoor) ? walkThroughDoor : walkFromAnywhere;
  for (;;) {
    const walk = lay(room, random, steps);
    if (!inWall(room, walk.start)) return walk;
  }
}

function walkFromAnywhere(_: PldmRoom, random: Random, steps: number): Walk {
  const start = [random.uniform(low, high), random.uniform(low, high)] as const;
  return { start, actions: wander(random, random.uniform(0, 2 * pi), steps) };
}

/** Two walks away from a place in the door, of which the one to the left is taken backwards first; or the other way round. */
function walkThroughDoor({ wall, door }: PldmRoom, random: Random, steps: number): Walk {
  const place = [
    random.uniform(wall - wallHalfWidth, wall + wallHalfWidth),
    normalWithin(random, door, doorDeviation, door - doorHalfExtent, door + doorHalfExtent),
  ];
  const heading = random.uniform(-pi / 4, pi / 4);
  const [toLeft, toRight] = [wander(random, heading + pi, steps), wander(random, heading, steps)];
  const before = 1 + random.below(steps);
  const [first, second] = random.chance(0.5) ? [toLeft, toRight] : [toRight, toLeft];
  const actions = new Float32Array(2 * steps);
  for (let step = 0; step < before; step++)
    for (const axis of [0, 1]) {
      actions[2 * step + axis] = -first[2 * (before - 1 - step) + axis];
      place[axis] += first[2 * step + axis];
    }
  actions.set(second.subarray(0, 2 * (steps - before)), 2 * before);
  const inside = (value: number): number => Math.max(low + 0.01, Math.min(high - 0.01, value));
  return { start: [inside(place[0]), inside(place[1])], actions };
}

/** Steps from a heading on. @returns [steps, 2] px */
function wander(random: Random, heading: number, steps: number): Float32Array {
  const actions = new Float32Array(2 * steps);
  let angle = heading;
  for (let step = 0; step < steps; step++) {
    if (step > 0) angle += turn(random);
    const length = normalWithin(random, meanLength, lengthDeviation, shortest, longest);
    const { sin, cos } = sinCos(angle);
    actions[2 * step] = length * cos;
    actions[2 * step + 1] = length * sin;
  }
  return actions;
}

/** Von Mises around 0, by rejection: density ∝ exp(κ·cos θ). */
function turn(random: Random): number {
  for (;;) {
    const angle = random.uniform(-pi, pi);
    if (random.uniform() < exp(concentration * (sinCos(angle).cos - 1))) return angle;
  }
}

function normalWithin(random: Random, mean: number, deviation: number, from: number, to: number): number {
  for (;;) {
    const value = mean + deviation * random.normal();
    if (value >= from && value <= to) return value;
  }
}
