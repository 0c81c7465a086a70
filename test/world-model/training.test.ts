import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromIndex } from '#lib/data/index.js';
import { scalar, tensor } from '#lib/tensor/index.js';
import { Trainer, type TrainingEvent } from '#lib/train/index.js';
import { healthOf } from '#lib/world-model/health.js';
import { type ClipBatch, WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, pictureConfig, sensorConfig, transformerConfig } from './small.js';

const T = 8;
const light = { firstTwinFrame: 5, directions: 16 };
const batches = (clips = 16) => fromIndex<ClipBatch>((index) => clipsFor(sensorConfig, clips, T, index));

async function run(training: WorldModelTraining, dataset: AsyncIterable<ClipBatch>, steps: number, healthEvery = 0) {
  const events: TrainingEvent[] = [];
  for await (const event of new Trainer(training, { steps, healthEvery, reportEvery: 1 }).run(dataset))
    events.push(event);
  return events;
}

describe('WorldModelTraining', () => {
  it('lowers its loss, with every term reported at every step', async () => {
    const training = new WorldModelTraining(new WorldModel(sensorConfig), { objective: light, learningRate: 5e-3 });
    const events = await run(
      training,
      fromIndex(() => clipsFor(sensorConfig, 16, T, 0)),
      80,
    );
    const losses = events.flatMap((event) => (event.type === 'step' ? [event.metrics] : []));
    expect(losses.length).toBe(80);
    expect(Object.keys(losses[0]).sort()).toEqual(
      [
        'gradNorm',
        'inverseDynamics',
        'learningRate',
        'likelihood',
        'loss',
        'oneStep',
        'rollout',
        'sigreg',
        'temporalSigreg',
      ].sort(),
    );
    expect(losses[79].loss).toBeLessThan(0.8 * losses[0].loss);
    expect(losses[79].inverseDynamics).toBeLessThan(losses[0].inverseDynamics);
  });

  it('lowers the loss of transformers, whose average becomes a model that is saved and loaded', async () => {
    const model = new WorldModel(transformerConfig);
    const training = new WorldModelTraining(model, { objective: light, learningRate: 5e-3 });
    const batch = clipsFor(transformerConfig, 8, T, 0);
    const events = await run(
      training,
      fromIndex(() => batch),
      40,
      20,
    );
    const losses = events.flatMap((event) => (event.type === 'step' ? [event.metrics.loss] : []));
    expect(losses[39]).toBeLessThan(0.85 * losses[0]);
    expect(events.find(({ type }) => type === 'health')).toMatchObject({ health: { collapsed: false } });
    await training.finish([batch]);
    const path = join(temporaryFolder(), 'model.jepa');
    await model.save(path);
    const loaded = await WorldModel.load(path);
    const [observations, actions] = model.tensors(batch);
    const [own, read] = await Promise.all(
      [model, loaded].map(async (of) => (await of.rollout(observations, actions)).embeddings.data()),
    );
    expect(read).toEqual(own);
  });

  it('is disposed of without its model', async () => {
    const model = new WorldModel(sensorConfig);
    const training = new WorldModelTraining(model, { objective: light });
    const batch = clipsFor(sensorConfig, 16, T);
    await training.step(batch, 0, { steps: 2 });
    training.dispose();
    await expect(training.step(batch, 1, { steps: 2 })).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
    for (const parameter of model.network.parameters()) expect((await parameter.read()).length).toBe(parameter.size);
  });

  it('reports collapse of constant data without a regulariser, and none of varied data', async () => {
    const constant = fromIndex((): ClipBatch => {
      const clips = clipsFor(sensorConfig, 16, T);
      return { ...clips, observations: new Float32Array(clips.observations.length).fill(0.25) };
    });
    const collapsing = new WorldModelTraining(new WorldModel(sensorConfig), { objective: { ...light, sigreg: 0 } });
    const bad = await run(collapsing, constant, 6, 3);
    const report = bad.find((event) => event.type === 'health');
    expect(report).toMatchObject({ step: 3, health: { collapsed: true } });
    expect(report?.type === 'health' && report.health.effectiveRank).toBeLessThan(1.5);
    expect(bad.find((event) => event.type === 'warning')).toMatchObject({
      step: 3,
      message: expect.stringMatching(/the embeddings are collapsing .*raise the weight of sigreg/),
    });
    for (const clips of [16, 4]) {
      const healthy = new WorldModelTraining(new WorldModel(sensorConfig), { objective: light });
      const good = await run(healthy, batches(clips), 6, 3);
      const { health } = good.find((event) => event.type === 'health') as Extract<TrainingEvent, { type: 'health' }>;
      expect(health.collapsed).toBe(false);
      expect(health.std.length).toBe(6);
      expect(health.std.every((value) => Math.abs(value - 1) < 0.05)).toBe(true); // standardised by their own batch
      expect(health.effectiveRank).toBeGreaterThan(2);
      expect(good.some(({ type }) => type === 'warning')).toBe(false);
    }
  });

  it('calls a representation collapsed when SIGReg or the spread says so, and a handful of clips when the spread does', async () => {
    const report = (sigreg: number, samples: number, eigenvalues: readonly number[]) => {
      const n = eigenvalues.length;
      const covariance = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? eigenvalues[i % n] : 0));
      return healthOf({
        sigreg: scalar(sigreg),
        covariance: tensor(covariance, { shape: [n, n] }),
        actionSensitivity: scalar(0.5),
        samples,
      });
    };
    expect(await report(1.1, 64, [1, 1, 1])).toMatchObject({
      collapsed: false,
      std: [1, 1, 1],
      actionSensitivity: 0.5,
    });
    expect((await report(1.1, 64, [1, 0, 0])).collapsed).toBe(true); // all on a line
    expect((await report(20, 64, [1, 1, 1])).collapsed).toBe(true); // 0.40 · 64 is 26
    expect((await report(1.6, 4, [1, 1, 1])).collapsed).toBe(false); // 0.40 · 4: as a healthy one may have
    expect((await report(1.6, 4, [1, 0, 0])).collapsed).toBe(true);
  });

  it('forgets the random start in its average: momentum is at most (step + 1) / (step + 10)', async () => {
    const training = new WorldModelTraining(new WorldModel(sensorConfig), {
      objective: light,
      warmupSteps: 0,
      learningRate: 0.01,
    });
    const name = 'encoder.hidden.weight';
    const read = async (part: string): Promise<Float32Array> =>
      (await training.stateDict()).get(`${part}.${name}`)?.data as Float32Array;
    let average = Float64Array.from(await read('model'));
    for (let step = 0; step < 3; step++) {
      await training.step(clipsFor(sensorConfig, 8, T, step), step, { steps: 3 });
      const [now, momentum] = [await read('model'), (step + 1) / (step + 10)];
      average = average.map((value, i) => momentum * value + (1 - momentum) * now[i]);
      close(`step ${step}`, await read('average'), average, 1e-6);
    }
  });

  it('notices actions that are ignored', async () => {
    const training = new WorldModelTraining(new WorldModel(sensorConfig));
    const clips = clipsFor(sensorConfig, 8, T);
    expect((await training.health(clips, 0)).actionSensitivity).toBeLessThan(1);
    const same = { ...clips, actions: new Float32Array(clips.actions.length).fill(0.3) };
    expect((await training.health(same, 0)).actionSensitivity).toBe(0);
  });

  it('stops at NaN in a batch, naming what became NaN, with nothing changed', async () => {
    const training = new WorldModelTraining(new WorldModel(sensorConfig), { objective: light });
    const before = await training.stateDict();
    for (const key of ['observations', 'actions'] as const) {
      const clips = clipsFor(sensorConfig, 4, T);
      const values = Float32Array.from(clips[key]);
      values[values.length >> 1] = Number.NaN;
      await expect(training.step({ ...clips, [key]: values }, 0, { steps: 10 })).rejects.toMatchObject({
        code: 'ERR_JEPA_NON_FINITE',
        message: expect.stringMatching(/loss/),
      });
    }
    expect(await training.stateDict()).toEqual(before);
  });

  it('refuses batches of other shapes and options of other names', async () => {
    const training = new WorldModelTraining(new WorldModel(sensorConfig), { objective: light });
    const clips = clipsFor(sensorConfig, 4, T);
    await expect(training.step({ ...clips, clips: 5 }, 0, { steps: 1 })).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
    });
    await expect(training.step({ ...clips, observations: new Uint8Array(96) }, 0, { steps: 1 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_JEPA_(SHAPE|DTYPE)$/),
    });
    const short = clipsFor(sensorConfig, 4, 3);
    await expect(training.step(short, 0, { steps: 1 })).rejects.toMatchObject({ name: 'JepaError' });
    const make = (options: object) => () => new WorldModelTraining(new WorldModel(sensorConfig), options);
    expect(make({ learningrate: 1 })).toThrow(/did you mean 'learningRate'/);
    expect(make({ objective: { sigReg: 1 } })).toThrow(/did you mean 'sigreg'/);
    for (const [options, message] of [
      [{ learningRate: Number.NaN }, 'expected learningRate to be a number, 0 or more, got NaN'],
      [{ objective: { rollout: -1 } }, 'expected rollout to be a number, 0 or more, got -1'],
      [{ objective: { critic: '1' } }, "expected critic to be a number, 0 or more, got '1'"],
    ] as const)
      expect(make(options)).toThrow(
        expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', message: `[WorldModelTraining] ${message}` }),
      );
    await expect(training.finish([])).rejects.toThrow(
      /expected at least one batch to estimate normalisation statistics from/,
    );
  });

  it.each([
    ['sensors', sensorConfig],
    ['pictures', pictureConfig],
  ])('finishes with averaged weights and exact statistics of %s', async (_, config) => {
    const model = new WorldModel(config);
    const training = new WorldModelTraining(model, {
      objective: { ...light, firstTarget: 1 },
      learningRate: 0.02,
      warmupSteps: 0,
    });
    for (let step = 0; step < 4; step++) await training.step(clipsFor(config, 8, T, step), step, { steps: 4 });
    const state = await training.stateDict();
    await training.finish([clipsFor(config, 8, T, 50), clipsFor(config, 3, T, 51)]);
    const finished = await model.network.stateDict();
    const averaged = [...state].filter(([name]) => name.startsWith('average.') && name.includes('weight'));
    expect(averaged.length).toBeGreaterThan(3);
    for (const [name, { data }] of averaged) {
      expect(finished.get(name.slice(8))?.data).toEqual(data);
      if (name.includes('encoder')) expect(state.get(name.replace('average', 'model'))?.data).not.toEqual(data);
    }
    // With the right statistics v, embeddings of these clips have mean 0 and variance v/(v + ε) in each dimension, up to the affine map.
    const z: number[][] = [];
    for (const clips of [clipsFor(config, 8, T, 50), clipsFor(config, 3, T, 51)]) {
      const values = (await (await model.encode(model.tensors(clips)[0])).data()) as Float32Array;
      for (let row = 0; row < values.length / config.embeddingSize; row++)
        z.push([...values.subarray(row * config.embeddingSize, (row + 1) * config.embeddingSize)]);
    }
    const affine = [...finished].filter(([name]) => /normali[sz]ation\.(weight|bias)$/.test(name));
    const weight = affine.find(([name]) => name.endsWith('weight'))?.[1].data;
    const variances = [...finished].find(([name]) => name.endsWith('running_var'))?.[1].data ?? [];
    const bias = affine.find(([name]) => name.endsWith('bias'))?.[1].data;
    for (let d = 0; d < config.embeddingSize; d++) {
      const column = z.map((row) => (row[d] - (bias?.[d] ?? 0)) / (weight?.[d] ?? 1));
      const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (column.length - 1);
      close(`dimension ${d}`, [mean, variance], [0, variances[d] / (variances[d] + 1e-5)], 2e-3);
    }
  });
});
