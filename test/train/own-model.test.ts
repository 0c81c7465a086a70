import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCheckpoint, Trainer, type TrainingEvent } from '#lib/train/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { Regression, type Rows, recordings } from './regression.js';

const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const checkpoint = (folder: string): string => join(folder, 'checkpoint.safetensors');

/** Trains until the end, or until `stopAt` steps have been reported. */
async function train(
  folder: string,
  dataset: AsyncIterable<Rows>,
  { steps = 24, resume = false, stopAt = Number.POSITIVE_INFINITY, inFlight = 2 } = {},
): Promise<{ events: TrainingEvent[]; model: Regression }> {
  const model = new Regression();
  const trainer = new Trainer(model, { steps, directory: folder, reportEvery: 1, checkpointEvery: 10, inFlight });
  if (resume) await trainer.resume(checkpoint(folder));
  const controller = new AbortController();
  const events: TrainingEvent[] = [];
  for await (const event of trainer.run(dataset, { signal: controller.signal })) {
    events.push(event);
    if (event.type === 'step' && event.step >= stopAt) controller.abort();
  }
  return { events, model };
}

test('a model that a user wrote is trained by the same trainer, and learns', async () => {
  const { events } = await train(temporaryFolder(), recordings(), { steps: 150 });
  const losses = events.flatMap((event) => (event.type === 'step' ? [event.metrics.loss] : []));
  expect(losses.length).toBe(150);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(losses.slice(-20))).toBeLessThan(0.25 * mean(losses.slice(0, 5)));
  expect(events.at(-1)).toMatchObject({ type: 'done', step: 150 });
});

test('interrupted anywhere and resumed in a new process, it ends in the same bytes', async () => {
  const whole = temporaryFolder();
  await train(whole, recordings());
  const { step, state, description } = await readCheckpoint(checkpoint(whole));
  expect(step).toBe(24);
  expect(description).toEqual({ kind: 'regression', noise: 0.1 });
  expect([...state.keys()].filter((name) => name.includes('hidden.weight')).sort()).toEqual([
    'average.hidden.weight',
    'model.hidden.weight',
  ]);
  expect([...state.keys()]).toContain('optimiser.0.exp_avg_sq');
  for (const stopAt of [1, 9, 10, 17]) {
    const folder = temporaryFolder();
    const { events } = await train(folder, recordings(), { stopAt });
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'interrupted', path: checkpoint(folder) });
    expect((await readCheckpoint(checkpoint(folder))).step).toBe(last?.step);
    expect(last?.step).toBeLessThan(24);
    const { model } = await train(folder, recordings(), { resume: true, inFlight: 1 + (stopAt % 3) });
    expect(hash(checkpoint(folder))).toBe(hash(checkpoint(whole)));
    expect((await model.stateDict()).get('average.out.weight')).toEqual(state.get('average.out.weight'));
  }
});

test('recordings that only come in order are read past the steps already done', async () => {
  const whole = temporaryFolder();
  await train(whole, recordings());
  const read: number[] = [];
  async function* inOrder(): AsyncGenerator<Rows> {
    let index = 0;
    for await (const batch of recordings()) {
      read.push(index++);
      yield batch;
    }
  }
  const folder = temporaryFolder();
  await train(folder, inOrder(), { stopAt: 8 });
  read.length = 0;
  await train(folder, inOrder(), { resume: true });
  expect(read[0]).toBe(0);
  expect(read.length).toBe(24);
  expect(hash(checkpoint(folder))).toBe(hash(checkpoint(whole)));
});

test('what is saved is what the step depends on: noise, averages and schedule go on where they were', async () => {
  const [one, other] = [temporaryFolder(), temporaryFolder()];
  await train(one, recordings(), { steps: 24, stopAt: 12 });
  await train(other, recordings(), { steps: 24, stopAt: 12 });
  const resumed = new Trainer(new Regression(), { steps: 24 });
  await resumed.resume(checkpoint(one));
  const at = resumed.step;
  const losses: number[] = [];
  const fresh = new Trainer(new Regression(), { steps: 24, reportEvery: 1 });
  for await (const event of fresh.run(recordings()))
    if (event.type === 'step' && event.step > at) losses.push(event.metrics.loss);
  const again = new Trainer(new Regression(), { steps: 24, reportEvery: 1 });
  await again.resume(checkpoint(other));
  const continued: number[] = [];
  for await (const event of again.run(recordings())) if (event.type === 'step') continued.push(event.metrics.loss);
  expect(continued).toEqual(losses);
});
