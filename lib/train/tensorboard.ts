import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { checkOptions } from '../io/options.js';
import { encodePng } from '../io/png-writer.js';
import { encodeEvent, fileVersion, type TensorBoardEvent } from '../io/tensorboard-format.js';
import type { TrainingEvent } from './events.js';

let opened = 0;

/**
 * Writes an event file that TensorBoard reads: scalars and pictures over steps. Every call appends whole records, so the file can be
 * watched while it grows, and a killed process leaves at most one half record at the end, which readers skip.
 * @example
 * const board = await TensorBoardWriter.open('runs/a', { step: trainer.step });
 * for await (const event of trainer.run(dataset)) await board.record(event);
 * await board.close(); // then: tensorboard --logdir runs
 */
export class TensorBoardWriter {
  readonly path: string;
  readonly #file: FileHandle;
  /** Ends when all records are written or have failed; it never rejects. */
  #writing: Promise<void> = Promise.resolve();
  /** Bytes of whole records. */
  #size = 0;
  #closed = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Starts a new file in a directory, which is made if it is missing.
   * @param options.step steps already done (default 0): what earlier files of the directory say of later steps counts no more
   * @throws JepaError ERR_JEPA_IO, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT
   */
  static async open(directory: string, options: { readonly step?: number } = {}): Promise<TensorBoardWriter> {
    checkOptions('TensorBoardWriter', options, ['step']);
    const { step = 0 } = options;
    expectStep(step);
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0'); // readers take files in the order of their names
    const path = join(directory, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${opened++}`);
    const file = await mkdir(directory, { recursive: true })
      .then(() => open(path, 'ax'))
      .catch((cause: unknown) => {
        throw ioError('write', path, cause);
      });
    const writer = new TensorBoardWriter(path, file);
    await writer.#append({ wallTime: now(), fileVersion }, { wallTime: now(), step: step + 1, start: true });
    return writer;
  }

  /**
   * Values of one step by tag; tags that share what is before a slash form a group.
   * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_IO, ERR_JEPA_DISPOSED
   * @example await board.scalars(100, { 'validation/loss': 0.25 });
   */
  async scalars(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    expectStep(step);
    await this.#append({ wallTime: now(), step, scalars: values });
  }

  /**
   * A picture of one step.
   * @param pixels [height, width, 3] bytes
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_IO, ERR_JEPA_DISPOSED
   */
  async image(step: number, tag: string, pixels: Uint8Array, height: number, width: number): Promise<void> {
    expectStep(step);
    if (!(height > 0 && width > 0) || pixels.length !== height * width * 3)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[TensorBoardWriter] expected pixels of shape [${height}, ${width}, 3], got ${pixels.length} bytes`,
      );
    const images = { [tag]: { height, width, png: encodePng(pixels, width, height) } };
    await this.#append({ wallTime: now(), step, images });
  }

  /** What a `Trainer` reports: `train/…` from its steps, `health/…` from its looks at the representation; the rest has no number. */
  async record(event: TrainingEvent): Promise<void> {
    if (event.type === 'step') {
      const metrics = Object.entries(event.metrics).map(([name, value]) => [`train/${name}`, value]);
      await this.scalars(event.step, {
        ...Object.fromEntries(metrics),
        'train/samplesPerSecond': event.samplesPerSecond,
      });
    } else if (event.type === 'health') {
      const { sigreg, effectiveRank, actionSensitivity, std } = event.health;
      await this.scalars(event.step, {
        'health/sigreg': sigreg,
        'health/effectiveRank': effectiveRank,
        'health/actionSensitivity': actionSensitivity,
        'health/leastStd': std.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
      });
    }
  }

  /** Ends the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing; // whoever wrote what failed was told
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Records of one call stay together, and calls keep their order. A call that fails leaves nothing in the file, and the next may
   * succeed.
   */
  #append(...events: readonly TensorBoardEvent[]): Promise<void> {
    if (this.#closed)
      throw new JepaError('ERR_JEPA_DISPOSED', `[TensorBoardWriter] expected an open file, got ${this.path}, closed`);
    const bytes = Buffer.concat(events.map(encodeEvent));
    const written = this.#writing.then(async () => {
      try {
        await this.#file.appendFile(bytes);
        this.#size += bytes.length;
      } catch (cause) {
        await this.#file.truncate(this.#size).catch(() => {}); // half a record would hide those after it
        throw ioError('write', this.path, cause);
      }
    });
    this.#writing = written.catch(() => {});
    return written;
  }
}

function now(): number {
  return Date.now() / 1000;
}

function expectStep(step: number): void {
  if (!Number.isSafeInteger(step) || step < 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[TensorBoardWriter] expected step to be a whole number, 0 or more, got ${step}`,
    );
}
