// A yardstick with NaN in it lets everything pass as ordinary: what is no number is never 'expected', and files with such numbers do not load.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sealed } from '#lib/io/digest.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '#lib/io/safetensors.js';
import { Outliers, SurpriseCalibration } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';

const ascending = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => (i + 1) / count);

const calibration = new SurpriseCalibration({
  model: 'abc',
  frames: 12,
  scales: Float32Array.of(1, 2),
  scores: [ascending(2000), ascending(1500)],
  outliers: new Outliers(Float32Array.of(0, 0), Float32Array.of(1, 0, 0, 1)),
  distances: ascending(1200),
  actions: Float32Array.of(-1, 1),
});

describe('a calibration', () => {
  it('judges no frame whose error or embedding is no number', () => {
    const judge = (errors: number[], embedding: number[]) =>
      calibration.judge({ frame: 5, errors: Float32Array.from(errors), embedding: Float32Array.from(embedding) }, 1e-3);
    expect(judge([0.5], [0.1, 0.1])).toMatchObject({ verdict: 'expected' });
    expect(judge([9], [0.1, 0.1])).toMatchObject({ verdict: 'surprising' });
    const unknown = { verdict: 'unknown', reason: 'non-finite' };
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(judge([bad], [0.1, 0.1])).toEqual(unknown);
      expect(judge([0.5, bad], [0.1, 0.1])).toEqual(unknown);
      expect(judge([0.5], [0.1, bad])).toEqual(unknown);
      expect(judge([], [bad, 0.1])).toEqual(unknown);
    }
  });

  it('holds what is no number to be as rare as can be', () => {
    expect(calibration.pValue(Number.NaN, 1)).toBe(1 / 2001);
    expect(calibration.familiarity(Float32Array.of(Number.NaN, 0))).toBe(1 / 1201);
  });

  it('scores a frame by the mean of its errors, each on its own scale', () => {
    expect(calibration.score([0.5, 2])).toBe(0.75);
    expect(calibration.score([0.5])).toBe(0.5);
  });

  it('of an earlier version is to be made again', async () => {
    const path = join(temporaryFolder(), 'old.calibration');
    await calibration.save(path);
    const { metadata, tensors } = await readSafetensors(path);
    const { sha256: _, ...plain } = metadata;
    for (const version of ['1', '2']) {
      await writeSafetensors(path, tensors, sealed({ ...plain, version }, tensors));
      await expect(SurpriseCalibration.load(path)).rejects.toMatchObject({
        code: 'ERR_JEPA_CHECKPOINT_VERSION',
        message: expect.stringContaining('world.calibrate(dataset)'),
      });
    }
  });

  it('is not read from a file without one of its parts, or with others', async () => {
    const path = join(temporaryFolder(), 'hostile.calibration');
    await calibration.save(path);
    const { metadata, tensors } = await readSafetensors(path);
    const { sha256: _, ...plain } = metadata;
    const refused = async (said: Record<string, string>, state: Map<string, HostTensor>, message: string) => {
      await writeSafetensors(path, state, sealed(said, state));
      await expect(SurpriseCalibration.load(path)).rejects.toMatchObject({
        code: 'ERR_JEPA_CHECKPOINT_FORMAT',
        message: expect.stringContaining(`[calibration] expected ${message}`),
      });
    };
    for (const [name, { shape, data }] of tensors) {
      const without = new Map(tensors);
      without.delete(name);
      await refused(plain, without, `numbers '${name}' float32 [`);
      const put = (tensor: HostTensor): Map<string, HostTensor> => new Map(tensors).set(name, tensor);
      await refused(plain, put({ dtype: 'int32', shape, data: new Int32Array(data.length) }), `numbers '${name}'`);
      await refused(plain, put({ dtype: 'float32', shape: [1, ...shape], data }), `numbers '${name}'`);
      await refused(plain, put({ dtype: 'float32', shape: [0], data: new Float32Array(0) }), `numbers '`);
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const spoilt = Float32Array.from(data).fill(bad, data.length - 1);
        await refused(plain, put({ dtype: 'float32', shape, data: spoilt }), `${name} of finite numbers`);
      }
    }
    const put = (name: string, ...numbers: number[]): Map<string, HostTensor> =>
      new Map(tensors).set(name, {
        dtype: 'float32',
        shape: name === 'actions' ? [2, numbers.length / 2] : [numbers.length],
        data: Float32Array.from(numbers),
      });
    await refused(plain, put('scales', 1, 0), 'scales of finite numbers above 0, got 0');
    await refused(plain, put('scales', 1, 1, 1), "numbers 'scores.2' float32 [any], got none");
    await refused(plain, put('scores.1', 1, 3, 2), 'scores.1 in ascending order, got 3 before 2');
    await refused(plain, put('distances', 2, 1), 'distances in ascending order, got 2 before 1');
    await refused(plain, put('actions', 1, -1), 'the least action of channel 0 up to the greatest, got 1 and -1');
    await refused(plain, put('mean', 0, 0, 0), "numbers 'factor' float32 [3, 3], got float32 [2, 2]");
    await refused({ ...plain, frames: 'many' }, tensors, "a number of frames, got 'many'");
    await refused({ ...plain, frames: '0' }, tensors, "a number of frames, got '0'");
    const { model: __, ...orphan } = plain;
    await refused(orphan, tensors, 'the digest of a model, got none');
    await writeSafetensors(path, tensors, sealed(plain, tensors));
    expect(await SurpriseCalibration.load(path)).toEqual(calibration);
  });
});
