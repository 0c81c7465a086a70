import { Cursor } from './cursor.js';
import {
  type Dataset,
  Indexed,
  type IndexedDataset,
  type IndexedSource,
  isIndexed,
  iterate,
  type Source,
} from './dataset.js';
import { toDataset } from './stream.js';

/**
 * A function of every sample, such as decoding or augmenting. For a bit-exact resume it must depend on the sample and its index alone:
 * random numbers come from a generator seeded by the index.
 * @throws whatever the function throws
 * @example const halves = map(images, ({ pixels }) => ({ pixels: halved(pixels) }));
 */
export function map<T, U>(
  source: IndexedSource<T>,
  transform: (sample: T, index: number) => U | Promise<U>,
): IndexedDataset<U>;
export function map<T, U>(source: Source<T>, transform: (sample: T, index: number) => U | Promise<U>): Dataset<U>;
export function map<T, U>(source: Source<T>, transform: (sample: T, index: number) => U | Promise<U>): Dataset<U> {
  const dataset = toDataset(source);
  if (isIndexed(dataset))
    return new Indexed(
      'map',
      async (index) => transform(await dataset.get(index), index),
      dataset.count,
      dataset.epoch,
    );
  // No generator: it would end with the first sample that fails, and could not work on several at once.
  return new Cursor<U>('map', (first) => {
    const iterator = iterate(dataset, first);
    let next = first;
    return {
      next: async () => {
        const index = next++;
        const sample = await iterator.next();
        return sample.done ? sample : { done: false, value: await transform(sample.value, index) };
      },
      return: async () => {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  });
}
