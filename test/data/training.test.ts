// Recordings train world models and models of one's own, and a run that was interrupted ends in the same bits.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  batch,
  clipBatches,
  episodeStatistics,
  frameFolders,
  map,
  repeat,
  rows,
  shuffle,
  tensors,
} from '#lib/data/index.js';
import { mse } from '#lib/nn/losses/index.js';
import { mul, sub } from '#lib/ops/index.js';
import { assign, compile, grad, type Tensor, tensor, variable } from '#lib/tensor/index.js';
import { Trainer } from '#lib/train/index.js';
import { WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { installed } from './installed.js';
import { writeRecording } from './recording.js';

const reason = installed('sharp') ? '' : ' (skipped: the package sharp is not installed)';

it.skipIf(reason !== '')(`a folder of frames trains a world model, resumed to the same bytes${reason}`, async () => {
  const recordings = temporaryFolder();
  writeRecording(recordings, [14, 9], { height: 16, width: 16 });
  const train = async (directory: string, { stopAt = Number.POSITIVE_INFINITY, resume = false }): Promise<string> => {
    const episodes = await frameFolders(recordings, { frameRate: 10 });
    const world = WorldModel.create('tiny', await episodeStatistics(episodes));
    const trainer = new Trainer(new WorldModelTraining(world), { steps: 6, directory, reportEvery: 1 });
    const checkpoint = join(directory, 'checkpoint.safetensors');
    if (resume) await trainer.resume(checkpoint);
    const controller = new AbortController();
    const batches = clipBatches(episodes, { frames: 8, clips: 4, seed: 3 });
    for await (const event of trainer.run(batches, { signal: controller.signal })) {
      if (event.type !== 'step') continue;
      expect(event.metrics.loss).toBeGreaterThan(0);
      if (event.step >= stopAt) controller.abort();
    }
    return createHash('sha256').update(readFileSync(checkpoint)).digest('hex');
  };
  const whole = await train(temporaryFolder(), {});
  const folder = temporaryFolder();
  expect(await train(folder, { stopAt: 3 })).not.toBe(whole);
  expect(await train(folder, { resume: true })).toBe(whole);
});

it('batches go into a compiled step', async () => {
  const x = {
    dtype: 'float32',
    shape: [64, 1],
    data: Float32Array.from({ length: 64 }, (_, index) => index / 32 - 1),
  } as const;
  const doubled = map(rows({ x }), ({ x }) => ({ x, y: { ...x, data: x.data.map((value) => 2 * value) } }));
  const weight = variable(tensor([0]), { name: 'weight' });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = mse(mul(x, weight), y);
    assign(weight, sub(weight, mul(grad(loss, [weight]).get(weight) as Tensor, 0.5)));
    return loss;
  });
  const batches = batch(shuffle(repeat(doubled, 12), { seed: 1 }), 16);
  for await (const batch of batches) {
    const { x, y } = tensors(batch);
    await step(x, y);
  }
  expect(batches.index).toBe(48);
  expect((await weight.data())[0]).toBeCloseTo(2, 2);
});
