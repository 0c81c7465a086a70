import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { remember } from '#lib/cli/page/history.js';
import { LivePage } from '#lib/cli/watch/live-page.js';
import { ModelWatch } from '#lib/cli/watch/model-watch.js';
import { Onlookers } from '#lib/cli/watch/onlookers.js';
import { TensorBoardWriter, Trainer, type TrainingEvent } from '#lib/train/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import { temporaryFolder } from '../io/temporary-folder.js';

const step = (at: number): TrainingEvent => ({
  type: 'step',
  step: at,
  steps: 1e6,
  metrics: { loss: 1 },
  samplesPerSecond: 1,
  secondsLeft: 1,
});
const warning = (at: number): TrainingEvent => ({ type: 'warning', step: at, message: 'collapsing' });

afterEach(() => vi.restoreAllMocks());

/** A training of four steps with all who can look on. */
async function train(): Promise<{ last: TrainingEvent | undefined; warnings: string[]; onlookers: Onlookers }> {
  const { training, dataset } = physicsTraining({ preset: 'tiny', seed: 5, clips: 4, workers: 1 });
  const warnings: string[] = [];
  const { signal } = new AbortController();
  const onlookers = new Onlookers({ training, dataset, seed: 5, signal }, (message) => warnings.push(message));
  const folder = temporaryFolder();
  await onlookers.openPage(folder, { port: 0, step: 0 });
  await onlookers.openBoard(folder, 0);
  await onlookers.look(0);
  let last: TrainingEvent | undefined;
  for await (const event of new Trainer(training, { steps: 4, reportEvery: 1, healthEvery: 2 }).run(
    onlookers.dataset,
  )) {
    await onlookers.see(event);
    last = event;
  }
  await onlookers.close('done');
  training.dispose();
  return { last, warnings, onlookers };
}

describe('a training goes on', () => {
  it('without TensorBoard, where its file cannot be written', async () => {
    const full = new Error('[io] cannot write events: ENOSPC');
    const scalars = vi.spyOn(TensorBoardWriter.prototype, 'scalars').mockRejectedValue(full);
    const { last, warnings } = await train();
    expect(last).toMatchObject({ type: 'done', step: 4 });
    expect(warnings).toEqual([`the training goes on without TensorBoard: ${full.message}`]);
    expect(scalars).toHaveBeenCalledOnce();
  });

  it('without looks at the model, where they fail; numbers are still shown', async () => {
    const look = vi.spyOn(ModelWatch.prototype, 'look').mockRejectedValue(new Error('no memory'));
    const told = vi.spyOn(LivePage.prototype, 'training');
    const { last, warnings } = await train();
    expect(last).toMatchObject({ type: 'done', step: 4 });
    expect(warnings).toEqual(['the training goes on, but is no longer looked into: no memory']);
    expect(look).toHaveBeenCalledOnce();
    expect(told).toHaveBeenLastCalledWith(last);
  });

  it('without its live page, where that fails, and where nobody can be told the end', async () => {
    vi.spyOn(LivePage.prototype, 'training').mockImplementation(() => {
      throw new Error('no more page');
    });
    vi.spyOn(TensorBoardWriter.prototype, 'close').mockRejectedValue(new Error('EIO'));
    const { last, warnings } = await train();
    expect(last).toMatchObject({ type: 'done', step: 4 });
    expect(warnings).toEqual([
      'the training goes on without its live page: no more page',
      'the TensorBoard file could not be closed: EIO',
    ]);
  });
});

describe('the live page', () => {
  it('tells of every failure of its server, which would end the process otherwise', async () => {
    const servers: Server[] = [];
    const prototype = Object.getPrototypeOf(createServer()) as Server;
    const { listen } = prototype;
    vi.spyOn(prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
      servers.push(this);
      return Reflect.apply(listen, this, args) as Server;
    });
    const failed: string[] = [];
    const page = await LivePage.open('run', { failed: ({ message }) => failed.push(message) });
    for (const message of ['EMFILE', 'ENFILE']) servers[0].emit('error', new Error(message));
    expect(failed).toEqual(['EMFILE', 'ENFILE']);
    await page.close('done');
  });

  it('remembers a bounded part of a run, whatever it consists of', () => {
    const events: TrainingEvent[] = [];
    for (let at = 1; at <= 20_000; at++) {
      remember(events, step(at));
      remember(events, warning(at));
      expect(events.length).toBeLessThanOrEqual(4000);
    }
    const of = (type: string): number[] => events.filter((event) => event.type === type).map((event) => event.step);
    for (const steps of [of('step'), of('warning')]) {
      expect(steps.length).toBeGreaterThan(900);
      expect(steps[0]).toBe(1);
      expect(steps.at(-1)).toBeGreaterThan(19_900);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    }
  });
});
