export { type Dataset, fromIndex } from './dataset.js';
export type { BatchGenerator } from './generator.js';
export { WorkerDataset, type WorkerDatasetOptions } from './worker-dataset.js';
