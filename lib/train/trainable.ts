import type { HostTensor } from '../io/safetensors.js';
import type { HealthReport, Metrics } from './events.js';

/** Anything a {@link Trainer} can train: a world model, or a model that you wrote around your own compiled step. */
export interface Trainable<Batch> {
  /**
   * One optimisation step. Resolves when the step has happened wholly; rejects when it has not happened at all.
   * Must depend on nothing but the state, the batch and `step`, or resuming would not repeat it.
   * @param step number of the step, from 0
   */
  step(
    batch: Batch,
    step: number,
    options: { readonly steps: number; readonly signal?: AbortSignal },
  ): Promise<Metrics>;
  /** Everything that the next step depends on: weights, optimiser, averages. */
  stateDict(): Promise<Map<string, HostTensor>>;
  loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void>;
  /** What the state belongs to (configuration, seed …), stored with it; a checkpoint of another description is refused. */
  readonly description: Readonly<Record<string, unknown>>;
  /** Samples of a batch, for rates: frames of a clip model, rows of a table. */
  samples(batch: Batch): number;
  health?(batch: Batch, step: number): Promise<HealthReport>;
}
