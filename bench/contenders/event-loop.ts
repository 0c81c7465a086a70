// jepa's side of the event-loop suite: the demo's training with its data workers, and a timer that counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { Trainer } from '#lib/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import { serve } from '../harness/serve.js';
import { type Ticks, timerMs } from '../suites/event-loop.js';

/** Health reports come as often as this, so that every turn has some; the first one compiles and belongs to `prepare`. */
const healthEvery = 10;

const { training, dataset } = physicsTraining({ preset: 'tiny', seed: 0, clips: 16, workers: 1 });

/** Trains until the signal, telling of every step. */
async function train(signal: AbortSignal, stepped: () => void): Promise<void> {
  const trainer = new Trainer(training, { steps: 1e6, healthEvery, reportEvery: 1 });
  for await (const event of trainer.run(dataset, { signal })) if (event.type === 'step') stepped();
}

async function count(seconds: number): Promise<Omit<Ticks, 'steps'>> {
  const gaps: number[] = [];
  const start = performance.now();
  let last = start;
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, timerMs);
  await sleep(seconds * 1000);
  clearInterval(timer);
  return { gaps, seconds: (performance.now() - start) / 1000 };
}

await serve({
  prepare: async (): Promise<void> => {
    const controller = new AbortController();
    let steps = 0;
    await train(controller.signal, () => {
      if (++steps > healthEvery) controller.abort();
    });
  },
  idle: async ({ seconds }: { readonly seconds: number }): Promise<Ticks> => ({ ...(await count(seconds)), steps: 0 }),
  /** Counts once steps flow: workers have started and loaded the physics engine. */
  training: async ({ seconds }: { readonly seconds: number }): Promise<Ticks> => {
    const controller = new AbortController();
    let steps = 0;
    let flowing = (): void => {};
    const begun = new Promise<void>((resolve) => {
      flowing = resolve;
    });
    const done = train(controller.signal, () => {
      if (++steps === 3) flowing();
    });
    await Promise.race([begun, done]);
    const before = steps;
    const ticks = await count(seconds);
    const after = steps;
    controller.abort();
    await done;
    return { ...ticks, steps: after - before };
  },
});
