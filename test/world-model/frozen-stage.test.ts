import { expect, it } from 'vitest';
import { fromIndex } from '#lib/data/index.js';
import { checkpointPath, Trainer } from '#lib/train/index.js';
import { type ClipBatch, WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, refusal, sensorConfig } from './small.js';

/** Frozen from step 20 on; statistics are of the batches of steps 20 … 67. */
const [steps, freeze, T] = [80, 20, 8];
const options = { objective: { firstTwinFrame: 5, directions: 16 }, learningRate: 5e-3, averaging: 0.9 };
const make = (more: { readonly averaging?: number } = {}): WorldModelTraining =>
  new WorldModelTraining(new WorldModel(sensorConfig), { ...options, ...more, frozenFraction: 0.75 });

/** Batch `index`: twelve clips, the last six of them two groups of twins. */
const batchOf = (index: number): ClipBatch => ({
  ...clipsFor(sensorConfig, 12, T, index),
  twins: { groups: 2, size: 3, costs: Float32Array.from({ length: 18 }, (_, i) => (i % 4) / 4) },
});

async function train(training: WorldModelTraining, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await training.step(batchOf(step), step, { steps });
}

/** All numbers of a part of the state, by name. */
async function part(of: WorldModelTraining, prefix = ''): Promise<Map<string, number[]>> {
  const all = [...(await of.stateDict())].filter(([name]) => name.startsWith(prefix));
  return new Map(all.map(([name, { data }]) => [name.slice(prefix.length), Array.from(data as Float32Array)]));
}
const weights = (state: ReadonlyMap<string, number[]>) => [...state].filter(([name]) => !/running|tracked/.test(name));

it.each([0.9, 0])(
  'keeps the encoder as it is on average (momentum %f), and teaches what predicts',
  async (averaging) => {
    const training = make({ averaging });
    await train(training, 0, freeze);
    const before = await part(training, averaging > 0 ? 'average.encoder.' : 'model.encoder.');
    const metrics = await training.step(batchOf(freeze), freeze, { steps });
    const terms = ['oneStep', 'rollout', 'effect', 'contrastive', 'critic', 'likelihood'];
    expect(Object.keys(metrics).sort()).toEqual([...terms, 'loss', 'gradNorm', 'learningRate', 'frozen'].sort());
    const first = await part(training, 'model.');
    await train(training, freeze + 1, steps);
    const last = await part(training, 'model.');
    expect(weights(await part(training, 'model.encoder.'))).toEqual(weights(before));
    for (const [name, values] of weights(last)) {
      const learns = /^(predictor|variance|critic)\./.test(name);
      if (learns) expect(values, name).not.toEqual(first.get(name));
      else expect(values, name).toEqual(first.get(name));
    }
  },
);

it('normalises by what it saw first, in snapshots and at the end too', async () => {
  const training = make();
  await train(training, 0, steps);
  const statistics = await part(training, 'model.encoder.normalisation.');
  const seen = Array.from({ length: 48 }, (_, index) => batchOf(freeze + index));
  const snapshot = await training.snapshot([batchOf(0)]);
  await training.finish([batchOf(0)]);
  expect(await part(training, 'model.encoder.normalisation.')).toEqual(statistics);
  expect(await snapshot.network.stateDict()).toEqual(await training.model.network.stateDict());
  // The same weights, normalised anew over what was seen.
  const other = new WorldModelTraining(training.model, { averaging: 0 });
  await other.finish(seen);
  for (const [name, values] of await part(other, 'model.encoder.normalisation.'))
    close(name, values, statistics.get(name) as number[], 2e-3); // an unbiased variance there
});

it.each([10, freeze, 40])('goes on bit by bit from a checkpoint at step %i', async (at) => {
  const folder = temporaryFolder();
  const batches = fromIndex<ClipBatch>(batchOf);
  const whole = make();
  await train(whole, 0, steps);
  const part1 = new Trainer(make(), { steps, directory: folder, checkpointEvery: at, healthEvery: 0 });
  const stop = new AbortController();
  for await (const event of part1.run(batches, { signal: stop.signal })) if (event.type === 'checkpoint') stop.abort();
  const resumed = make();
  const part2 = new Trainer(resumed, { steps, directory: folder, checkpointEvery: 0, healthEvery: 7 });
  await part2.resume(checkpointPath(folder));
  expect(part2.step).toBe(at);
  for await (const _ of part2.run(batches));
  expect(await part(resumed)).toEqual(await part(whole));
});

it('freezes once more after its first step failed, and thaws for an earlier state', async () => {
  const [whole, broken] = [make(), make()];
  await train(whole, 0, freeze);
  const early = await whole.stateDict();
  await train(whole, freeze, steps);
  await train(broken, 0, freeze);
  const wrong = batchOf(freeze);
  const observations = (wrong.observations as Float32Array).slice().fill(Number.NaN);
  await expect(broken.step({ ...wrong, observations }, freeze, { steps })).rejects.toThrow(/NaN|finite/);
  await train(broken, freeze, steps);
  expect(await part(broken)).toEqual(await part(whole));
  await broken.loadStateDict(early);
  const [again, fresh] = [broken, make()];
  await fresh.loadStateDict(early);
  for (const one of [again, fresh]) await one.step(batchOf(3), freeze - 1, { steps }); // through the encoder
  expect(await part(again)).toEqual(await part(fresh));
});

it('goes on with fewer steps, but not with more than a frozen encoder can have', async () => {
  const training = make();
  await train(training, 0, freeze + 4);
  const more = training.step(batchOf(freeze + 4), freeze + 4, { steps: 2 * steps });
  await expect(more).rejects.toThrow(refusal('ERR_JEPA_INVALID_ARGUMENT', /got 160, which freeze it after 40/));
  const fewer = make();
  await train(fewer, 0, 15);
  const { frozen } = await fewer.step(batchOf(15), 15, { steps: 40 }); // which freeze after 10
  expect(frozen).toBe(1);
  const [model, average] = [await part(fewer, 'model.encoder.'), await part(fewer, 'average.encoder.')];
  expect(weights(model)).toEqual(weights(average));
});

it('refuses a share that leaves no step to the encoder, and is no part of runs without it', () => {
  const model = new WorldModel(sensorConfig);
  expect(() => new WorldModelTraining(model, { frozenFraction: 1 })).toThrow(
    /frozenFraction to be a number from 0 to below 1, got 1/,
  );
  expect(new WorldModelTraining(model).description.training).not.toHaveProperty('frozenFraction');
  expect(make().description.training).toMatchObject({ frozenFraction: 0.75 });
});
