// Recorded episodes, their clips and statistics.
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  batch,
  clipBatches,
  clips,
  collateClips,
  episodeStatistics,
  episodesOf,
  multimodalEpisodes,
  npzEpisodes,
  rows,
} from '#lib/data/index.js';
import type { HostTensor } from '#lib/io/host-tensor.js';
import { writeNpz } from '#lib/io/npz.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { take } from './taking.js';

const floats = (shape: number[], from = 0): HostTensor => {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length }, (_, index) => from + index) };
};

/** Episode e has reading 100·e + t at frame t, and actions 1000·e + 2·t and the next number. */
const recorded = (lengths: readonly number[]) =>
  episodesOf(
    lengths.map((length, episode) => ({
      observations: floats([length, 1], 100 * episode),
      actions: floats([length, 2], 1000 * episode),
    })),
    { frameRate: 20 },
  );

describe('clips', () => {
  it('are all stretches of an episode, with every action in between', async () => {
    const some = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
      frames: fc.integer({ min: 1, max: 4 }),
      frameSkip: fc.integer({ min: 1, max: 3 }),
      every: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(some, async ({ lengths, frames, frameSkip, every }) => {
        const expected: { observations: number[]; actions: number[] }[] = [];
        for (const [episode, length] of lengths.entries())
          for (let start = 0; start + frames * frameSkip <= length; start += every)
            expected.push({
              observations: Array.from({ length: frames }, (_, t) => 100 * episode + start + t * frameSkip),
              actions: Array.from({ length: 2 * frames * frameSkip }, (_, k) => 1000 * episode + 2 * start + k),
            });
        if (expected.length === 0) {
          expect(() => clips(recorded(lengths), { frames, frameSkip, every })).toThrow(
            /expected an episode of at least/,
          );
          return;
        }
        const dataset = clips(recorded(lengths), { frames, frameSkip, every });
        expect(dataset.count).toBe(expected.length);
        const found = await take(dataset);
        expect(
          found.map(({ observations, actions }) => ({ observations: [...observations], actions: [...actions] })),
        ).toEqual(expected);
      }),
    );
  });

  it('are joined to batches in an order that the seed decides', async () => {
    const episodes = recorded([9, 5]);
    const [two] = await take(batch(clips(episodes, { frames: 2 }), 2, { collate: collateClips }));
    expect(two).toEqual({
      clips: 2,
      frames: 2,
      observations: Float32Array.of(0, 1, 1, 2),
      actions: Float32Array.of(0, 1, 2, 3, 2, 3, 4, 5),
    });
    const batches = await take(clipBatches(episodes, { frames: 2, clips: 4, seed: 5 }), 6);
    const starts = batches.flatMap(({ observations }) => [...observations].filter((_, index) => index % 2 === 0));
    expect([...starts.slice(0, 12)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 102, 103]);
    expect(starts.slice(0, 12)).not.toEqual(starts.slice(12));
    const resumed = clipBatches(episodes, { frames: 2, clips: 4, seed: 5 });
    resumed.seek(4);
    expect(await take(resumed, 2)).toEqual(batches.slice(4));
  });
});

describe('episodesOf', () => {
  it('takes pictures, grey ones, sensors of any type, and recordings that are only watched', async () => {
    const bytes = (shape: number[]): HostTensor => ({
      dtype: 'uint8',
      shape,
      data: new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(7),
    });
    expect(episodesOf([{ observations: bytes([3, 4, 5, 3]) }]).observation).toEqual({
      kind: 'image',
      height: 4,
      width: 5,
      channels: 3,
    });
    expect(episodesOf([{ observations: bytes([3, 4, 5]) }]).observation).toEqual({
      kind: 'image',
      height: 4,
      width: 5,
      channels: 1,
    });
    const sensors = episodesOf([{ observations: bytes([3, 4]) }]);
    expect(sensors.observation).toEqual({ kind: 'vector', size: 4 });
    expect(await sensors.observe(0, 1, 1, 1)).toEqual(Float32Array.of(7, 7, 7, 7));
    expect([sensors.actionSize, sensors.actions]).toEqual([1, [new Float32Array(3)]]);
    const whole: HostTensor = { dtype: 'int32', shape: [2], data: Int32Array.of(4, -2) };
    expect(episodesOf([{ observations: floats([3, 1]), actions: whole }]).actions).toEqual([Float32Array.of(4, -2, 0)]);
  });

  it('takes an action that was not taken for 0', () => {
    const actions: HostTensor = { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, Number.NaN) };
    expect(episodesOf([{ observations: floats([2, 1]), actions }]).actions).toEqual([Float32Array.of(1, 0)]);
  });

  it('names what does not fit', () => {
    const refusal = (list: Parameters<typeof episodesOf>[0], code: string, message: string): void =>
      expect(() => episodesOf(list)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      );
    refusal([], 'ERR_JEPA_DATASET', 'at least one episode, got none');
    refusal(
      [{ observations: floats([3, 1]), actions: floats([5, 2]) }],
      'ERR_JEPA_SHAPE',
      'expected actions [3, 2] (or one row less) for the 3 frames of episode 0, got [5, 2]',
    );
    refusal(
      [{ observations: floats([3, 2]) }, { observations: floats([3, 1]) }],
      'ERR_JEPA_SHAPE',
      'expected observations [T, 2] of float32 in episode 1, as in episode 0, got [3, 1] of float32',
    );
    refusal(
      [{ observations: floats([3, 1]), actions: floats([3, 2]) }, { observations: floats([3, 1]) }],
      'ERR_JEPA_SHAPE',
      'for the 3 frames of episode 1, got none',
    );
    refusal(
      [{ observations: { dtype: 'uint8', shape: [1, 3, 8, 8], data: new Uint8Array(192) } }],
      'ERR_JEPA_SHAPE',
      'numpy.moveaxis(frames, 1, -1)',
    );
  });
});

test('statistics are those of all rows, repeated for the actions between frames', async () => {
  const episodes = recorded([4, 2]);
  const { observation, action, frameRate } = await episodeStatistics(episodes, { frameSkip: 2 });
  const values = [0, 1, 2, 3, 100, 101];
  const mean = values.reduce((a, b) => a + b) / 6;
  const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 6);
  expect(observation).toEqual({ kind: 'vector', size: 1, mean: [mean], std: [expect.closeTo(std, 10)] });
  expect([action.size, frameRate]).toEqual([4, 10]);
  const even = [0, 2, 4, 6, 1000, 1002];
  expect(action.mean.slice(2)).toEqual(action.mean.slice(0, 2));
  expect(action.mean[0]).toBeCloseTo(even.reduce((a, b) => a + b) / 6, 10);
  const still = await episodeStatistics(episodesOf([{ observations: floats([2, 1]) }]), { frameRate: 5 });
  expect(still.action).toEqual({ size: 1, mean: [0], std: [1] });
  await expect(episodeStatistics(episodesOf([{ observations: floats([2, 1]) }]))).rejects.toThrow(
    /expected a frameRate/,
  );
});

test('statistics of numbers that are none are refused, with their place', async () => {
  const actions = { ...floats([3, 2]), data: Float32Array.of(0, 1, 2, Number.NEGATIVE_INFINITY, 4, 5) };
  const good = { observations: floats([3, 1]), actions: floats([3, 2]) };
  await expect(episodeStatistics(episodesOf([good, { ...good, actions }]), { frameRate: 5 })).rejects.toMatchObject({
    code: 'ERR_JEPA_DATASET',
    message: '[episodeStatistics] expected actions of finite numbers, got -Infinity in episode 1, step 1, number 1',
  });
  const observations = { ...floats([3, 1]), data: Float32Array.of(0, 1, Number.NaN) };
  await expect(episodeStatistics(episodesOf([{ ...good, observations }]), { frameRate: 5 })).rejects.toThrow(
    'expected observations of finite numbers, got NaN in episode 0, step 2, number 0',
  );
});

test('.npz files of a folder are episodes', async () => {
  const folder = temporaryFolder();
  const { npz } = { npz: (name: string) => join(folder, name) };
  await writeNpz(
    npz('10.npz'),
    new Map([
      ['frames', floats([3, 2], 50)],
      ['actions', floats([3, 1])],
    ]),
  );
  await writeNpz(
    npz('9.npz'),
    new Map([
      ['frames', floats([2, 2])],
      ['actions', floats([1, 1], 8)],
    ]),
    { compress: true },
  );
  const episodes = await npzEpisodes(folder, { observations: 'frames', frameRate: 4 });
  expect(episodes.lengths).toEqual([2, 3]);
  expect(episodes.actions[0]).toEqual(Float32Array.of(8, 0));
  expect(await episodes.observe(1, 0, 2, 2)).toEqual(Float32Array.of(50, 51, 54, 55));
  await expect(npzEpisodes(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_FORMAT' });
  await expect(npzEpisodes(temporaryFolder())).rejects.toMatchObject({ code: 'ERR_JEPA_DATASET' });
});

describe('multimodalEpisodes', () => {
  const silent = (lengths: readonly number[], dtype: 'float32' | 'uint8' = 'float32') =>
    episodesOf(
      lengths.map((length) => {
        if (dtype === 'float32') return { observations: floats([length, 2], 7) };
        const data = Uint8Array.from({ length: length * 12 }, (_, index) => index);
        return { observations: { dtype, shape: [length, 2, 2, 3], data } };
      }),
    );

  it('shows frame by frame what each source has, and does what the one that acts has done', async () => {
    const episodes = multimodalEpisodes({
      camera: silent([4, 3], 'uint8'),
      touch: silent([4, 3]),
      arm: recorded([4, 3]),
    });
    expect(episodes).toMatchObject({ frameRate: 20, lengths: [4, 3], actionSize: 2 });
    const { observation, action } = await episodeStatistics(episodes, { frameSkip: 2 });
    const alone = await episodeStatistics(recorded([4, 3]), { frameSkip: 2 });
    expect(observation.modalities).toEqual({
      camera: { kind: 'image', height: 2, width: 2, channels: 3 },
      touch: {
        kind: 'vector',
        size: 2,
        mean: [expect.any(Number), expect.any(Number)],
        std: [expect.any(Number), expect.any(Number)],
      },
      arm: alone.observation,
    });
    expect(action).toEqual(alone.action);
    const all = await take(clips(episodes, { frames: 2 }));
    const wanted = await take(clips(recorded([4, 3]), { frames: 2 }));
    expect(all.map(({ observations }) => observations.arm)).toEqual(wanted.map(({ observations }) => observations));
    expect(all.map(({ actions }) => actions)).toEqual(wanted.map(({ actions }) => actions));
    const both = collateClips([all[2], all[3]]);
    expect(both).toMatchObject({ clips: 2, frames: 2 });
    expect(both.observations.arm).toEqual(Float32Array.of(2, 3, 100, 101));
    expect([...both.observations.camera.slice(0, 3), ...both.observations.camera.slice(24, 27)]).toEqual([
      24, 25, 26, 0, 1, 2,
    ]);
    const [batch] = await take(clipBatches(episodes, { frames: 3, clips: 2, seed: 1 }), 1);
    expect([batch.observations.camera.length, batch.observations.touch.length]).toEqual([72, 12]);
  });

  it('refuses what was not recorded together', () => {
    const refused = (parts: Parameters<typeof multimodalEpisodes>[0], message: string) =>
      expect(() => multimodalEpisodes(parts)).toThrow(expect.objectContaining({ code: 'ERR_JEPA_DATASET', message }));
    refused(
      { arm: recorded([4, 3]), touch: silent([4, 2]) },
      "[multimodalEpisodes] expected the same lengths of 'touch' and 'arm', got 2 and 3 at 1 of 2 and 2",
    );
    const other = episodesOf([{ observations: floats([4, 1]), actions: floats([4, 2], 1) }], { frameRate: 20 });
    refused(
      { arm: recorded([4]), hand: other },
      "[multimodalEpisodes] expected the same actions of 'hand' and 'arm' in episode 0, got 1 and 0 at 0 of 8 and 8",
    );
    const slow = episodesOf([{ observations: floats([4, 1]) }], { frameRate: 10 });
    refused(
      { arm: recorded([4]), slow },
      "[multimodalEpisodes] expected the same frames per second of 'slow', got 10 and 20 at 0 of 1 and 1",
    );
    expect(() => multimodalEpisodes({})).toThrow('expected episodes by modality, got none');
  });
});

test('rows of arrays are samples', async () => {
  const samples = rows({ x: floats([3, 2]), y: { dtype: 'int32', shape: [3], data: Int32Array.of(7, 8, 9) } });
  expect(await samples.get(1)).toEqual({
    x: { dtype: 'float32', shape: [2], data: Float32Array.of(2, 3) },
    y: { dtype: 'int32', shape: [], data: Int32Array.of(8) },
  });
  const [both] = await take(batch(samples, 3));
  expect([both.x.shape, both.y.shape]).toEqual([[3, 2], [3]]);
  expect(both.x.data).toEqual(floats([3, 2]).data);
  expect(() => rows({ x: floats([3]), y: floats([2]) })).toThrow("'y' to have as many rows as 'x' [3], got [2]");
});
