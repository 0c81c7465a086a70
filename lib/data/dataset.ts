import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { checkCount, checkIndex } from './check.js';
import { Cursor } from './cursor.js';

/**
 * Samples or batches in a fixed order, with a position. Iterating goes on from the position; `seek` moves it. Resuming is bit-exact where
 * what comes at an index depends on the index alone, as everything that the functions of this library make from such datasets does.
 * Any async iterable can be trained on too: of one without `seek`, resuming reads and drops the batches of the steps already done.
 */
export interface Dataset<T> extends AsyncIterable<T> {
  /** Index of what comes next: the position to keep for a resume. */
  readonly index: number;
  /** What comes next is that of this index. */
  seek(index: number): void;
}

/** A dataset that can be asked for any of its samples: shuffling and sharding then read nothing that they do not deliver. */
export interface IndexedDataset<T> extends Dataset<T> {
  /** Samples in all; Infinity where it is endless. */
  readonly count: number;
  /** Samples of one pass over the data: `count`, unless they are repeated. */
  readonly epoch: number;
  /** Sample `index`, from 0 to count − 1: a function of the index alone. */
  get(index: number): Promise<T>;
}

/** What the functions on datasets take: a dataset, an array, any async iterable (Node and web streams are), a function that opens one. */
export type Source<T> = Dataset<T> | AsyncIterable<T> | readonly T[] | (() => AsyncIterable<T>);

/** Sources of which any sample can be had. */
export type IndexedSource<T> = IndexedDataset<T> | readonly T[];

/**
 * A dataset computed where it is read, from a function of the index.
 * @param options `count`, how many there are (default: endless)
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT
 * @example
 * const squares = fromIndex((index) => index * index, { count: 100 });
 * await squares.get(7); // 49
 */
export function fromIndex<T>(
  sampleOf: (index: number) => T | Promise<T>,
  options: { readonly count?: number } = {},
): IndexedDataset<T> {
  checkOptions('fromIndex', options, ['count']);
  const count = checkCount('fromIndex', options.count ?? Number.POSITIVE_INFINITY);
  return new Indexed('fromIndex', async (index) => sampleOf(index), count);
}

/** An {@link IndexedDataset} of a function of the index. */
export class Indexed<T> extends Cursor<T> implements IndexedDataset<T> {
  readonly #get: (index: number) => Promise<T>;

  constructor(
    where: string,
    get: (index: number) => Promise<T>,
    readonly count: number,
    readonly epoch: number = count,
  ) {
    super(where, (index) => indexIterator(this, index));
    this.#get = get;
  }

  async get(index: number): Promise<T> {
    if (checkIndex(this.where, index) >= this.count)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[${this.where}] expected an index below ${this.count}, got ${index}`,
      );
    return this.#get(index);
  }
}

export function isIndexed<T>(source: Source<T>): source is IndexedDataset<T> {
  return 'get' in source && 'count' in source;
}

/** An iterator from an index on, apart from the dataset's position where it allows that. `next` may be called ahead. */
export function iterate<T>(dataset: Dataset<T>, index: number): AsyncIterator<T> {
  if (isIndexed(dataset)) return indexIterator(dataset, index);
  if (dataset instanceof Cursor) return dataset.open(index);
  dataset.seek(index);
  return dataset[Symbol.asyncIterator]();
}

/** {@link iterate}, closed also when a sample fails. */
export async function* readFrom<T>(dataset: Dataset<T>, index: number): AsyncGenerator<T, void, void> {
  const iterator = iterate(dataset, index);
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

function indexIterator<T>(dataset: Pick<IndexedDataset<T>, 'count' | 'get'>, first: number): AsyncIterator<T> {
  let next = first;
  return {
    next: async () =>
      next < dataset.count ? { done: false, value: await dataset.get(next++) } : { done: true, value: undefined },
  };
}
