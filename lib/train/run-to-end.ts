import type { Dataset } from '../data/dataset.js';
import { JepaError } from '../errors.js';
import type { TrainingEvent } from './events.js';
import type { Trainer } from './trainer.js';

/**
 * Runs a trainer through all of its steps.
 * @param where for the error   @throws JepaError ERR_JEPA_ABORTED if the signal stops it before
 */
export async function runToEnd<Batch>(
  where: string,
  trainer: Trainer<Batch>,
  batches: Dataset<Batch> | AsyncIterable<Batch>,
  { signal, onEvent }: { readonly signal?: AbortSignal; readonly onEvent?: (event: TrainingEvent) => void },
): Promise<void> {
  for await (const event of trainer.run(batches, { signal })) {
    onEvent?.(event);
    if (event.type === 'interrupted')
      throw new JepaError(
        'ERR_JEPA_ABORTED',
        `[${where}] stopped by its signal at step ${event.step} of ${trainer.options.steps}`,
        { cause: signal?.reason },
      );
  }
}
