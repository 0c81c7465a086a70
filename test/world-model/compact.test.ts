import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HostTensor } from '#lib/io/safetensors.js';
import { compacted, expanded } from '#lib/world-model/compact.js';
import { WorldModel } from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, pictureConfig, sensorConfig, shaken } from './small.js';

const float32 = (shape: readonly number[], values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

it('keeps matrices as bytes, 127 of which are the largest magnitude of a row, and all else as it is', () => {
  const bias = float32([3], [1, 2, 3]);
  const tracked: HostTensor = { dtype: 'int32', shape: [1, 1], data: Int32Array.of(7) };
  const weight = float32([3, 2], [127, -1, 0, 0, -0.5, 0.25]);
  const stored = compacted(
    new Map([
      ['weight', weight],
      ['bias', bias],
      ['tracked', tracked],
    ]),
  );
  expect(stored).toEqual(
    new Map<string, HostTensor>([
      ['weight', { dtype: 'uint8', shape: [3, 2], data: Uint8Array.of(255, 127, 128, 128, 1, 192) }],
      ['weight scale', float32([3], [1, 0, 0.5 / 127])],
      ['bias', bias],
      ['tracked', tracked],
    ]),
  );
  const read = expanded(stored);
  close('weight', read.get('weight')?.data as Float32Array, [127, -1, 0, 0, -0.5, (64 * 0.5) / 127], 1e-6);
  expect([read.get('bias'), read.get('tracked'), read.size]).toEqual([bias, tracked, 3]);
});

it('is off by at most half a step anywhere', () => {
  const random = new Random(5, 'weights');
  const weight = float32(
    [7, 3, 5],
    Array.from({ length: 105 }, () => random.uniform(-3, 2)),
  );
  const { data } = expanded(compacted(new Map([['w', weight]]))).get('w') as HostTensor;
  for (let row = 0; row < 7; row++) {
    const values = [...weight.data.subarray(row * 15, (row + 1) * 15)];
    const half = Math.max(...values.map(Math.abs)) / 127 / 2;
    for (const [i, value] of values.entries())
      expect(Math.abs(data[row * 15 + i] - value)).toBeLessThanOrEqual(half * (1 + 1e-5));
  }
});

it.each([
  ['sensors', sensorConfig],
  ['pictures', pictureConfig],
])('a model of %s in a smaller file expects nearly the same', async (_, config) => {
  const model = await shaken(config);
  const folder = temporaryFolder();
  const [whole, small] = [join(folder, 'whole.jepa'), join(folder, 'small.jepa')];
  await model.save(whole);
  await model.save(small, { weights: 'int8' });
  expect(statSync(small).size).toBeLessThan(statSync(whole).size);
  const clips = model.tensors(clipsFor(config, 4, 8));
  const future = async (which: WorldModel) => (await (await which.rollout(...clips)).embeddings.data()) as Float32Array;
  const [expected, found] = [await future(model), await future(await WorldModel.load(small))];
  const power = expected.reduce((sum, value) => sum + value * value, 0);
  const error = expected.reduce((sum, value, i) => sum + (value - found[i]) ** 2, 0);
  expect(error).toBeGreaterThan(0);
  expect(Math.sqrt(error / power)).toBeLessThan(0.02);
});

it('refuses other weights', async () => {
  const save = new WorldModel(sensorConfig).save('none.jepa', { weights: 'int4' as 'int8' });
  await expect(save).rejects.toThrow("[WorldModel.save] expected weights to be 'float32' or 'int8', got \"int4\"");
});
