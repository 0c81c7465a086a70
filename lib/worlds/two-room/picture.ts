import { exp } from '../arithmetic.js';
import { border, type Room, wallHalfWidth, wallPosition, worldSize } from './room.js';

/** px of a border line, just outside of the reachable square. */
const lineWidth = 4;
/** px; the goal's dot does not grow with the agent's. */
const goalRadius = 7;
/** A dot's weight beyond this many standard deviations is below 10⁻⁷. */
const dotReach = 5.7;

/** White 1 and black 0 of the empty scene as a sum of two products: rows with the wall, and rows through a door. */
function roomFactors(room: Room): readonly { readonly along: Float64Array; readonly across: Float64Array }[] {
  const open = new Float64Array(worldSize).fill(1);
  open.fill(0, border - lineWidth, border);
  open.fill(0, worldSize - border, worldSize - border + lineWidth);
  const half = wallHalfWidth(room);
  const walled = open.map((white, i) => (Math.abs(i - wallPosition) <= half ? 0 : white));
  const isDoor = (i: number): boolean =>
    room.doors.some(({ position, halfExtent }) => Math.abs(i - position) <= halfExtent);
  return [
    { along: open.map((white, i) => (isDoor(i) ? 0 : white)), across: walled },
    { along: open.map((white, i) => (isDoor(i) ? white : 0)), across: open },
  ];
}

/** exp(−d²/2r²) at every pixel of one axis, divided by the largest: a dot is the product of its two profiles. */
function dotProfile(
  centre: number,
  radius: number,
  into: Float64Array,
): { readonly first: number; readonly last: number } {
  const first = Math.max(0, Math.ceil(centre - dotReach * radius));
  const last = Math.min(worldSize - 1, Math.floor(centre + dotReach * radius));
  const nearest = Math.max(0, Math.min(worldSize - 1, Math.floor(centre + 0.5)));
  const least = (nearest - centre) * (nearest - centre);
  for (let i = first; i <= last; i++) into[i] = exp((least - (i - centre) * (i - centre)) / (2 * radius * radius));
  return { first, last };
}

/** The original's picture, 224 × 224 × 3: white, walls black, goal green if given, agent red; blended in float32, truncated. */
export function drawRoom(room: Room, agent: readonly [number, number], goal?: readonly [number, number]): Uint8Array {
  const plane = new Float32Array(worldSize * worldSize * 3);
  for (const { along, across } of roomFactors(room)) {
    const rows = room.wall === 'vertical' ? along : across;
    const columns = room.wall === 'vertical' ? across : along;
    for (let y = 0; y < worldSize; y++)
      for (let x = 0; x < worldSize; x++)
        if (rows[y] * columns[x] > 0) plane.fill(255, (y * worldSize + x) * 3, (y * worldSize + x) * 3 + 3);
  }
  const dot = ([x, y]: readonly [number, number], radius: number, colour: readonly [number, number, number]): void => {
    const rows = new Float64Array(worldSize);
    const columns = new Float64Array(worldSize);
    const vertical = dotProfile(y, radius, rows);
    const horizontal = dotProfile(x, radius, columns);
    for (let row = vertical.first; row <= vertical.last; row++) {
      for (let column = horizontal.first; column <= horizontal.last; column++) {
        const cover = Math.fround(rows[row] * columns[column]);
        const at = (row * worldSize + column) * 3;
        for (let c = 0; c < 3; c++)
          plane[at + c] = Math.fround(plane[at + c] * Math.fround(1 - cover)) + Math.fround(colour[c] * cover);
      }
    }
  };
  if (goal) dot(goal, goalRadius, [0, 255, 0]);
  dot(agent, room.radius, [255, 0, 0]);
  return Uint8Array.from(plane);
}

/**
 * Small pictures without the large one: room and dot are sums of products of a row and a column, so an antialiased bilinear
 * reduction (a triangle two output pixels wide, as Pillow's) acts on profiles only.
 */
export class RoomPicture {
  readonly size: number;
  readonly #room: Room;
  readonly #background: Uint8Array;
  readonly #white: Float64Array;
  /** Profiles of the two factors of the room along y and x, and 1 for the dot itself. */
  readonly #masks: { readonly rows: Float64Array; readonly columns: Float64Array }[];
  readonly #reduction: Reduction;
  readonly #profile = new Float64Array(worldSize);
  readonly #rows: Float64Array[];
  readonly #columns: Float64Array[];

  constructor(room: Room, size: number) {
    this.size = size;
    this.#room = room;
    this.#reduction = triangleReduction(size);
    const factors = roomFactors(room).map(({ along, across }) =>
      room.wall === 'vertical' ? { rows: along, columns: across } : { rows: across, columns: along },
    );
    const one = new Float64Array(worldSize).fill(1);
    this.#masks = [...factors, { rows: one, columns: one }];
    this.#rows = this.#masks.map(() => new Float64Array(size));
    this.#columns = this.#masks.map(() => new Float64Array(size));
    this.#white = new Float64Array(size * size);
    for (const { rows, columns } of factors) {
      const y = reduce(this.#reduction, rows, one, 0, worldSize - 1, new Float64Array(size));
      const x = reduce(this.#reduction, columns, one, 0, worldSize - 1, new Float64Array(size));
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) this.#white[i * size + j] += 255 * y[i] * x[j];
    }
    this.#background = new Uint8Array(size * size * 3);
    // The sum of weights may miss 1 by a rounding: 255 must not become 254.
    for (let i = 0; i < size * size; i++) this.#background.fill(this.#white[i] + 1e-6, i * 3, i * 3 + 3);
  }

  /** Writes [size, size, 3] bytes at `offset`: the agent in red, never the goal. */
  draw(data: Uint8Array, offset: number, x: number, y: number): void {
    const { size } = this;
    const rows = this.#project(y, 'rows', this.#rows);
    const columns = this.#project(x, 'columns', this.#columns);
    data.set(this.#background, offset);
    const [rowsA, rowsB, rowsDot] = this.#rows;
    const [columnsA, columnsB, columnsDot] = this.#columns;
    for (let i = rows.first; i <= rows.last; i++) {
      for (let j = columns.first; j <= columns.last; j++) {
        const covered = rowsA[i] * columnsA[j] + rowsB[i] * columnsB[j];
        const grey = this.#white[i * size + j] - 255 * covered + 1e-6;
        const at = offset + (i * size + j) * 3;
        data[at] = Math.min(255, grey + 255 * rowsDot[i] * columnsDot[j]);
        data[at + 1] = data[at + 2] = Math.max(0, grey);
      }
    }
  }

  #project(
    centre: number,
    side: 'rows' | 'columns',
    into: Float64Array[],
  ): { readonly first: number; readonly last: number } {
    const { first, last } = dotProfile(centre, this.#room.radius, this.#profile);
    for (const [k, mask] of this.#masks.entries())
      reduce(this.#reduction, mask[side], this.#profile, first, last, into[k].fill(0));
    return { first: this.#reduction.target[first], last: Math.min(this.size - 1, this.#reduction.target[last] + 1) };
  }
}

/** Which two output pixels each input pixel adds to, and with what weights. */
interface Reduction {
  /** First of the two. */
  readonly target: Int32Array;
  readonly weights: readonly [Float64Array, Float64Array];
}

function triangleReduction(size: number): Reduction {
  const target = new Int32Array(worldSize);
  const weights = [new Float64Array(worldSize), new Float64Array(worldSize)] as const;
  const sums = new Float64Array(size);
  const scale = size / worldSize;
  for (let j = 0; j < worldSize; j++) {
    const place = (j + 0.5) * scale - 0.5; // in output pixels
    const low = Math.floor(place);
    const nearness = [1 - (place - low), place - low];
    target[j] = Math.max(0, Math.min(size - 2, low));
    for (let k = 0; k < 2; k++) {
      const i = low + k;
      if (i < 0 || i >= size) continue;
      weights[i - target[j]][j] = nearness[k];
      sums[i] += nearness[k];
    }
  }
  for (let j = 0; j < worldSize; j++) for (let k = 0; k < 2; k++) weights[k][j] /= sums[target[j] + k];
  return { target, weights };
}

function reduce(
  { target, weights: [low, high] }: Reduction,
  mask: Float64Array,
  profile: Float64Array,
  first: number,
  last: number,
  into: Float64Array,
): Float64Array {
  for (let j = first; j <= last; j++) {
    const value = mask[j] * profile[j];
    into[target[j]] += low[j] * value;
    into[target[j] + 1] += high[j] * value;
  }
  return into;
}
