import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { unlessAborted } from './abort.js';
import { checkCount, checkIndex, type Dataset } from './dataset.js';
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
 * Batches computed by worker threads ahead of their use, delivered strictly in order; arrays change threads without being copied.
 * Threads live as long as an iteration; leaving the loop ends them.
 * @example
 * const dataset = new WorkerDataset({ module: new URL('./clips.js', import.meta.url), name: 'clipBatch', options: { seed: 1 } }, { workers: 2 });
 * for await (const batch of dataset) …
 * @throws JepaError ERR_JEPA_DATASET when a generator fails or a thread ends, ERR_JEPA_ABORTED by the signal
 */
export class WorkerDataset<Batch> implements Dataset<Batch> {
  readonly #generator: BatchGenerator;
  readonly #options: Required<Omit<WorkerDatasetOptions, 'signal'>> & { readonly signal?: AbortSignal };
  #index = 0;
  #seeks = 0;
  #iterating = false;

  constructor(generator: BatchGenerator, options: WorkerDatasetOptions = {}) {
    checkOptions('WorkerDataset', options, ['workers', 'lookahead', 'count', 'signal']);
    const workers = options.workers ?? 1;
    const lookahead = Math.max(4, 2 * workers);
    this.#options = withDefaults({ workers, lookahead, count: Number.POSITIVE_INFINITY }, options);
    for (const key of ['workers', 'lookahead'] as const) {
      const value = this.#options[key];
      if (!Number.isInteger(value) || value < 1)
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[WorkerDataset] expected ${key} to be a positive integer, got ${value}`,
        );
    }
    checkCount('WorkerDataset', this.#options.count);
    this.#generator = generator;
  }

  /** Index of the batch that comes next. */
  get index(): number {
    return this.#index;
  }

  seek(index: number): void {
    this.#index = checkIndex('WorkerDataset', index);
    this.#seeks++;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, void> {
    if (this.#iterating)
      throw new JepaError('ERR_JEPA_DATASET', '[WorkerDataset] expected one iteration at a time, got a second one');
    this.#iterating = true;
    const { workers, lookahead, count, signal } = this.#options;
    let pool = new WorkerPool(this.#generator, workers);
    try {
      while (this.#index < count) {
        const seeks = this.#seeks;
        const queue: Promise<Batch>[] = [];
        const fill = (): void => {
          for (let next = this.#index + queue.length; queue.length < lookahead && next < count; next++) {
            const batch = pool.request(next) as Promise<Batch>;
            batch.catch(() => {}); // reported when its turn comes
            queue.push(batch);
          }
        };
        while (this.#index < count && this.#seeks === seeks) {
          fill();
          const batch = await unlessAborted('WorkerDataset', queue.shift() as Promise<Batch>, signal);
          if (this.#seeks !== seeks) break;
          this.#index++;
          fill();
          yield batch;
        }
        if (this.#seeks !== seeks) {
          await pool.terminate(); // what it has under way is of no use
          pool = new WorkerPool(this.#generator, workers);
        }
      }
    } finally {
      this.#iterating = false;
      await pool.terminate();
    }
  }
}
