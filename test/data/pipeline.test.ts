// Positions, orders and parts of datasets: what a pipeline delivers from any position is what it delivers after that many samples.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, test, vi } from 'vitest';
import { ahead } from '#lib/data/ahead.js';
import { iterate } from '#lib/data/dataset.js';
import {
  batch,
  type CorruptSample,
  type Dataset,
  fromIndex,
  fromStream,
  map,
  prefetch,
  prefetchInWorkers,
  repeat,
  type Source,
  shard,
  shuffle,
  skipCorrupt,
} from '#lib/data/index.js';
import { JepaError } from '#lib/errors.js';
import { root } from '../package/source-files.js';
import { take } from './taking.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function* counting(count: number): AsyncGenerator<number, void, void> {
  for (let index = 0; index < count; index++) yield index;
}

/** The same numbers from an indexed dataset and from a stream. */
const kinds: readonly (readonly [string, (count: number) => Source<number>])[] = [
  ['indexed', upTo],
  ['stream', (count) => () => counting(count)],
];

const corrupt = (index: number): JepaError =>
  new JepaError('ERR_JEPA_CORRUPT_SAMPLE', `[test] sample ${index} is torn`);

describe.each(kinds)('%s', (kind, numbers) => {
  it('shuffles whole windows, each pass in another order, the same for the same seed', async () => {
    const order = (seed: number): Promise<number[]> => take(shuffle(repeat(numbers(10), 3), { seed, window: 10 }));
    const first = await order(1);
    const passes = [0, 1, 2].map((pass) => first.slice(pass * 10, pass * 10 + 10));
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual(upTo(10));
    expect(new Set([upTo(10), ...passes].map(String)).size).toBe(4);
    expect(await order(1)).toEqual(first);
    expect(await order(2)).not.toEqual(first);
    expect((await take(shuffle(numbers(10), { seed: 1, window: 4 }))).slice(8).sort()).toEqual([8, 9]);
  });

  it('is cut into parts that share nothing', async () => {
    const parts = await Promise.all([0, 1, 2].map((index) => take(shard(numbers(9), { index, count: 3 }))));
    expect(parts).toEqual([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ]);
    const lengths = await Promise.all(
      [0, 1].map(async (index) => (await take(shard(numbers(5), { index, count: 2 }))).length),
    );
    expect(lengths).toEqual(kind === 'indexed' ? [2, 2] : [3, 2]);
  });

  it('is repeated, batched, mapped', async () => {
    expect(await take(repeat(numbers(3)), 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
    const rows = map(numbers(5), async (x, index) => ({
      x,
      twice: { dtype: 'int32', shape: [2], data: Int32Array.of(index, 2 * x) } as const,
      name: `${x}`,
    }));
    const batches = await take(batch(rows, 2));
    expect(batches.map(({ x }) => [...x.data])).toEqual([[0, 1], [2, 3], [4]]);
    expect(batches[1].twice).toEqual({ dtype: 'int32', shape: [2, 2], data: Int32Array.of(2, 4, 3, 6) });
    expect(batches[2].name).toEqual(['4']);
    expect(await take(batch(rows, 2, { dropLast: true, collate: (some) => some.length }))).toEqual([2, 2]);
  });

  it('delivers from any position what an uninterrupted reader gets there', async () => {
    const pipeline = (shape: {
      count: number;
      window: number;
      size: number;
      parts: number;
      epochs: number;
      bad: number;
    }): Dataset<unknown> => {
      const { count, window, size, parts, epochs, bad } = shape;
      const fine = skipCorrupt(
        map(numbers(count), (x) => {
          if (x % 5 === bad) throw corrupt(x);
          return { x };
        }),
        { onCorrupt: () => {} },
      );
      const order = shuffle(repeat(shard(fine, { index: parts - 1, count: parts }), epochs), { seed: 7, window });
      return prefetch(batch(order, size, { collate: (some) => some.map(({ x }) => x) }), { lookahead: 3 });
    };
    const shapes = fc.record({
      count: fc.integer({ min: 6, max: 40 }),
      window: fc.integer({ min: 1, max: 50 }),
      size: fc.integer({ min: 1, max: 7 }),
      parts: fc.integer({ min: 1, max: 3 }),
      epochs: fc.integer({ min: 1, max: 3 }),
      bad: fc.integer({ min: 0, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(60), async (shape, position) => {
        const whole = await take(pipeline(shape));
        const resumed = pipeline(shape);
        resumed.seek(position);
        expect(await take(resumed)).toEqual(whole.slice(position));
        expect(resumed.index).toBe(Math.max(position, whole.length));
        resumed.seek(0);
        const seen: unknown[] = [];
        for await (const some of resumed) {
          seen.push(some);
          if (seen.length === 1) resumed.seek(position); // in the middle of an iteration
        }
        expect(seen).toEqual([...whole.slice(0, 1), ...(whole.length > 0 ? whole.slice(position) : [])]);
      }),
      { numRuns: 60 },
    );
  });

  it('goes past corrupt samples, reports each once, and throws what is no corrupt sample', async () => {
    const reports: CorruptSample[] = [];
    const read = map(numbers(6), (x) => {
      if (x === 2 || x === 5) throw corrupt(x);
      return x;
    });
    const fine = skipCorrupt(read, { onCorrupt: (sample) => reports.push(sample) });
    expect(await take(fine)).toEqual(kind === 'indexed' ? [0, 1, 3, 3, 4, 0] : [0, 1, 3, 4]);
    fine.seek(0);
    await take(fine);
    expect(reports.map(({ index }) => index)).toEqual([2, 5]);
    expect(reports[0].error).toMatchObject({ code: 'ERR_JEPA_CORRUPT_SAMPLE' });
    const broken = map(numbers(3), () => JSON.parse('{') as unknown);
    await expect(take(skipCorrupt(broken))).rejects.toThrow(SyntaxError);
    // What has been told is remembered, but not without end.
    const told: number[] = [];
    const endless = skipCorrupt(
      fromIndex((index) => (index % 2 === 0 ? Promise.reject(corrupt(index)) : index)),
      { onCorrupt: ({ index }) => told.push(index) },
    );
    const most = 100_000;
    for (let index = 0; index < 2 * most; index += 2) await endless.get(index);
    await endless.get(0);
    expect(told.length).toBe(most);
    await endless.get(2 * most);
    await endless.get(0);
    expect(told.slice(most)).toEqual([2 * most, 0]);
    const tolerant = skipCorrupt(broken, { isCorrupt: (error) => error instanceof SyntaxError, onCorrupt: () => {} });
    if (kind === 'indexed') await expect(take(tolerant)).rejects.toThrow(SyntaxError);
    else expect(await take(tolerant)).toEqual([]);
  });

  it('warns of corrupt samples where nobody listens', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const read = map(numbers(3), (x) => {
      if (x === 1) throw corrupt(x);
      return x;
    });
    await take(skipCorrupt(read));
    expect(warn).toHaveBeenCalledExactlyOnceWith('sample 1 is corrupt and is skipped: [test] sample 1 is torn', {
      code: 'JEPA_CORRUPT_SAMPLE',
    });
    warn.mockRestore();
  });

  it('reads ahead, several at a time, and in order', async () => {
    let busy = 0;
    let most = 0;
    const slow = map(numbers(8), async (x) => {
      most = Math.max(most, ++busy);
      await setTimeout(x % 2 === 0 ? 8 : 1);
      busy--;
      return x;
    });
    expect(await take(prefetch(slow, { lookahead: 3 }))).toEqual(upTo(8));
    expect(most).toBe(3);
  });

  it('is let go by the signal of prefetch though a source is stuck', async () => {
    const controller = new AbortController();
    const stuck = fromStream(async function* () {
      yield* await take(counting(2));
      await new Promise(() => {});
    });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const x of map(prefetch(stuck, { signal: controller.signal }), (x) => x)) {
        seen.push(x);
        if (x === 1) controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
    expect(seen).toEqual([0, 1]);
    // Without a signal, too, but only after some patience, and it is said.
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const iterator = ahead('test', iterate(stuck, 0), { lookahead: 4, patience: 20 });
    expect(await iterator.next()).toEqual({ done: false, value: 0 });
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(warned.mock.calls).toEqual([
      [
        '[test] expected the source to end within 20 ms of the last sample that is wanted, got nothing: it is left to itself',
        { code: 'JEPA_STUCK_SOURCE' },
      ],
    ]);
    warned.mockRestore();
    const waiting = take(prefetch(() => new ReadableStream<number>(), { signal: AbortSignal.timeout(20) }));
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });
});

describe('fromStream', () => {
  it('takes streams of Node and of the web, generators and functions that open them', async () => {
    const sources: Source<number>[] = [
      Readable.from([5, 6, 7]),
      new ReadableStream({
        start: (controller) =>
          [5, 6, 7, undefined].forEach((x) => {
            if (x === undefined) controller.close();
            else controller.enqueue(x);
          }),
      }),
      map(
        () => counting(3),
        (x) => x + 5,
      ),
      () => Readable.from([5, 6, 7]),
    ];
    for (const source of sources) expect(await take(map(source, (x) => x))).toEqual([5, 6, 7]);
  });

  it('closes a source that is left, and goes back only where it can be opened again', async () => {
    const readable = Readable.from(upTo(5));
    const dataset = fromStream<number>(readable);
    expect(await take(dataset, 2)).toEqual([0, 1]);
    expect(readable.destroyed).toBe(true);
    await expect(take(dataset)).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringContaining(
        'expected to go on from sample 2, got a request for sample 2 of a source that is read once and is closed',
      ),
    });
    const opened: Readable[] = [];
    const again = fromStream<number>(() => {
      opened.push(Readable.from(upTo(5)));
      return opened[opened.length - 1];
    });
    expect(await take(again, 2)).toEqual([0, 1]);
    expect(await take(again, 1)).toEqual([2]);
    again.seek(1);
    expect(await take(again)).toEqual([1, 2, 3, 4]);
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  it('closes the source also when a sample fails', async () => {
    const readable = Readable.from(upTo(5));
    const failing = map(readable as AsyncIterable<number>, () => {
      throw new RangeError('no');
    });
    await expect(take(batch(failing as Dataset<never>, 2))).rejects.toThrow(RangeError);
    expect(readable.destroyed).toBe(true);
  });

  it('names the sample at which a source fails, and never takes that for a corrupt one', async () => {
    const torn = fromStream(async function* () {
      yield 1;
      throw corrupt(1);
    });
    await expect(take(skipCorrupt(torn))).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: '[fromStream] expected sample 1, but the source failed: [test] sample 1 is torn',
    });
  });
});

describe('prefetchInWorkers', () => {
  const made = (name: string, options?: unknown) => ({
    module: new URL('./made-in-worker.mjs', import.meta.url),
    name,
    options,
  });

  it('delivers what the dataset would, in order, to its end, from any position', async () => {
    const here = batch(
      shuffle(
        fromIndex((value) => ({ value }), { count: 10 }),
        { seed: 3 },
      ),
      4,
    );
    const expected = await take(here);
    expect(expected.length).toBe(3);
    const there = prefetchInWorkers(made('numbers', { count: 10 }), { workers: 2 });
    expect(await take(there)).toEqual(expected);
    there.seek(2);
    expect(await take(there)).toEqual(expected.slice(2));
    expect(await take(prefetchInWorkers(made('endless')), 4)).toEqual([...expected, expected[0]]);
  });

  it('leaves the dataset what it keeps, so that a second pass is as the first', async () => {
    const xs = (await take<{ x: Float32Array }>(prefetchInWorkers(made('kept')))).map(({ x }) => [...x]);
    expect(xs).toEqual([1, 3, 1, 3].map((first) => [first, first + 1]));
    interface Rows {
      readonly pair: readonly Float32Array[];
      readonly bytes: DataView;
      readonly none: Float32Array;
      readonly same: Float32Array;
      readonly buffer: Uint8Array;
    }
    const [first, second, ...again] = await take<Rows>(prefetchInWorkers(made('rows')));
    expect(again).toEqual([first, second]);
    expect(first.pair.map((row) => [...row])).toEqual([
      [0, 1, 2],
      [2997, 2998, 2999],
    ]);
    expect(first.pair[0].buffer.byteLength).toBeLessThan(40); // not the table
    expect([first.bytes.byteLength, first.bytes.getFloat32(0, true), first.none.length]).toEqual([4, 5, 0]);
    expect([...second.pair[0], ...second.same]).toEqual([3, 4, 5, 4, 5, 6, 7]);
    expect(second.same.buffer).toBe(second.pair[0].buffer); // they overlap
    expect(second.buffer).toEqual(new Uint8Array(Float32Array.of(3).buffer));
  });

  it('says what it cannot do', async () => {
    await expect(take(prefetchInWorkers(made('stream')))).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringMatching(
        /expected stream of .*made-in-worker.mjs to return an indexed dataset, got object/,
      ),
    });
    await expect(take(prefetchInWorkers(made('nothingThrown')))).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: '[sampleInWorker] expected batch 0 from a worker thread, but its generator failed: null',
    });
    const reports: number[] = [];
    const bad = skipCorrupt(prefetchInWorkers(made('corrupt')), { onCorrupt: ({ index }) => reports.push(index) });
    await expect(take(bad)).rejects.toMatchObject({ code: 'ERR_JEPA_CORRUPT_SAMPLE', message: 'no sample 999' });
    expect(reports.length).toBe(1000); // in a row: it is the dataset that is wrong
    expect(() => prefetchInWorkers(fromIndex((x) => x) as never)).toThrow(/which exported function makes the dataset/);
  });
});

test('bad arguments', () => {
  const refused = (call: () => unknown, message: RegExp): void => {
    expect(call).toThrow(JepaError);
    expect(call).toThrow(message);
  };
  refused(() => shuffle(() => counting(3), { seed: 1 }), /expected a window/);
  refused(
    () =>
      shuffle(
        fromIndex((x) => x),
        { seed: 1 },
      ),
    /expected a window/,
  );
  refused(() => shuffle([1], { seed: 1, window: 0 }), /window to be a positive integer/);
  refused(() => shuffle([1], { seed: -1 }), /seed to be a whole number/);
  refused(() => shuffle([1], { sed: 1 } as never), /did you mean 'seed'/);
  refused(() => shard([1], { index: 2, count: 2 }), /index from 0 to 1, got 2/);
  refused(() => repeat([1], 0), /epochs to be a positive integer/);
  refused(() => repeat([]), /at least one sample/);
  refused(() => batch([{ x: 1 }], 1.5), /size to be a positive integer/);
  refused(() => prefetch([1], { lookahead: 0 }), /lookahead to be a positive integer/);
  refused(() => fromStream(7 as never), /expected an async iterable, a stream, or a function/);
});

test('samples that do not fit into one batch are named', async () => {
  const row = (length: number) => ({
    x: { dtype: 'float32', shape: [length], data: new Float32Array(length) } as const,
  });
  await expect(take(batch([row(2), row(3)], 2))).rejects.toMatchObject({
    code: 'ERR_JEPA_SHAPE',
    message: "[collate] expected 'x' of every sample to be [2], got [3] in sample 1",
  });
});

test('the first example of docs/data.md runs', () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/data.md'), 'utf8')) ?? [];
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code ?? ''], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([stdout, stderr]).toEqual(['[ 32, 2 ] [ 32 ]\n', '']);
});
