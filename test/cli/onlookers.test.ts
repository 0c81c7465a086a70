import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { inColour } from '#lib/cli/page/film-strip.js';
import { remember } from '#lib/cli/page/history.js';
import { LivePage } from '#lib/cli/watch/live-page.js';
import { ModelWatch } from '#lib/cli/watch/model-watch.js';
import { Onlookers } from '#lib/cli/watch/onlookers.js';
import { fromIndex } from '#lib/data/index.js';
import { TensorBoardWriter, Trainer, type TrainingEvent } from '#lib/train/index.js';
import { WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { anyClipsFor, multimodalConfig } from '../world-model/small.js';

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

it('a look at a model of several modalities shows the pictures of each, and no readings', async () => {
  const model = new WorldModel(structuredClone(multimodalConfig));
  const training = new WorldModelTraining(model, { objective: { firstTarget: 1, directions: 8 } });
  const batch = anyClipsFor(model.config, 2, 10, 1);
  const dataset = Object.assign(
    fromIndex(() => batch),
    { statisticsBatches: async () => [batch] },
  );
  const watched = { training, dataset, seed: 0, signal: new AbortController().signal };
  const watch = await ModelWatch.open(watched);
  const { samples, violations } = await watch.look(0);
  expect(violations).toEqual([]);
  expect(
    samples.map(({ clip, modality, frames, strip }) => [clip, modality, frames, strip.height, strip.width]),
  ).toEqual(
    [1, 2].flatMap((clip) => [
      [clip, 'front', 10, 16, 160],
      [clip, 'wrist', 10, 8, 120],
    ]),
  );
  const { wrist } = batch.observations as Record<string, Uint8Array>;
  expect(samples[1].strip.pixels.slice(0, 36)).toEqual(wrist.slice(0, 36)); // the first row of the first frame
  watch.dispose();

  const images = vi.spyOn(TensorBoardWriter.prototype, 'image');
  const looks = vi.spyOn(LivePage.prototype, 'look');
  const warnings: string[] = [];
  const onlookers = new Onlookers(watched, (message) => warnings.push(message));
  const folder = temporaryFolder();
  await onlookers.openPage(folder, { port: 0, step: 0 });
  await onlookers.openBoard(folder, 0);
  await onlookers.look(0);
  await onlookers.close('done');
  expect(warnings).toEqual([]);
  expect(looks.mock.calls[0][0].samples.map(({ clip, modality }) => `${clip} ${modality}`)).toEqual([
    '1 front',
    '1 wrist',
    '2 front',
    '2 wrist',
  ]);
  expect(images.mock.calls.map(([, tag]) => tag)).toEqual(
    [1, 2].flatMap((clip) => [`samples/${clip}/front`, `samples/${clip}/wrist`]),
  );
  training.dispose();
});

it('pictures of other channels than three are shown in grey, or by their first three', () => {
  expect([...inColour(Uint8Array.of(1, 2), 1)]).toEqual([1, 1, 1, 2, 2, 2]);
  expect([...inColour(Uint8Array.of(1, 9, 2, 9), 2)]).toEqual([1, 1, 1, 2, 2, 2]);
  expect([...inColour(Uint8Array.of(1, 2, 3, 9, 4, 5, 6, 9), 4)]).toEqual([1, 2, 3, 4, 5, 6]);
});
