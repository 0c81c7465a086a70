import { JepaError } from '../errors.js';
import { type IndexedDataset, isIndexed, type Source } from './dataset.js';
import { type BatchGenerator, importFunction } from './generator.js';

let opened: Promise<IndexedDataset<unknown>> | undefined;

/** Runs in a worker thread: sample `index` of the dataset that the function makes, once a thread; undefined after the last one. */
export async function sampleInWorker(maker: BatchGenerator, index: number): Promise<unknown> {
  opened ??= open(maker);
  const dataset = await opened;
  return index < dataset.count ? dataset.get(index) : undefined;
}

async function open({ module, name, options }: BatchGenerator): Promise<IndexedDataset<unknown>> {
  const make = await importFunction(module, name);
  const dataset = (await make(options)) as Source<unknown>;
  if (typeof dataset === 'object' && dataset !== null && isIndexed(dataset)) return dataset;
  throw new JepaError(
    'ERR_JEPA_DATASET',
    `[prefetchInWorkers] expected ${name} of ${module} to return an indexed dataset, got ${dataset === null ? 'null' : typeof dataset}`,
    { help: ['several threads cannot share a stream: use prefetch for it'] },
  );
}
