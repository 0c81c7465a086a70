import type { Module } from '../nn/module.js';
import { adamW } from '../optim/adamw.js';
import { warmupCosine } from '../optim/schedules.js';
import { compile, scalar, type Tensor, valueAndGrad } from '../tensor/index.js';

/**
 * Trains a small head beside a model that stays as it is: AdamW with a few updates of warm-up, then a cosine.
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
  const optimiser = adamW(head.parameters(), { weightDecay, clipNorm: 1 });
  const step = compile(
    (batch: Batch, rate: Tensor) => {
      const { value, gradients } = valueAndGrad(() => loss(batch), head.parameters());
      optimiser.update(gradients, { learningRate: rate });
      return { loss: value };
    },
    { name },
  );
  const rate = warmupCosine({
    base: learningRate,
    final: learningRate * 0.03,
    warmup: Math.min(50, Math.floor(steps / 4)),
    total: steps,
  });
  try {
    for (let index = 0; index < steps; index++) {
      const { loss: found } = await step.call({ signal }, await draw(), scalar(rate(index)));
      onStep?.(index + 1, await found.item());
    }
  } finally {
    step.dispose();
    optimiser.dispose();
  }
}
