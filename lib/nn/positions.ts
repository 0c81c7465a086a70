import { JepaError } from '../errors.js';
import { matmul, reshape } from '../ops/index.js';
import { show, sizeOf, type Tensor, tensor } from '../tensor/index.js';

/**
 * Fixed sine-cosine positions of even width m: ω_k = 10000^(−k/(m/2)), row p = [sin(p·ω_0) …, cos(p·ω_0) …]: all sines, then
 * all cosines (Vaswani et al. 2017 interleave them; MAE, I-JEPA and V-JEPA do not). Computed in float64.
 * @param positions how many, counted from 0, or the positions themselves
 * @returns [positions, width] row-major
 * @example [...sincos1d(2, 1)]; // [0, 1]
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
 * @example sincos2d(64, [8, 8], 'column-row').length; // 4096
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
 * Positions of the tokens of a clip: time, then row, then column, each encoded in channels of its own (V-JEPA).
 * @param width multiple of 4   @param grid [times, rows, columns]
 * @param uniformPower 2·⌈width/6⌉ channels each, the last ones cut off at the width; else half of the channels for time
 * @returns [times·rows·columns, width], in token order
 */
export function sincos3d(
  width: number,
  [times, rows, columns]: readonly [number, number, number],
  { uniformPower = false }: { readonly uniformPower?: boolean } = {},
): Float32Array {
  if (width % 4 !== 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[sincos3d] expected a width that is a multiple of 4, got ${width}`,
    );
  const third = 2 * Math.ceil(width / 6);
  const widths = uniformPower ? [third, third, third] : [width / 2, width / 4, width / 4];
  const tables = [times, rows, columns].map((extent, axis) => sincos1d(widths[axis], extent));
  const table = new Float32Array(times * rows * columns * width);
  for (let token = 0; token < times * rows * columns; token++) {
    const place = [Math.floor(token / (rows * columns)), Math.floor(token / columns) % rows, token % columns];
    let at = 0;
    for (const [axis, values] of tables.entries()) {
      const taken = Math.min(widths[axis], width - at);
      table.set(values.subarray(place[axis] * widths[axis], place[axis] * widths[axis] + taken), token * width + at);
      at += taken;
    }
  }
  return table;
}

/**
 * Position vectors of one grid resampled for another, as vision transformers take pictures of other sizes: bicubic (Keys 1981 with
 * a = −¾) for pictures, trilinear for clips; pixel centres aligned, edges repeated, no antialiasing: PyTorch's `interpolate`. Differentiable.
 * @param places [1, tokens of `from`, D], row-major   @param from [rows, columns] or [times, rows, columns]   @param to the same
 * @returns [1, tokens of `to`, D]
 * @throws JepaError ERR_JEPA_SHAPE
 * @example const table = interpolatePositions(vit.posEmbed, [16, 16], [32, 32]);
 */
export function interpolatePositions(places: Tensor, from: readonly number[], to: readonly number[]): Tensor {
  const [, tokens, width] = places.shape;
  if (places.rank !== 3 || tokens !== sizeOf(from) || from.length !== to.length || ![2, 3].includes(from.length))
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[interpolatePositions] expected places [1, ${sizeOf(from)}, D] for a grid ${show(from)} and another of as many axes, got ${show(places.shape)} and ${show(to)}`,
    );
  const weights = from.length === 2 ? bicubicWeights : linearWeights;
  // Axis by axis, each as a product with the sampling weights from the left: [done] × [from] × [what is left · D].
  return from.reduce<Tensor>((table, extent, axis) => {
    const done = sizeOf(to.slice(0, axis));
    const rows = reshape(table, [done, extent, sizeOf(from.slice(axis + 1)) * width]);
    const next = matmul(weights(extent, to[axis]), rows, { precision: 'float32' });
    return reshape(next, [1, done * to[axis] * sizeOf(from.slice(axis + 1)), width]);
  }, places);
}

/** How much of each of `from` samples there is in each of `to`, between the two neighbours: [to, from]. */
function linearWeights(from: number, to: number): Tensor {
  const weights = new Float64Array(to * from);
  for (let row = 0; row < to; row++) {
    const place = Math.max(0, ((row + 0.5) * from) / to - 0.5);
    const base = Math.min(Math.floor(place), from - 1);
    weights[row * from + base] += 1 - (place - base);
    weights[row * from + Math.min(base + 1, from - 1)] += place - base;
  }
  return tensor(Float32Array.from(weights), { shape: [to, from] });
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
