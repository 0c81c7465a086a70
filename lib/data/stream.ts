import { JepaError } from '../errors.js';
import { Cursor } from './cursor.js';
import { type Dataset, fromIndex, type Source } from './dataset.js';
import { isAsyncIterable } from './iterable.js';

/**
 * A dataset of samples that come in order: an async iterable, a Node stream in object mode, a web stream, or a function that opens one of
 * them (an async generator function, for instance). Going to an index reads and drops what comes before it; going back opens the source
 * anew, which a function can and a stream cannot.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT; while reading ERR_JEPA_DATASET on going back in a source that is read once
 * @example
 * const lines = fromStream(() => createInterface({ input: createReadStream('readings.jsonl') }));
 * const readings = map(lines, (line) => JSON.parse(line));
 */
export function fromStream<T>(source: AsyncIterable<T> | (() => AsyncIterable<T>)): Dataset<T> {
  const open = typeof source === 'function' ? source : () => source;
  if (typeof source !== 'function') iterable(source);
  let once: Reading<T> | undefined;
  return new Cursor('fromStream', (index) => {
    if (once && (once.closed || once.at > index)) throw readAlready(once, index);
    const reading = once ?? begin(open());
    if (typeof source !== 'function' && isReadOnce(source, reading.iterator)) once = reading;
    return readFrom(reading, index);
  });
}

/** Any source as a dataset. An array is one of which any sample can be had. */
export function toDataset<T>(source: Source<T>): Dataset<T> {
  if (Array.isArray(source)) {
    const samples: readonly T[] = source;
    return fromIndex((index) => samples[index], { count: samples.length });
  }
  if (typeof source === 'object' && source !== null && 'seek' in source) return source as Dataset<T>;
  return fromStream(source as AsyncIterable<T> | (() => AsyncIterable<T>));
}

interface Reading<T> {
  readonly iterator: AsyncIterator<T>;
  /** Samples read so far. */
  at: number;
  closed: boolean;
}

function begin<T>(source: AsyncIterable<T>): Reading<T> {
  return { iterator: iterable(source)[Symbol.asyncIterator](), at: 0, closed: false };
}

async function* readFrom<T>(reading: Reading<T>, index: number): AsyncGenerator<T, void, void> {
  try {
    for (;;) {
      const next = await reading.iterator.next().catch((error: unknown) => failed(reading.at, error));
      if (next.done) return;
      if (reading.at++ >= index) yield next.value;
    }
  } finally {
    reading.closed = true;
    await reading.iterator.return?.();
  }
}

/** A generator is its own iterator; a stream of Node's or the web's makes one, but its content is gone when that has ended. */
function isReadOnce<T>(source: AsyncIterable<T>, iterator: AsyncIterator<T>): boolean {
  return (source as unknown) === iterator || 'pipe' in source || 'getReader' in source;
}

function iterable<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  if (isAsyncIterable(source)) return source;
  const got = source === null ? 'null' : typeof source;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[fromStream] expected an async iterable, a stream, or a function that opens one, got ${got}`,
  );
}

/** A source that fails is over: its error is not that of a sample, which may be skipped. */
function failed(index: number, cause: unknown): never {
  if (cause instanceof JepaError && cause.code !== 'ERR_JEPA_CORRUPT_SAMPLE') throw cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  throw new JepaError('ERR_JEPA_DATASET', `[fromStream] expected sample ${index}, but the source failed: ${message}`, {
    cause,
  });
}

function readAlready(reading: Reading<unknown>, index: number): JepaError {
  return new JepaError(
    'ERR_JEPA_DATASET',
    `[fromStream] expected to go on from sample ${reading.at}, got a request for sample ${index} of a source that is read once${reading.closed ? ' and is closed' : ''}`,
    { help: ['give a function that opens it: fromStream(() => createReadStream(…))'] },
  );
}
