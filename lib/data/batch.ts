import { checkOptions } from '../io/options.js';
import { checkPositive } from './check.js';
import { collate as byField, type Collated } from './collate.js';
import { Cursor } from './cursor.js';
import {
  type Dataset,
  Indexed,
  type IndexedDataset,
  type IndexedSource,
  isIndexed,
  readFrom,
  type Source,
} from './dataset.js';
import { toDataset } from './stream.js';

export interface BatchOptions<T, Batch> {
  /** Makes a batch of its samples (default that of `collate`). */
  readonly collate?: (samples: readonly T[]) => Batch;
  /** Leaves out a last batch that is smaller than the others (default false). */
  readonly dropLast?: boolean;
}

/**
 * Batches of `size` consecutive samples. Batch `index` is made of samples index·size … index·size + size − 1, read at the same time
 * where the dataset is indexed. A smaller last batch makes a compiled step compile once more; `batch(repeat(…), size)` has none.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT; while reading what samples and `collate` throw
 * @example for await (const { pixels, label } of batch(shuffle(images, { seed: 1 }), 32)) …
 */
export function batch<T extends object, Batch = Collated<T>>(
  source: IndexedSource<T>,
  size: number,
  options?: BatchOptions<T, Batch>,
): IndexedDataset<Batch>;
export function batch<T extends object, Batch = Collated<T>>(
  source: Source<T>,
  size: number,
  options?: BatchOptions<T, Batch>,
): Dataset<Batch>;
export function batch<T extends object>(
  source: Source<T>,
  size: number,
  options: BatchOptions<T, unknown> = {},
): Dataset<unknown> {
  checkOptions('batch', options, ['collate', 'dropLast']);
  const { collate = byField, dropLast = false } = options;
  checkPositive('batch', 'size', size);
  const dataset = toDataset(source);
  const batchesOf = (samples: number): number => (dropLast ? Math.floor(samples / size) : Math.ceil(samples / size));
  if (isIndexed(dataset)) {
    const get = async (index: number): Promise<unknown> => {
      const [start, end] = [index * size, Math.min((index + 1) * size, dataset.count)];
      return collate(await Promise.all(Array.from({ length: end - start }, (_, place) => dataset.get(start + place))));
    };
    return new Indexed('batch', get, batchesOf(dataset.count), Math.max(1, batchesOf(dataset.epoch)));
  }
  return new Cursor('batch', async function* (first) {
    let held: T[] = [];
    for await (const sample of readFrom(dataset, first * size)) {
      held.push(sample);
      if (held.length < size) continue;
      yield collate(held);
      held = [];
    }
    if (held.length > 0 && !dropLast) yield collate(held);
  });
}
