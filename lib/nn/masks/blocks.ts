import { JepaError } from '../../errors.js';
import { show, type Tensor, tensor } from '../../tensor/index.js';

/** A pair [smallest, largest] that a uniform number picks from. */
export type Range = readonly [number, number];

/** The number that r in [0, 1] stands for. */
export function within([from, to]: Range, r: number): number {
  return from + r * (to - from);
}

/** Extents of a block of an area and an aspect rows/columns, rounded half to even as Python rounds. */
export function blockExtents(area: number, aspect: number): [number, number] {
  return [roundHalfEven(Math.sqrt(area * aspect)), roundHalfEven(Math.sqrt(area / aspect))];
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/**
 * Lists of token numbers, one an image, as one index tensor. All are cut to the shortest by leaving out the highest numbers, as the
 * reference codes do: what is left out is neither context nor target.
 * @returns int32 [B, K]
 */
export function asIndices(lists: readonly (readonly number[])[]): Tensor<'int32'> {
  const shortest = Math.min(...lists.map((list) => list.length));
  const flat = Int32Array.from(lists.flatMap((list) => list.slice(0, shortest)));
  return tensor(flat, { shape: [lists.length, shortest] });
}

/** @throws JepaError ERR_JEPA_CONFIG unless the grid is one and the pairs are ranges of positive numbers, at most `most` */
export function checkBlocks(
  op: string,
  grid: readonly number[],
  ranges: Readonly<Record<string, readonly [Range, number]>>,
): void {
  if (!grid.every((extent) => Number.isInteger(extent) && extent >= 1))
    throw new JepaError('ERR_JEPA_CONFIG', `[${op}] expected a grid of at least one token each way, got ${show(grid)}`);
  for (const [name, [[from, to], most]] of Object.entries(ranges))
    if (!(from > 0 && from <= to && to <= most))
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[${op}] expected ${name} from a number above 0 to one of at most ${most}, got [${from}, ${to}]`,
      );
}

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT for what is no number of images */
export function checkBatch(op: string, batch: number): void {
  if (!Number.isInteger(batch) || batch < 1)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected a batch of at least one, got ${batch}`);
}
