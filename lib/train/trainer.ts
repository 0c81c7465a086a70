import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAborted } from '../data/abort.js';
import type { Dataset } from '../data/dataset.js';
import { isAsyncIterable } from '../data/iterable.js';
import { JepaError, kindOf, shown } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { nativeTarget } from '../tensor/index.js';
import { checkpointPath, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { differences } from './differences.js';
import type { Metrics, TrainingEvent } from './events.js';
import { TrainingLog } from './log.js';
import { Rate } from './rate.js';
import type { Trainable } from './trainable.js';

export interface TrainerOptions {
  /** Steps of the whole run, those before a resume included. */
  readonly steps: number;
  /** Directory for `checkpoint.safetensors` and `log.jsonl`; without one nothing is written. */
  readonly directory?: string;
  /** What else the run depends on, such as data and batch size; stored with its checkpoints, and one of another run is refused. */
  readonly description?: Readonly<Record<string, unknown>>;
  /** Steps between checkpoints (default 500; 0: only those at the end and on interruption, which are always written). */
  readonly checkpointEvery?: number;
  /** Steps between health reports (default 200; 0: never). */
  readonly healthEvery?: number;
  /** Steps between 'step' events (default 10). */
  readonly reportEvery?: number;
  /** Steps handed to the engine before the first has finished (default 2): hides loading and JavaScript. */
  readonly inFlight?: number;
}

interface Pending<Batch> {
  readonly batch: Batch;
  readonly metrics: Promise<Metrics>;
}

const defaults = { checkpointEvery: 500, healthEvery: 200, reportEvery: 10, inFlight: 2 };

/**
 * Runs a {@link Trainable} over a dataset: events to iterate, a JSON-lines log, checkpoints, exact resume.
 * @example
 * const world = WorldModel.create('tiny', { observation: { kind: 'vector', size: 3 }, action: { size: 1 }, frameRate: 10 });
 * const trainer = new Trainer(new WorldModelTraining(world), { steps: 1000, directory: 'runs/a' });
 * const batch = () => ({ clips: 8, frames: 16, observations: new Float32Array(8 * 16 * 3), actions: new Float32Array(8 * 16) });
 * const stop = new AbortController();
 * for await (const event of trainer.run(fromIndex(batch), { signal: stop.signal }))
 *   if (event.type === 'step') console.error(event.step, event.metrics.loss);
 */
export class Trainer<Batch> {
  readonly trainable: Trainable<Batch>;
  readonly options: TrainerOptions & typeof defaults;
  /** Steps done so far. */
  step = 0;
  /** Steps handed to the engine, oldest first. */
  #pending: Pending<Batch>[] = [];
  /** A step failed and one after it happened: the state belongs to no step. */
  #torn = false;
  /** A batch was asked for and has not come. */
  #waiting = false;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(trainable: Trainable<Batch>, options: TrainerOptions) {
    expectTrainable(trainable);
    checkOptions('Trainer', options, ['steps', 'directory', 'description', ...Object.keys(defaults)]);
    this.trainable = trainable;
    this.options = withDefaults(defaults, options);
    for (const key of ['steps', 'checkpointEvery', 'healthEvery', 'reportEvery', 'inFlight'] as const) {
      const value = this.options[key];
      const least = key === 'reportEvery' || key === 'inFlight' ? 1 : 0;
      if (!Number.isInteger(value) || value < least)
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[Trainer] expected ${key} to be an integer from ${least}, got ${shown(value)}`,
        );
    }
  }

  /**
   * Goes on from a checkpoint. Resolves to sentences to show where the continuation differs from a run without a break.
   * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH if it belongs to another model or configuration,
   *   ERR_JEPA_INVALID_ARGUMENT if it has more steps behind it than the run is to have
   */
  async resume(path: string): Promise<string | undefined> {
    const checkpoint = await readCheckpoint(path);
    const { steps } = this.options;
    const { run, ...recorded } = JSON.parse(JSON.stringify(this.#description)) as Record<string, unknown>;
    // The first checkpoints of 0.1.0 have no such part.
    const unrecorded = this.options.description !== undefined && checkpoint.description.run === undefined;
    const different = differences(unrecorded ? recorded : { ...recorded, run }, checkpoint.description);
    if (different.length > 0)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_MISMATCH',
        `[Trainer] expected a checkpoint of this run, got one of another in ${path}: ${different.join('; ')}`,
        { help: ['go on with what it was made with, or start a new run'] },
      );
    if (checkpoint.step > steps)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Trainer] expected steps to be at least the ${checkpoint.step} that are done in ${path}, got ${steps}`,
      );
    await this.trainable.loadStateDict(checkpoint.state);
    this.step = checkpoint.step;
    this.#torn = false;
    const target = nativeTarget();
    const sentences = [
      ...(unrecorded
        ? [`this checkpoint does not say what else its run depends on, which is taken to be ${JSON.stringify(run)}`]
        : []),
      ...(checkpoint.target === target
        ? []
        : [
            `this checkpoint was computed on ${checkpoint.target}, this machine runs ${target}: the run continues, but not bit by bit`,
          ]),
      ...((checkpoint.steps ?? steps) === steps
        ? []
        : [
            `this run was planned for ${checkpoint.steps} steps and is to have ${steps}: what depends on them, such as a learning rate, goes on as if it had always been ${steps}`,
          ]),
    ];
    return sentences.join('; ') || undefined;
  }

  get #description(): Readonly<Record<string, unknown>> {
    const { description } = this.options;
    return description ? { ...this.trainable.description, run: description } : this.trainable.description;
  }

  /** Writes the state between two steps; those in flight are finished first. @returns the path */
  async save(): Promise<string> {
    const { directory } = this.options;
    if (!directory)
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[Trainer] expected a directory in the options to save to');
    this.#expectWhole();
    await makeDirectory(directory);
    const inFlight = await Promise.all(this.#pending.map(({ metrics }) => metrics));
    const path = checkpointPath(directory);
    await writeCheckpoint(path, {
      step: this.step + inFlight.length,
      target: nativeTarget(),
      steps: this.options.steps,
      description: this.#description,
      state: await this.trainable.stateDict(),
    });
    return path;
  }

  /** Trains to the last step or until the signal fires; then the steps in flight finish, and a checkpoint is written. */
  async *run(
    dataset: AsyncIterable<Batch> | Dataset<Batch>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TrainingEvent, void, void> {
    const { steps, directory, checkpointEvery, healthEvery, reportEvery, inFlight } = this.options;
    this.#expectWhole();
    this.#waiting = false;
    const log = await this.#openLog();
    const record = async (event: TrainingEvent): Promise<TrainingEvent> => {
      await log?.append(event);
      return event;
    };
    const batches = this.#iterate(dataset);
    const rate = new Rate();
    let submitted = this.step;
    try {
      // Of a dataset that cannot seek, the batches of the steps already done are read and dropped.
      const passed = 'seek' in dataset ? submitted : 0;
      for (let index = passed; index < submitted && !signal?.aborted; index++) await this.#next(batches, index, signal);
      while (this.step < steps) {
        const barrier = nextMultiple(this.step, steps, directory ? checkpointEvery : 0, healthEvery);
        while (this.#pending.length < inFlight && submitted < barrier && !signal?.aborted) {
          const next = await this.#next(batches, submitted, signal);
          if (!next) break; // the signal fired
          const metrics = this.trainable.step(next.value, submitted++, { steps });
          metrics.catch(() => {}); // reported below, when its turn comes
          this.#pending.push({ batch: next.value, metrics });
        }
        const [oldest] = this.#pending;
        if (!oldest) break;
        const metrics = await oldest.metrics;
        this.#pending.shift();
        this.step++;
        rate.add(this.trainable.samples(oldest.batch));
        if (this.step % reportEvery === 0 || this.step === steps) {
          yield await record({
            type: 'step',
            step: this.step,
            steps,
            metrics,
            samplesPerSecond: rate.perSecond,
            secondsLeft: rate.secondsFor(steps - this.step),
          });
        }
        if (this.trainable.health && healthEvery && (this.step % healthEvery === 0 || this.step === steps)) {
          const health = await this.trainable.health(oldest.batch, this.step);
          yield await record({ type: 'health', step: this.step, health });
          if (health.collapsed)
            yield await record({
              type: 'warning',
              step: this.step,
              message: collapseWarning(health.sigreg, health.effectiveRank),
            });
        }
        if (directory && (this.step === steps || (checkpointEvery && this.step % checkpointEvery === 0)))
          yield await record({ type: 'checkpoint', step: this.step, path: await this.save() });
      }
      if (this.step < steps) {
        const saved = directory ? { path: await this.save() } : {};
        yield await record({ type: 'interrupted', step: this.step, ...saved });
        return;
      }
      yield await record({
        type: 'done',
        step: this.step,
        seconds: rate.seconds,
        samplesPerSecond: rate.perSecond,
      });
    } finally {
      await this.#settle();
      const closed = batches.return?.();
      // A generator closes only after the batch it is busy with, which may never come.
      if (this.#waiting) closed?.catch(() => {});
      else await closed;
    }
  }

  async #openLog(): Promise<TrainingLog | undefined> {
    const { directory } = this.options;
    if (!directory) return undefined;
    await makeDirectory(directory);
    const log = new TrainingLog(join(directory, 'log.jsonl'));
    await log.rewind(this.step);
    return log;
  }

  #iterate(dataset: AsyncIterable<Batch> | Dataset<Batch>): AsyncIterator<Batch> {
    if (!isAsyncIterable(dataset))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Trainer] expected batches as an async iterable, got ${kindOf(dataset)}`,
        { help: ['an async generator gives them: async function* batches() { for (;;) yield { x, y }; }'] },
      );
    if ('seek' in dataset) dataset.seek(this.step);
    return dataset[Symbol.asyncIterator]();
  }

  /** The next batch, or undefined if the signal fires before it comes. */
  async #next(
    batches: AsyncIterator<Batch>,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly value: Batch } | undefined> {
    const batch = batches.next();
    batch.catch(() => {}); // after an abort nobody waits for it
    this.#waiting = true;
    const next = await unlessAborted('Trainer', batch, signal).catch((error: unknown) => {
      if (signal?.aborted) return undefined;
      this.#waiting = false; // it came, as an error
      throw error;
    });
    if (!next) return undefined;
    this.#waiting = false;
    if (!next.done) return next;
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[Trainer] expected ${this.options.steps} batches, got ${index}: the dataset ended`,
    );
  }

  /** Whoever leaves the loop leaves between two steps: what was in flight has happened and counts, up to the first that failed. */
  async #settle(): Promise<void> {
    const settled = await Promise.allSettled(this.#pending.map(({ metrics }) => metrics));
    this.#pending = [];
    const failed = settled.findIndex(({ status }) => status === 'rejected');
    this.step += failed < 0 ? settled.length : failed;
    this.#torn = failed >= 0 && settled.slice(failed).some(({ status }) => status === 'fulfilled');
  }

  #expectWhole(): void {
    if (this.#torn)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Trainer] expected the state after step ${this.step}, got one that a failed step is missing from`,
        { help: ['resume from the last checkpoint'] },
      );
  }
}

function expectTrainable(given: unknown): void {
  const methods = ['step', 'stateDict', 'loadStateDict', 'samples'];
  const object = (typeof given === 'object' && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
  const missing = methods.filter((name) => typeof object[name] !== 'function');
  if (missing.length === 0) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[Trainer] expected a training with the methods ${methods.join(', ')}, got ${object === given ? `one without ${missing.join(', ')}` : kindOf(given)}`,
    {
      help: ['a world model trains as `new WorldModelTraining(world)`, a module as `new ModuleTraining(module, loss)`'],
    },
  );
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw ioError('write', directory, cause);
  });
}

/** The next step at which the pipeline must be empty: a state is saved and examined between two steps. */
function nextMultiple(step: number, steps: number, ...intervals: number[]): number {
  return intervals
    .filter(Boolean)
    .reduce((barrier, interval) => Math.min(barrier, (Math.floor(step / interval) + 1) * interval), steps);
}

function collapseWarning(sigreg: number, effectiveRank: number): string {
  return `the embeddings are collapsing (SIGReg ${sigreg.toFixed(2)}, effective rank ${effectiveRank.toFixed(1)}): raise the weight of sigreg, lower the learning rate, or check that observations differ`;
}
