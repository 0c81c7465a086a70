import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { nativeTarget } from '../tensor/index.js';
import { checkpointPath, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { TrainingEvent } from './events.js';
import { Rate } from './rate.js';
import type { Trainable } from './trainable.js';

export interface TrainerOptions {
  /** Steps of the whole run, those before a resume included. */
  readonly steps: number;
  /** Directory for `checkpoint.safetensors` and `log.jsonl`; without one nothing is written. */
  readonly directory?: string;
  /** Steps between checkpoints (default 500); one is also written at the end and on interruption. */
  readonly checkpointEvery?: number;
  /** Steps between health reports (default 200; 0: never). */
  readonly healthEvery?: number;
  /** Steps between 'step' events (default 10). */
  readonly reportEvery?: number;
  /** Steps handed to the engine before the first has finished (default 2): hides loading and JavaScript. */
  readonly inFlight?: number;
}

/** Batches by index: what exact resume needs. Any other async iterable works too, from its beginning. */
export interface SeekableDataset<Batch> extends AsyncIterable<Batch> {
  /** The next batch delivered is the one of this index. */
  seek(index: number): void;
}

const defaults = { checkpointEvery: 500, healthEvery: 200, reportEvery: 10, inFlight: 2 };

/**
 * Runs a {@link Trainable} over a dataset: events to iterate, a JSON-lines log, checkpoints, exact resume.
 * @example
 * const trainer = new Trainer(model, { steps: 1000, directory: 'runs/a' });
 * for await (const event of trainer.run(dataset, { signal })) if (event.type === 'step') console.error(event.metrics.loss);
 */
export class Trainer<Batch> {
  readonly trainable: Trainable<Batch>;
  readonly options: TrainerOptions & typeof defaults;
  /** Steps done so far. */
  step = 0;

  constructor(trainable: Trainable<Batch>, options: TrainerOptions) {
    checkOptions('Trainer', options, [
      'steps',
      'directory',
      'checkpointEvery',
      'healthEvery',
      'reportEvery',
      'inFlight',
    ]);
    if (!Number.isInteger(options.steps) || options.steps < 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Trainer] expected steps to be a non-negative integer, got ${options.steps}`,
      );
    this.trainable = trainable;
    this.options = { ...defaults, ...options };
  }

  /**
   * Goes on from a checkpoint. Resolves to a sentence to show where the continuation may differ in its last bits.
   * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH if it belongs to another model or configuration
   */
  async resume(path: string): Promise<string | undefined> {
    const checkpoint = await readCheckpoint(path);
    const own = JSON.parse(JSON.stringify(this.trainable.description)) as unknown;
    if (!isDeepStrictEqual(checkpoint.description, own)) {
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_MISMATCH',
        `[Trainer] expected a checkpoint of ${JSON.stringify(own)}, got one of ${JSON.stringify(checkpoint.description)} in ${path}`,
      );
    }
    await this.trainable.loadStateDict(checkpoint.state);
    this.step = checkpoint.step;
    const target = nativeTarget();
    return checkpoint.target === target
      ? undefined
      : `this checkpoint was computed on ${checkpoint.target}, this machine runs ${target}: the run continues, but not bit by bit`;
  }

  /** Writes the state between two steps. @returns the path */
  async save(): Promise<string> {
    if (!this.options.directory)
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[Trainer] expected a directory in the options to save to');
    await mkdir(this.options.directory, { recursive: true });
    const path = checkpointPath(this.options.directory);
    await writeCheckpoint(path, {
      step: this.step,
      target: nativeTarget(),
      description: this.trainable.description,
      state: await this.trainable.stateDict(),
    });
    return path;
  }

  /** Trains to the last step or until the signal fires; then the steps in flight finish, and a checkpoint is written. */
  async *run(
    dataset: AsyncIterable<Batch> | SeekableDataset<Batch>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TrainingEvent, void, void> {
    const { steps, directory, checkpointEvery, healthEvery, reportEvery, inFlight } = this.options;
    if (directory) await mkdir(directory, { recursive: true });
    if ('seek' in dataset) dataset.seek(this.step);
    else if (this.step > 0)
      throw new JepaError(
        'ERR_JEPA_DATASET',
        '[Trainer] expected a dataset with seek(index) to resume, got a plain async iterable',
      );
    const batches = dataset[Symbol.asyncIterator]();
    const rate = new Rate();
    const pending: { readonly batch: Batch; readonly metrics: Promise<Readonly<Record<string, number>>> }[] = [];
    let submitted = this.step;
    try {
      while (this.step < steps) {
        const barrier = nextMultiple(this.step, steps, directory ? checkpointEvery : 0, healthEvery);
        while (pending.length < inFlight && submitted < barrier && !signal?.aborted) {
          const { done, value: batch } = await batches.next();
          if (done)
            throw new JepaError(
              'ERR_JEPA_DATASET',
              `[Trainer] expected ${steps} batches, got ${submitted}: the dataset ended`,
            );
          const metrics = this.trainable.step(batch, submitted++, { steps });
          metrics.catch(() => {}); // reported below, when its turn comes
          pending.push({ batch, metrics });
        }
        const next = pending.shift();
        if (!next) break;
        const metrics = await next.metrics;
        this.step++;
        rate.add(this.trainable.samples(next.batch));
        if (this.step % reportEvery === 0 || this.step === steps) {
          yield await this.#log({
            type: 'step',
            step: this.step,
            steps,
            metrics,
            samplesPerSecond: rate.perSecond,
            secondsLeft: rate.secondsFor(steps - this.step),
          });
        }
        if (this.trainable.health && healthEvery && (this.step % healthEvery === 0 || this.step === steps)) {
          const health = await this.trainable.health(next.batch, this.step);
          yield await this.#log({ type: 'health', step: this.step, health });
          if (health.collapsed)
            yield await this.#log({
              type: 'warning',
              step: this.step,
              message: collapseWarning(health.sigreg, health.effectiveRank),
            });
        }
        if (directory && (this.step === steps || (checkpointEvery && this.step % checkpointEvery === 0))) {
          yield await this.#log({ type: 'checkpoint', step: this.step, path: await this.save() });
        }
      }
      if (this.step < steps) {
        yield await this.#log({
          type: 'interrupted',
          step: this.step,
          ...(directory ? { path: await this.save() } : {}),
        });
        return;
      }
      yield await this.#log({ type: 'done', step: this.step, seconds: rate.seconds, samplesPerSecond: rate.perSecond });
    } finally {
      await Promise.allSettled(pending.map(({ metrics }) => metrics));
      await batches.return?.();
    }
  }

  async #log<Event extends TrainingEvent>(event: Event): Promise<Event> {
    if (this.options.directory)
      await appendFile(join(this.options.directory, 'log.jsonl'), `${JSON.stringify(event)}\n`);
    return event;
  }
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
