import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
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

/** Corrupt samples in a row after which it is the dataset that is wrong. */
const mostInARow = 1000;

/** Indices of corrupt samples that are remembered, so that a long run over a bad source does not fill the memory. */
const mostRemembered = 100_000;

/** A sample that could not be had. */
export interface CorruptSample {
  readonly index: number;
  readonly error: unknown;
}

export interface SkipCorruptOptions {
  /** Called once for each of 100,000, in every thread that meets it (default: a warning of the process); beyond, again where met again. */
  readonly onCorrupt?: (sample: CorruptSample) => void;
  /** Which errors mean a bad sample (default: those with code ERR_JEPA_CORRUPT_SAMPLE); others are thrown. */
  readonly isCorrupt?: (error: unknown) => boolean;
}

/**
 * Goes on with the next sample where one is corrupt, and reports it. In an indexed dataset the next good one takes its place, so that
 * positions and the number of samples stay what they are and a resumed run meets the same samples; a stream becomes shorter.
 * Put it behind what decodes and before `batch`.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION; while reading other errors, and the last one if no sample of a pass, or of 1,000 in a row, is good
 * @example const images = skipCorrupt(await imageFolder('photos'), { onCorrupt: ({ error }) => console.error(error) });
 */
export function skipCorrupt<T>(source: IndexedSource<T>, options?: SkipCorruptOptions): IndexedDataset<T>;
export function skipCorrupt<T>(source: Source<T>, options?: SkipCorruptOptions): Dataset<T>;
export function skipCorrupt<T>(source: Source<T>, options: SkipCorruptOptions = {}): Dataset<T> {
  checkOptions('skipCorrupt', options, ['onCorrupt', 'isCorrupt']);
  const { onCorrupt = warn, isCorrupt = hasCorruptCode } = options;
  const reported = new Set<number>();
  const report = (index: number, error: unknown): void => {
    if (!isCorrupt(error)) throw error;
    if (reported.has(index)) return;
    if (reported.size >= mostRemembered) reported.delete(reported.values().next().value as number); // the first of them
    reported.add(index);
    onCorrupt({ index, error });
  };
  const dataset = toDataset(source);
  if (isIndexed(dataset)) {
    const { count, epoch } = dataset;
    const get = async (first: number): Promise<T> => {
      for (let tried = 1, index = first; ; tried++, index = (index + 1) % count)
        try {
          return await dataset.get(index);
        } catch (error) {
          report(index, error);
          if (tried >= Math.min(epoch, mostInARow)) throw error;
        }
    };
    return new Indexed('skipCorrupt', get, count, epoch);
  }
  return new Cursor('skipCorrupt', async function* (first) {
    const iterator = iterate(dataset, 0); // how many before `first` are corrupt is not known otherwise
    let good = 0;
    let inARow = 0;
    const missed = (index: number, error: unknown): void => {
      report(index, error);
      if (++inARow >= mostInARow) throw error;
    };
    try {
      for (let index = 0; ; index++) {
        const next = await iterator.next().catch((error: unknown) => missed(index, error));
        if (!next) continue;
        if (next.done) return;
        inARow = 0;
        if (good++ >= first) yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  });
}

function hasCorruptCode(error: unknown): boolean {
  return error instanceof JepaError && error.code === 'ERR_JEPA_CORRUPT_SAMPLE';
}

function warn({ index, error }: CorruptSample): void {
  const message = error instanceof Error ? error.message : String(error);
  process.emitWarning(`sample ${index} is corrupt and is skipped: ${message}`, { code: 'JEPA_CORRUPT_SAMPLE' });
}
