import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { PhiloxStream } from '../nn/philox.js';
import { checkPositive } from './check.js';
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

export interface ShuffleOptions {
  /** Decides the order, together with nothing else. */
  readonly seed: number;
  /**
   * Samples that are put into a random order at a time, window after window: by default one pass over an indexed dataset, which mixes
   * perfectly. Of a stream that many samples are held in memory.
   */
  readonly window?: number;
}

/**
 * Samples in a random order. Each window of consecutive samples is permuted by itself, keyed by the seed and the window's number: what
 * comes at an index is known without what came before, so `seek` is exact and costs at most a window.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT
 * @example const order = shuffle(repeat(images), { seed: 1 });          // every pass in another order
 * @example const order = shuffle(readings, { seed: 1, window: 10_000 }); // a stream
 */
export function shuffle<T>(source: IndexedSource<T>, options: ShuffleOptions): IndexedDataset<T>;
export function shuffle<T>(source: Source<T>, options: ShuffleOptions): Dataset<T>;
export function shuffle<T>(source: Source<T>, options: ShuffleOptions): Dataset<T> {
  checkOptions('shuffle', options, ['seed', 'window']);
  const { seed } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[shuffle] expected seed to be a whole number, 0 or more, got ${seed}`,
    );
  const dataset = toDataset(source);
  const window = options.window ?? (isIndexed(dataset) ? Math.max(1, dataset.epoch) : Number.NaN);
  if (!Number.isFinite(window))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      '[shuffle] expected a window, the number of samples to shuffle at a time, for a source without a known length',
    );
  checkPositive('shuffle', 'window', window);
  if (isIndexed(dataset)) {
    const order = orders(seed, window, dataset.count);
    return new Indexed(
      'shuffle',
      (index) => {
        const start = index - (index % window);
        return dataset.get(start + order(start / window)[index - start]);
      },
      dataset.count,
      dataset.epoch,
    );
  }
  return new Cursor('shuffle', async function* (first) {
    let skip = first % window;
    let number = (first - skip) / window;
    let held: T[] = [];
    const permuted = function* () {
      for (const place of permutation(seed, number++, held.length).subarray(skip)) yield held[place];
      held = [];
      skip = 0;
    };
    for await (const sample of readFrom(dataset, first - skip)) if (held.push(sample) === window) yield* permuted();
    yield* permuted();
  });
}

/** Permutations of windows by their number; two are kept, since a batch may lie across a border. */
function orders(seed: number, window: number, count: number): (number: number) => Uint32Array {
  const kept = new Map<number, Uint32Array>();
  return (number) => {
    const found = kept.get(number) ?? permutation(seed, number, Math.min(window, count - number * window));
    kept.set(number, found);
    for (const old of kept.keys()) if (kept.size > 2 && old !== number) kept.delete(old);
    return found;
  };
}

/** 0 … length − 1 in a random order (Fisher & Yates, Durstenfeld's form), a function of seed and number alone. */
function permutation(seed: number, number: number, length: number): Uint32Array {
  const random = new PhiloxStream(seed, `shuffle.${number}`);
  const order = Uint32Array.from({ length }, (_, place) => place);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random.word() * 2 ** -32 * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
