import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';

/**
 * Batches in a fixed order. Any async iterable of batches can be trained on; of one without `seek`, resuming reads and
 * drops the batches of the steps already done. Resuming is exact when batch `index` is a pure function of the index.
 */
export interface Dataset<Batch> extends AsyncIterable<Batch> {
  /** The next batch delivered is the one of this index. */
  seek(index: number): void;
}

/**
 * A dataset computed where it is read, from a function of the index.
 * @param options `count`, the number of batches (default: endless)
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT
 * @example const dataset = fromIndex((index) => ({ x: rows.slice(index * 32, index * 32 + 32) }), { count: 100 });
 */
export function fromIndex<Batch>(
  batchOf: (index: number) => Batch | Promise<Batch>,
  options: { readonly count?: number } = {},
): Dataset<Batch> {
  checkOptions('fromIndex', options, ['count']);
  const count = checkCount('fromIndex', options.count ?? Number.POSITIVE_INFINITY);
  let next = 0;
  return {
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

/** A number of batches: a whole one, or Infinity for an endless dataset. */
export function checkCount(where: string, count: number): number {
  if (count !== Number.POSITIVE_INFINITY && !(Number.isInteger(count) && count >= 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${where}] expected count to be a whole number of batches, or Infinity, got ${count}`,
    );
  return count;
}
