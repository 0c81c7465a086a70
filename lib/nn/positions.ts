import { JepaError } from '../errors.js';

/**
 * Fixed sine-cosine positions of even width m: ω_k = 10000^(−k/(m/2)), row p = [sin(p·ω_0) …, cos(p·ω_0) …]: all sines, then
 * all cosines (Vaswani et al. 2017 interleave them; MAE, I-JEPA and V-JEPA do not). Computed in float64.
 * @param positions how many, counted from 0, or the positions themselves
 * @returns [positions, width] row-major
 */
export function sincos1d(width: number, positions: number | ArrayLike<number>): Float32Array {
  if (width % 2 !== 0)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[sincos1d] expected an even width, got ${width}`);
  const places = typeof positions === 'number' ? Array.from({ length: positions }, (_, p) => p) : Array.from(positions);
  const half = width / 2;
  const table = new Float32Array(places.length * width);
  for (const [row, place] of places.entries()) {
    for (let k = 0; k < half; k++) {
      const angle = place * 10000 ** (-k / half);
      table[row * width + k] = Math.sin(angle);
      table[row * width + half + k] = Math.cos(angle);
    }
  }
  return table;
}

/** Which axis the first half of the channels encodes: 'column-row' in I-JEPA and MAE, 'row-column' in V-JEPA. */
export type SincosOrder = 'column-row' | 'row-column';

/**
 * Positions on a grid: half of the channels encode one axis, half the other.
 * @param width multiple of 4   @param grid [rows, columns]   @returns [rows·columns, width], row-major over the grid
 */
export function sincos2d(width: number, [rows, columns]: readonly [number, number], order: SincosOrder): Float32Array {
  if (width % 4 !== 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[sincos2d] expected a width that is a multiple of 4, got ${width}`,
    );
  const half = width / 2;
  const encoded = { row: sincos1d(half, rows), column: sincos1d(half, columns) };
  const table = new Float32Array(rows * columns * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * width;
      const halves = {
        row: encoded.row.subarray(row * half, (row + 1) * half),
        column: encoded.column.subarray(column * half, (column + 1) * half),
      };
      table.set(order === 'column-row' ? halves.column : halves.row, at);
      table.set(order === 'column-row' ? halves.row : halves.column, at + half);
    }
  }
  return table;
}
