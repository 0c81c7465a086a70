import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/index.js';
import { ModuleTraining } from '../train/module-training.js';

/**
 * Trains a small head beside a model that stays as it is.
 * @param loss of a batch: tensors in arrays and objects   @param draw the batch of the next update
 * @param options.onStep called after each update, its number from 1
 * @throws JepaError ERR_JEPA_ABORTED by the signal
 */
export async function trainHead<Batch>(
  head: Module,
  loss: (batch: Batch) => Tensor,
  draw: () => Batch | Promise<Batch>,
  options: {
    /** Of the program, for errors and profiles. */
    readonly name: string;
    readonly steps: number;
    /** At its peak. */
    readonly learningRate: number;
    readonly weightDecay?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (step: number, loss: number) => void;
  },
): Promise<void> {
  const { name, steps, learningRate, weightDecay, signal, onStep } = options;
  const training = new ModuleTraining(head, loss, { name, learningRate, weightDecay });
  try {
    for (let index = 0; index < steps; index++) {
      const metrics = await training.step(await draw(), index, { steps, signal });
      onStep?.(index + 1, metrics.loss);
    }
  } finally {
    training.dispose();
  }
}
