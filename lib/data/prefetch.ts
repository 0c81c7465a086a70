import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { ahead } from './ahead.js';
import { checkPositive } from './check.js';
import { Cursor } from './cursor.js';
import { type Dataset, iterate, type Source } from './dataset.js';
import type { BatchGenerator } from './generator.js';
import { toDataset } from './stream.js';
import { WorkerDataset, type WorkerDatasetOptions } from './worker-dataset.js';

export interface PrefetchOptions {
  /** Samples that are read before they are asked for (default 4): the memory it may take. */
  readonly lookahead?: number;
  /** Stops waiting for a sample with ERR_JEPA_ABORTED. */
  readonly signal?: AbortSignal;
}

/**
 * Reads ahead of the training loop on this thread: enough where reading waits for disks, networks or decoders with threads of their own.
 * Where JavaScript itself is busy (parsing, augmenting), use {@link prefetchInWorkers}. Order and positions stay the same.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT; while reading ERR_JEPA_ABORTED by the signal
 * @example for await (const event of trainer.run(prefetch(batch(images, 32)))) …
 */
export function prefetch<T>(source: Source<T>, options: PrefetchOptions = {}): Dataset<T> {
  checkOptions('prefetch', options, ['lookahead', 'signal']);
  const { lookahead, signal } = withDefaults({ lookahead: 4 }, options);
  checkPositive('prefetch', 'lookahead', lookahead);
  const dataset = toDataset(source);
  return new Cursor('prefetch', (index) => ahead('prefetch', iterate(dataset, index), { lookahead, signal }));
}

/**
 * An indexed dataset whose samples are made by worker threads ahead of their use and come in order. Arrays are copied in the worker.
 * @param dataset which function makes the dataset: `name`, exported by `module`, is called in every worker with `options` (plain data)
 *   and returns (a promise of) an {@link IndexedDataset}, such as `batch(…)` of indexed ones
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT; while reading what samples throw, and ERR_JEPA_DATASET if a thread
 *   ends or the function returns anything else
 * @example
 * // batches.js: export const batches = async ({ folder, seed }) => batch(shuffle(repeat(await imageFolder(folder)), { seed }), 32);
 * const module = new URL('./batches.js', import.meta.url);
 * const dataset = prefetchInWorkers({ module, name: 'batches', options: { folder: 'photos', seed: 1 } }, { workers: 2 });
 */
export function prefetchInWorkers<T>(dataset: BatchGenerator, options: WorkerDatasetOptions = {}): Dataset<T> {
  const { module, name } = dataset ?? {};
  if ((typeof module !== 'string' && !(module instanceof URL)) || typeof name !== 'string')
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      '[prefetchInWorkers] expected { module, name, options } that say which exported function makes the dataset, got something else',
      { help: ['a dataset cannot change threads: export a function that makes it from a module'] },
    );
  return new WorkerDataset<T>(
    {
      module: new URL('./sample-in-worker.js', import.meta.url),
      name: 'sampleInWorker',
      options: { ...dataset, module: String(module) },
    },
    options,
  );
}
