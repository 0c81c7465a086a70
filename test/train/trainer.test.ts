import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromIndex } from '#lib/data/index.js';
import type { HostTensor } from '#lib/io/safetensors.js';
import type { HealthReport, Trainable, TrainerOptions, TrainingEvent } from '#lib/train/index.js';
import { readCheckpoint, Trainer } from '#lib/train/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';

/** A model of one number, to watch the trainer with: the number is the sum of the batches. */
class Counter implements Trainable<number> {
  readonly description = { kind: 'counter' };
  total = 0;
  running = 0;
  most = 0;
  readonly seen: number[] = [];
  readonly #failAt: number;
  constructor({ failAt = -1 }: { readonly failAt?: number } = {}) {
    this.#failAt = failAt;
  }
  async step(batch: number, step: number): Promise<{ loss: number }> {
    this.most = Math.max(this.most, ++this.running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.running--;
    if (step === this.#failAt) throw new RangeError(`step ${step} failed`);
    this.seen.push(step);
    this.total += batch;
    return { loss: this.total };
  }
  samples(): number {
    return 4;
  }
  async stateDict(): Promise<Map<string, HostTensor>> {
    return new Map([['total', { dtype: 'float32', shape: [], data: Float32Array.of(this.total) }]]);
  }
  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    this.total = state.get('total')?.data[0] ?? Number.NaN;
  }
}

const numbers = fromIndex((index) => index + 1);

async function events(trainer: Trainer<number>, dataset: AsyncIterable<number> = numbers): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of trainer.run(dataset)) all.push(event);
  return all;
}

const outline = (all: readonly TrainingEvent[]): string[] => all.map(({ type, step }) => `${type} ${step}`);
const logged = (folder: string): TrainingEvent[] =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('Trainer', () => {
  it('tells what happens in order, with rate and time left, and logs the same', async () => {
    const folder = join(temporaryFolder(), 'runs', 'a');
    const counter = new Counter();
    const trainer = new Trainer(counter, { steps: 7, directory: folder, reportEvery: 2, checkpointEvery: 3 });
    const all = await events(trainer);
    expect(outline(all)).toEqual([
      'step 2',
      'checkpoint 3',
      'step 4',
      'step 6',
      'checkpoint 6',
      'step 7',
      'checkpoint 7',
      'done 7',
    ]);
    expect(counter.seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const [first] = all;
    if (first.type !== 'step') throw new Error('unreachable');
    expect(first).toMatchObject({ steps: 7, metrics: { loss: 3 } });
    expect(first.samplesPerSecond).toBeGreaterThan(0);
    expect(first.secondsLeft).toBeGreaterThan(0);
    const lastStep = all.filter((event) => event.type === 'step').at(-1);
    expect(lastStep).toMatchObject({ step: 7, secondsLeft: 0, metrics: { loss: 28 } });
    expect(logged(folder)).toEqual(JSON.parse(JSON.stringify(all)));
    const { step, state } = await readCheckpoint(join(folder, 'checkpoint.safetensors'));
    expect([step, state.get('total')?.data[0]]).toEqual([7, 28]);
  });

  it('has as many steps in flight as it may, and none while it saves', async () => {
    for (const inFlight of [1, 3]) {
      const counter = new Counter();
      const running: number[] = [];
      const stateDict = counter.stateDict.bind(counter);
      counter.stateDict = () => {
        running.push(counter.running);
        return stateDict();
      };
      await events(new Trainer(counter, { steps: 9, inFlight, directory: temporaryFolder(), checkpointEvery: 4 }));
      expect(counter.most).toBe(inFlight);
      expect(running).toEqual([0, 0, 0]);
    }
  });

  it('counts what was in flight when its loop is left, so that a state saved then fits its step', async () => {
    const counter = new Counter();
    const folder = temporaryFolder();
    const trainer = new Trainer(counter, { steps: 20, directory: folder, reportEvery: 1, inFlight: 3 });
    for await (const event of trainer.run(numbers)) {
      if (event.step < 4) continue;
      const path = await trainer.save(); // with steps in flight
      const saved = await readCheckpoint(path);
      const total = (saved.step * (saved.step + 1)) / 2;
      expect(saved.state.get('total')?.data[0]).toBe(total);
      break;
    }
    expect(trainer.step).toBe(counter.seen.length);
    expect(outline(await events(trainer)).at(-1)).toBe('done 20');
    expect(counter.total).toBe(210);
  });

  it('a failed step fails the run; a state that lacks it is not saved', async () => {
    const counter = new Counter({ failAt: 5 });
    const folder = temporaryFolder();
    const trainer = new Trainer(counter, { steps: 20, directory: folder, inFlight: 2, checkpointEvery: 4 });
    await expect(events(trainer)).rejects.toThrow('step 5 failed');
    expect(trainer.step).toBe(5);
    const refusal = {
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringContaining('expected the state after step 5, got one that a failed step is missing from'),
    };
    await expect(trainer.save()).rejects.toMatchObject(refusal);
    await expect(events(trainer)).rejects.toMatchObject(refusal);
    await trainer.resume(join(folder, 'checkpoint.safetensors'));
    expect([trainer.step, counter.total]).toEqual([4, 10]);
  });

  it('repairs the log of a killed run, and drops what is about to happen again', async () => {
    const folder = temporaryFolder();
    const options: TrainerOptions = { steps: 6, directory: folder, reportEvery: 1, checkpointEvery: 2 };
    const controller = new AbortController();
    for await (const event of new Trainer(new Counter(), options).run(numbers, { signal: controller.signal }))
      if (event.step === 2) controller.abort();
    const before = logged(folder).filter(({ step }) => step <= 4);
    const path = join(folder, 'log.jsonl');
    appendFileSync(path, `${JSON.stringify({ type: 'step', step: 5 })}\n{"type":"step","st`);
    const resumed = new Trainer(new Counter(), options);
    await resumed.resume(join(folder, 'checkpoint.safetensors'));
    const at = resumed.step;
    const after = await events(resumed);
    expect(outline(logged(folder))).toEqual(outline([...before.filter(({ step }) => step <= at), ...after]));
    await events(new Trainer(new Counter(), { ...options, steps: 1 }));
    expect(outline(logged(folder))).toEqual(['step 1', 'checkpoint 1', 'done 1']); // a new run has a new log
  });

  it('reports health between steps and warns of a collapse', async () => {
    const report = (collapsed: boolean): HealthReport => ({
      sigreg: 6.4,
      sigregNull: 1.05,
      sigregCollapsed: 6.5,
      std: [0],
      effectiveRank: 1,
      actionSensitivity: 0,
      collapsed,
    });
    const counter = Object.assign(new Counter(), {
      health: async (_: number, step: number) => report(step === 4),
    });
    const all = await events(new Trainer(counter, { steps: 5, healthEvery: 2, reportEvery: 5 }));
    expect(outline(all)).toEqual(['health 2', 'health 4', 'warning 4', 'step 5', 'health 5', 'done 5']);
    expect(all[2]).toMatchObject({
      message: expect.stringMatching(/collapsing \(SIGReg 6\.40, effective rank 1\.0\)/),
    });
    expect(outline(await events(new Trainer(counter, { steps: 2, healthEvery: 0 })))).toEqual(['step 2', 'done 2']);
  });

  it('ends iterators that it leaves, and says when a dataset is too short', async () => {
    let closed = 0;
    const dataset = (count: number): AsyncIterable<number> => ({
      async *[Symbol.asyncIterator]() {
        try {
          for (let index = 0; index < count; index++) yield index;
        } finally {
          closed++;
        }
      },
    });
    await events(new Trainer(new Counter(), { steps: 3 }), dataset(100));
    expect(closed).toBe(1);
    await expect(events(new Trainer(new Counter(), { steps: 5 }), dataset(3))).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: '[Trainer] expected 5 batches, got 3: the dataset ended',
    });
    expect(closed).toBe(2);
  });

  it('refuses options that mean nothing', () => {
    const make = (options: object) => () => new Trainer(new Counter(), options as TrainerOptions);
    for (const [options, message] of [
      [{}, /expected steps to be an integer from 0, got undefined/],
      [{ steps: -1 }, /expected steps to be an integer from 0, got -1/],
      [{ steps: 2.5 }, /got 2\.5/],
      [{ steps: '80' }, /expected steps to be an integer from 0, got '80'$/],
      [{ steps: 5, inFlight: 0 }, /expected inFlight to be an integer from 1, got 0/],
      [{ steps: 5, checkpointEvery: Number.NaN }, /expected checkpointEvery to be an integer from 0, got NaN/],
    ] as const)
      expect(make(options)).toThrow(
        expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
      );
    expect(make({ steps: 5, checkpointevery: 2 })).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_UNKNOWN_OPTION', help: ["did you mean 'checkpointEvery'?"] }),
    );
  });

  it('refuses what is no training', () => {
    for (const [given, message] of [
      [
        {},
        /^\[Trainer\] expected a training with the methods step, .*, got one without step, stateDict, loadStateDict,/,
      ],
      [{ step() {}, stateDict() {}, samples: 4 }, /got one without loadStateDict, samples\n {2}→ .*WorldModelTraining/],
      [undefined, /got nothing\n/],
      [() => {}, /got a function\n/],
    ] as const)
      expect(() => new Trainer(given as never, { steps: 3 })).toThrow(
        expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
      );
  });

  it('says what it cannot write, before or after training', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const inFile = new Trainer(new Counter(), { steps: 1, directory: join(folder, 'file', 'run') });
    await expect(events(inFile)).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: expect.stringContaining('a part of the path is a file'),
    });
    await expect(new Trainer(new Counter(), { steps: 1 }).save()).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[Trainer] expected a directory in the options to save to',
    });
  });
});
