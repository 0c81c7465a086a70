// jepa's side of the tiny-train suite: the training step of `jepa demo` on prepared batches, two steps in flight as its Trainer has.
import { readSafetensors } from '#lib/index.js';
import { serve } from '../harness/serve.js';
import { type Check, checkSteps, preparedBatches, worldModel } from '../suites/tiny-train.js';

const [path, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const batches = preparedBatches(tensors);
const { training } = worldModel(precision as 'float32' | 'bfloat16');
let done = 0;

await serve({
  check: async (): Promise<Check[]> => {
    const terms: Check[] = [];
    for (let index = 0; index < checkSteps; index++)
      terms.push(await training.step(batches[index % batches.length], index, { steps: checkSteps }));
    return terms;
  },
  /** Milliseconds between the ends of successive steps. */
  time: async ({ steps }: { readonly steps: number }): Promise<number[]> => {
    const times: number[] = [];
    const running: Promise<unknown>[] = [];
    let last = performance.now();
    for (let index = 0; index < steps || running.length > 0; index++) {
      if (index < steps) running.push(training.step(batches[done % batches.length], done++, { steps: 1e6 }));
      if (index === 0 && steps > 1) continue;
      await running.shift();
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times;
  },
});
