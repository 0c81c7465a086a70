import { describe, expect, it } from 'vitest';
import { type BatchGenerator, fromIndex, WorkerDataset } from '#lib/data/index.js';
import { take } from './taking.js';

const generator = (name: string, options: unknown = {}): BatchGenerator => ({
  module: new URL('./batches.mjs', import.meta.url),
  name,
  options,
});

interface Square {
  readonly index: number;
  readonly values: Float32Array;
  readonly again: Float32Array;
}

describe('WorkerDataset', () => {
  it.each([1, 3])('delivers in order from %i worker(s)', async (workers) => {
    const batches = await take(new WorkerDataset<Square>(generator('square', { offset: 1 }), { workers }), 9);
    expect(batches.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(batches[3].values).toEqual(Float32Array.of(3, 10));
    expect(batches[3].again.buffer).toBe(batches[3].values.buffer); // views of one memory stay views of one memory
  });

  it('goes on from an index, also in the middle of an iteration, and ends at its count', async () => {
    const dataset = new WorkerDataset<Square>(generator('square'), { count: 12 });
    dataset.seek(5);
    const seen: number[] = [];
    for await (const { index } of dataset) {
      seen.push(index);
      expect(dataset.index).toBe(index + 1);
      if (seen.length === 2) dataset.seek(9);
    }
    expect(seen).toEqual([5, 6, 9, 10, 11]);
    expect(await take(dataset, 1)).toEqual([]);
    dataset.seek(0);
    expect((await take(dataset, 1))[0].index).toBe(0);
  });

  it('computes no further ahead than it may', async () => {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const dataset = new WorkerDataset<number>(generator('counted', { counter }), { lookahead: 3, workers: 2 });
    for await (const index of dataset) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(Atomics.load(counter, 0)).toBe(index + 4);
      if (index === 2) break;
    }
  });

  it('names what went wrong in a worker', async () => {
    const failing = new WorkerDataset(generator('failsAt', { at: 2 }));
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const batch of failing) seen.push(batch);
      })(),
    ).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringContaining('batch 2 from a worker thread, but its generator failed: no such clip'),
    });
    expect(seen.length).toBe(2);
    await expect(take(new WorkerDataset(generator('missingPeer')), 1)).rejects.toMatchObject({
      code: 'ERR_JEPA_MISSING_PEER',
    });
    await expect(take(new WorkerDataset(generator('exits')), 1)).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringContaining('exit code 3'),
    });
    for (const [name, message] of [
      ['unreadable', 'but one cannot be received'],
      ['detached', 'its generator failed'],
    ])
      await expect(take(new WorkerDataset(generator(name)), 1)).rejects.toMatchObject({
        code: 'ERR_JEPA_DATASET',
        message: expect.stringContaining(message),
      });
    await expect(take(new WorkerDataset(generator('absent')), 1)).rejects.toThrow(/export a function 'absent'/);
  });

  it('stops at its signal, also while it waits', async () => {
    const controller = new AbortController();
    const waiting = take(new WorkerDataset(generator('never'), { signal: controller.signal }), 1);
    setTimeout(() => controller.abort(), 60);
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED', name: 'AbortError' });
    await expect(
      take(new WorkerDataset(generator('square'), { signal: AbortSignal.abort() }), 1),
    ).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });

  it('refuses bad options and two iterations at once', async () => {
    expect(() => new WorkerDataset(generator('square'), { workers: 0 })).toThrow(/workers to be a positive integer/);
    expect(() => new WorkerDataset(generator('square'), { worker: 1 } as never)).toThrow(/did you mean 'workers'/);
    const dataset = new WorkerDataset<Square>(generator('square'));
    expect(() => dataset.seek(-1)).toThrow(/expected an index, 0 or more/);
    for await (const _ of dataset) {
      await expect(take(dataset, 1)).rejects.toThrow(/one iteration at a time/);
      break;
    }
  });
});

describe('fromIndex', () => {
  it('is a dataset of a function', async () => {
    const dataset = fromIndex((index) => index * 2, { count: 4 });
    expect(await take(dataset, 9)).toEqual([0, 2, 4, 6]);
    dataset.seek(2);
    expect(await take(dataset, 1)).toEqual([4]);
  });
});
