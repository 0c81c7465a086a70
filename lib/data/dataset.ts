import { JepaError } from '../errors.js';

/**
 * Batches in a fixed order. Any async iterable of batches can be trained on; one with `seek` can also be resumed exactly,
 * and does so best when batch `index` is a pure function of the index.
 */
export interface Dataset<Batch> extends AsyncIterable<Batch> {
  /** Index of the batch that comes next: all there is to save of a dataset's position. */
  readonly index: number;
  /** The next batch delivered is the one of this index. */
  seek(index: number): void;
}

/**
 * A dataset computed where it is read, from a function of the index.
 * @param count number of batches (default: endless)
 * @example const dataset = fromIndex((index) => ({ x: rows.slice(index * 32, index * 32 + 32) }), { count: 100 });
 */
export function fromIndex<Batch>(
  batchOf: (index: number) => Batch | Promise<Batch>,
  { count = Number.POSITIVE_INFINITY }: { readonly count?: number } = {},
): Dataset<Batch> {
  let next = 0;
  return {
    get index() {
      return next;
    },
    seek(index) {
      next = checkIndex('fromIndex', index);
    },
    async *[Symbol.asyncIterator]() {
      while (next < count) yield await batchOf(next++);
    },
  };
}

export function checkIndex(where: string, index: number): number {
  if (!Number.isInteger(index) || index < 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${where}] expected the index of a batch, 0 or more, got ${index}`,
    );
  return index;
}
