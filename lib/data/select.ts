import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
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

export interface ShardOptions {
  /** Which part, from 0. */
  readonly index: number;
  /** Into how many parts. */
  readonly count: number;
}

/**
 * One of several parts, for processes that train together or hold out data: samples index, index + count, index + 2·count …
 * Of an indexed dataset the others are not read; of a stream they are read and dropped. Where the parts of an indexed dataset would
 * differ in length, the last samples are left out, so that all processes take the same number of steps.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT
 * @example const mine = shard(images, { index: rank, count: worldSize });
 */
export function shard<T>(source: IndexedSource<T>, options: ShardOptions): IndexedDataset<T>;
export function shard<T>(source: Source<T>, options: ShardOptions): Dataset<T>;
export function shard<T>(source: Source<T>, options: ShardOptions): Dataset<T> {
  checkOptions('shard', options, ['index', 'count']);
  const { index, count } = options;
  checkPositive('shard', 'count', count);
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[shard] expected index from 0 to ${count - 1}, got ${index}`);
  const dataset = toDataset(source);
  const place = (own: number): number => own * count + index;
  if (isIndexed(dataset))
    return new Indexed(
      'shard',
      (own) => dataset.get(place(own)),
      Math.floor(dataset.count / count),
      Math.max(1, Math.floor(dataset.epoch / count)),
    );
  return new Cursor('shard', async function* (first) {
    let skip = 0;
    for await (const sample of readFrom(dataset, place(first)))
      if (skip-- === 0) {
        yield sample;
        skip = count - 1;
      }
  });
}

/**
 * The whole dataset again and again. In a random order use `shuffle(repeat(dataset), …)`, which draws another one for every pass.
 * @param epochs how often (default: without end)
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT; while reading ERR_JEPA_DATASET if there is nothing to repeat, or a stream is read once
 * @example const endless = batch(shuffle(repeat(images), { seed: 1 }), 32);
 */
export function repeat<T>(source: IndexedSource<T>, epochs?: number): IndexedDataset<T>;
export function repeat<T>(source: Source<T>, epochs?: number): Dataset<T>;
export function repeat<T>(source: Source<T>, epochs: number = Number.POSITIVE_INFINITY): Dataset<T> {
  if (epochs !== Number.POSITIVE_INFINITY) checkPositive('repeat', 'epochs', epochs);
  const dataset = toDataset(source);
  if (isIndexed(dataset)) {
    const { count } = dataset;
    if (count === 0) throw nothing();
    return new Indexed('repeat', (index) => dataset.get(index % count), count * epochs, dataset.epoch);
  }
  let length: number | undefined; // known after the first pass
  return new Cursor('repeat', async function* (first) {
    let epoch = length === undefined ? 0 : Math.floor(first / length);
    let start = length === undefined ? 0 : first % length;
    let drop = length === undefined ? first : 0;
    for (; epoch < epochs; epoch++, start = 0) {
      let at = start;
      for await (const sample of readFrom(dataset, start)) {
        at++;
        if (drop > 0) drop--;
        else yield sample;
      }
      if (at === 0) throw nothing();
      length = at;
    }
  });
}

function nothing(): JepaError {
  return new JepaError('ERR_JEPA_DATASET', '[repeat] expected at least one sample to repeat, got none');
}
