export { type Dataset, fromIndex } from './dataset.js';
export type { Generator } from './generator.js';
export { WorkerDataset, type WorkerDatasetOptions } from './worker-dataset.js';
