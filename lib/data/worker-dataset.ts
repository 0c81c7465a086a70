import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { ahead } from './ahead.js';
import { checkCount, checkPositive } from './check.js';
import { Cursor } from './cursor.js';
import type { BatchGenerator } from './generator.js';
import { WorkerPool } from './worker-pool.js';

export interface WorkerDatasetOptions {
  /** Threads (default 1). */
  readonly workers?: number;
  /** Batches computed or being computed before they are asked for (default 2 per worker, at least 4): the memory it may take. */
  readonly lookahead?: number;
  /** Number of batches (default: endless). */
  readonly count?: number;
  /** Stops waiting for a batch with ERR_JEPA_ABORTED. */
  readonly signal?: AbortSignal;
}

/**
 * Batches computed by worker threads ahead of their use, delivered strictly in order; arrays are copied in the worker alone.
 * Threads live as long as an iteration; leaving the loop ends them.
 * @example
 * const dataset = new WorkerDataset({ module: new URL('./clips.js', import.meta.url), name: 'clipBatch', options: { seed: 1 } }, { workers: 2 });
 * for await (const batch of dataset) …
 * @throws JepaError ERR_JEPA_DATASET when a generator fails or a thread ends, ERR_JEPA_ABORTED by the signal
 */
export class WorkerDataset<Batch> extends Cursor<Batch> {
  #iterating = false;

  constructor(generator: BatchGenerator, options: WorkerDatasetOptions = {}) {
    checkOptions('WorkerDataset', options, ['workers', 'lookahead', 'count', 'signal']);
    const workers = options.workers ?? 1;
    const lookahead = Math.max(4, 2 * workers);
    const settings = withDefaults({ workers, lookahead, count: Number.POSITIVE_INFINITY }, options);
    for (const key of ['workers', 'lookahead'] as const) checkPositive('WorkerDataset', key, settings[key]);
    checkCount('WorkerDataset', settings.count);
    super('WorkerDataset', (index) => inWorkers<Batch>(generator, settings, index));
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, void> {
    if (this.#iterating)
      throw new JepaError('ERR_JEPA_DATASET', '[WorkerDataset] expected one iteration at a time, got a second one');
    this.#iterating = true;
    try {
      yield* super[Symbol.asyncIterator]();
    } finally {
      this.#iterating = false;
    }
  }
}

function inWorkers<Batch>(
  generator: BatchGenerator,
  { workers, lookahead, count, signal }: WorkerDatasetOptions & { workers: number; lookahead: number; count: number },
  first: number,
): AsyncIterator<Batch> {
  const pool = new WorkerPool(generator, workers);
  const over: IteratorReturnResult<undefined> = { done: true, value: undefined };
  let index = first;
  const iterator: AsyncIterator<Batch> = {
    next: async () => {
      if (index >= count) return over;
      const value = (await pool.request(index++)) as Batch | undefined;
      return value === undefined ? over : { done: false, value };
    },
    return: async () => {
      await pool.terminate();
      return over;
    },
  };
  return ahead('WorkerDataset', iterator, { lookahead, signal });
}
