// Options and states whose wrong values would work on something else than was meant, without a word.
import { describe, expect, it } from 'vitest';
import { fromIndex } from '#lib/data/dataset.js';
import { WorkerDataset } from '#lib/data/worker-dataset.js';
import { withDefaults } from '#lib/io/options.js';
import { l1, mse, smoothL1 } from '#lib/nn/losses/index.js';
import { CemSolver } from '#lib/plan/index.js';
import { tensor } from '#lib/tensor/index.js';
import { Trainer } from '#lib/train/trainer.js';
import { WorldModelTraining } from '#lib/world-model/training.js';
import { WorldModel } from '#lib/world-model/world-model.js';
import { refusal } from './small.js';

const model = () =>
  WorldModel.create('tiny', { observation: { kind: 'vector', size: 3 }, action: { size: 1 }, frameRate: 10 });
const batch = {
  clips: 4,
  frames: 8,
  observations: Float32Array.from({ length: 4 * 8 * 3 }, (_, i) => Math.sin(i)),
  actions: new Float32Array(4 * 8),
};

describe('settings of training', () => {
  it.each([
    [{ objective: { firstTarget: 0 } }, 'firstTarget to be a whole number, 1 or more, got 0'],
    [{ objective: { firstTwinFrame: 3 } }, 'firstTwinFrame to be a whole number, contextFrames 4 or more, got 3'],
    [{ objective: { directions: 2.5 } }, 'directions to be a whole number, 1 or more, got 2.5'],
    [{ objective: { temperature: 0 } }, 'temperature to be a number above 0, got 0'],
    [{ averaging: 1 }, 'averaging to be a number from 0 to below 1, got 1'],
    [{ weightDecay: Number.NaN }, 'weightDecay to be a number, 0 or more, got NaN'],
  ])('%j is refused', (options, message) => {
    expect(() => new WorldModelTraining(model(), options)).toThrow(
      refusal('ERR_JEPA_INVALID_ARGUMENT', `[WorldModelTraining] expected ${message}`),
    );
  });

  it('that are undefined are those not given', () => {
    expect(withDefaults({ a: 1, b: 2 }, { a: undefined, b: 3 })).toEqual({ a: 1, b: 3 });
    const training = new WorldModelTraining(model(), { averaging: undefined, objective: { sigreg: undefined } });
    expect(training.objective.sigreg).toBe(0.2);
  });

  it('follow a longer context', () => {
    const world = WorldModel.create('tiny', {
      observation: { kind: 'vector', size: 3 },
      action: { size: 1 },
      frameRate: 10,
      contextFrames: 8,
    });
    expect(new WorldModelTraining(world).objective.firstTwinFrame).toBe(8);
  });

  it('finish wants an array of batches', async () => {
    const training = new WorldModelTraining(model());
    for (const [given, found] of [
      [[], 'none'],
      [fromIndex(() => batch), 'object'],
    ] as const)
      await expect(training.finish(given as never)).rejects.toThrow(
        refusal(
          'ERR_JEPA_INVALID_ARGUMENT',
          `at least one batch to estimate normalisation statistics from, in an array, got ${found}`,
        ),
      );
  });
});

it('a model that is being trained answers nothing until it is finished', async () => {
  const world = model();
  const training = new WorldModelTraining(world);
  const [observations] = world.tensors(batch);
  await expect(world.encode(observations)).rejects.toThrow(
    refusal('ERR_JEPA_INVALID_ARGUMENT', 'expected a model in evaluation mode: await training.finish(batches) first'),
  );
  await training.finish([batch]);
  expect((await world.encode(observations)).shape).toEqual([4, 8, 64]);
});

it('a preset without an observation is a configuration error', () => {
  expect(() => WorldModel.create('tiny', { action: { size: 2 }, frameRate: 15 } as never)).toThrow(
    refusal('ERR_JEPA_CONFIG', "observation.kind to be 'image', 'vector' or 'multimodal'"),
  );
});

it.each([
  ['mse', mse],
  ['l1', l1],
  ['smoothL1', smoothL1],
])('%s does not broadcast', (name, loss) => {
  expect(() => loss(tensor([[1], [2]]), tensor([1, 2]))).toThrow(
    refusal('ERR_JEPA_SHAPE', `[${name}] expected x and target of the same shape, got [2, 1] and [2]`),
  );
});

describe('datasets and planners', () => {
  const generator = { module: new URL('../data/batches.mjs', import.meta.url), name: 'numbers' };

  it('take undefined for not given, and refuse counts that are none', () => {
    expect(() => new WorkerDataset(generator, { count: undefined, workers: undefined })).not.toThrow();
    expect(() => new WorkerDataset(generator, { count: 1.5 })).toThrow(
      refusal('ERR_JEPA_INVALID_ARGUMENT', 'expected count to be a whole number, or Infinity, got 1.5'),
    );
    const dynamics = { actionSize: 2, step: (state: never) => state, position: (state: never) => state };
    expect(new CemSolver(dynamics, { cost: (states) => states[0] }, { horizon: undefined }).horizon).toBe(5);
  });

  it('a loader that never answers does not keep a run from ending', async () => {
    const controller = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const trainable = {
      description: {},
      step: async () => ({ loss: 0 }),
      stateDict: async () => new Map(),
      loadStateDict: async () => {},
      samples: () => 1,
    };
    setImmediate(() => controller.abort());
    const events = [];
    for await (const { type } of new Trainer(trainable, { steps: 3 }).run(silent, { signal: controller.signal }))
      events.push(type);
    expect(events).toEqual(['interrupted']);
  });
});
