import type { Random } from '../random.js';
import { doorHalfExtent, high, low, type PldmRoom, wallHalfWidth } from './room.js';

/** Standard deviation, px, of how far a wall throws the dot back and aside. */
const bounce = 0.5;
/** px from a wall at which the dot is put that would be in it or on it */
const clearance = 0.3;

type Place = readonly [x: number, y: number];

/** Where a step meets a wall that lies across one axis. */
interface Contact {
  readonly place: Place;
  readonly across: 0 | 1;
}

/**
 * One step, in place: straight on by the action, or, where that would cross a wall, to where it meets the first one and back from there by
 * |N(0, ½²)| px, aside by N(0, ½²).
 * @param place [x, y] px   @param action [x, y] px
 * @param random without it the dot stays at the wall
 */
export function move(room: PldmRoom, place: Float32Array, [dx, dy]: Float32Array, random?: Random): void {
  const [x, y] = place;
  if (isFree(room, x, x + dx, y, y + dy)) {
    place[0] = x + dx;
    place[1] = y + dy;
  } else place.set(step(room, [x, y], [dx, dy], random));
}

/** Whether a step stays in one room and clear of its walls: nearly all do, and need not be looked at closely. */
function isFree({ wall }: PldmRoom, x: number, toX: number, y: number, toY: number): boolean {
  const left = x < wall;
  const from = left ? low : wall + wallHalfWidth;
  const to = left ? wall - wallHalfWidth : high;
  return Math.min(x, toX) > from && Math.max(x, toX) < to && Math.min(y, toY) > low && Math.max(y, toY) < high;
}

function step(room: PldmRoom, from: Place, by: Place, random: Random | undefined): Place {
  const jamb = doorJamb(room, from, by);
  if (jamb) return thrown(jamb, -Math.sign(by[1]), random);

  // The side of the wall that the dot is on is told by the wall's middle, also in the door.
  const leftOfWall = from[0] < room.wall;
  const left = leftOfWall ? low : room.wall + wallHalfWidth;
  const right = leftOfWall ? room.wall - wallHalfWidth : high;
  const inDoor = ({ place: [, y] }: Contact): boolean => Math.abs(y - room.door) <= doorHalfExtent;
  const meetsX = (line: number): Contact | undefined => {
    const contact = meets(from, by, 0, line);
    return contact && line !== low && line !== high && inDoor(contact) ? undefined : contact;
  };
  const upright = meetsX(left) ?? meetsX(right);
  const level = meets(from, by, 1, low) ?? meets(from, by, 1, high);
  const contact = upright && level ? nearer(from, upright, level) : (upright ?? level);
  if (!contact) return [from[0] + by[0], from[1] + by[1]];
  const { across, place } = contact;
  const [x, y] = thrown(contact, Math.sign(from[across] - place[across]), random);
  return [clear(x, left, right), clear(y, low, high)];
}

/** Leaving the door upwards or downwards within the wall's width. */
function doorJamb({ wall, door }: PldmRoom, from: Place, by: Place): Contact | undefined {
  const line = door + Math.sign(by[1]) * doorHalfExtent;
  const crosses = by[1] > 0 ? from[1] < line && from[1] + by[1] > line : from[1] > line && from[1] + by[1] < line;
  const contact = by[1] !== 0 && crosses ? meets(from, by, 1, line) : undefined;
  return contact && Math.abs(contact.place[0] - wall) <= wallHalfWidth ? contact : undefined;
}

/** Where a step meets a line across an axis: it crosses it, or begins or ends on it. */
function meets(from: Place, by: Place, across: 0 | 1, line: number): Contact | undefined {
  const ends = from[across] + by[across];
  if (Math.sign(from[across] - line) * Math.sign(ends - line) > 0) return undefined;
  const part = by[across] === 0 ? 0 : (line - from[across]) / by[across];
  const aside = from[1 - across] + part * by[1 - across];
  return { across, place: across === 0 ? [line, aside] : [aside, line] };
}

function nearer(from: Place, a: Contact, b: Contact): Contact {
  const apart = ({ place: [x, y] }: Contact): number => (x - from[0]) * (x - from[0]) + (y - from[1]) * (y - from[1]);
  return apart(a) < apart(b) ? a : b;
}

function thrown({ place, across }: Contact, side: number, random: Random | undefined): Place {
  const noise = random ? [bounce * random.normal(), bounce * random.normal()] : [0, 0];
  noise[across] = side * Math.abs(noise[across]);
  return [place[0] + noise[0], place[1] + noise[1]];
}

const clear = (value: number, from: number, to: number): number =>
  value <= from ? from + clearance : value >= to ? to - clearance : value;
