import { JepaError } from '../errors.js';
import { matmul, reshape } from '../ops/index.js';
import { type Tensor, tensor } from '../tensor/index.js';

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

/**
 * Position vectors of one grid resampled for another, as vision transformers take pictures of other sizes: bicubic (Keys 1981 with
 * a = −¾), pixel centres aligned, edges repeated, no antialiasing: PyTorch's `interpolate(size, mode='bicubic')`. Differentiable.
 * @param places [1, rows·columns, D], row-major over `from`   @param from, to [rows, columns]   @returns [1, rows·columns of `to`, D]
 * @example const table = interpolatePositions(vit.posEmbed, [16, 16], [32, 32]);
 */
export function interpolatePositions(
  places: Tensor,
  from: readonly [number, number],
  to: readonly [number, number],
): Tensor {
  const width = places.shape[2];
  const [rows, columns] = [bicubicWeights(from[0], to[0]), bicubicWeights(from[1], to[1])];
  const exact = { precision: 'float32' } as const;
  const down = matmul(rows, reshape(places, [from[0], from[1] * width]), exact); // [rows', columns · D]
  const across = matmul(columns, reshape(down, [to[0], from[1], width]), exact); // [rows', columns', D]
  return reshape(across, [1, to[0] * to[1], width]);
}

/** How much of each of `from` samples there is in each of `to`: [to, from]. */
function bicubicWeights(from: number, to: number): Tensor {
  const a = -0.75;
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  const weights = new Float64Array(to * from);
  for (let row = 0; row < to; row++) {
    const place = ((row + 0.5) * from) / to - 0.5;
    const base = Math.floor(place);
    const t = place - base;
    for (const [offset, weight] of [far(1 + t), near(t), near(1 - t), far(2 - t)].entries())
      weights[row * from + Math.min(Math.max(base - 1 + offset, 0), from - 1)] += weight;
  }
  return tensor(Float32Array.from(weights), { shape: [to, from] });
}
