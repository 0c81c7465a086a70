import { WorkerDataset, type WorkerDatasetOptions } from '../../data/worker-dataset.js';
import { checkOptions } from '../../io/options.js';
import type { PhysicsBatch, PhysicsBatchOptions } from './training.js';

export interface PhysicsDatasetOptions extends PhysicsBatchOptions, WorkerDatasetOptions {}

/**
 * Endless fresh clips of the physics suite, computed beside training by worker threads. Batch `index` is that of
 * `physicsTrainingBatch(options, index)`, so `seek` resumes exactly.
 * @example
 * const dataset = new physics.PhysicsDataset({ seed: 1, count: 2 });
 * for await (const { observations, actions } of dataset) console.log(observations.length, actions.length);
 */
export class PhysicsDataset extends WorkerDataset<PhysicsBatch> {
  constructor(options: PhysicsDatasetOptions) {
    checkOptions('PhysicsDataset', options, ['seed', 'clips', 'twinGroups', 'workers', 'lookahead', 'count', 'signal']);
    const { seed, clips = 16, twinGroups = 1, ...rest } = options;
    super(
      {
        module: new URL('./generate.js', import.meta.url),
        name: 'physicsTrainingBatch',
        options: { seed, clips, twinGroups } satisfies PhysicsBatchOptions,
      },
      rest,
    );
  }
}
