import { basename, join, resolve } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import type { TrainingEvent } from '../../train/events.js';
import { TrainingLog } from '../../train/log.js';
import { TensorBoardWriter } from '../../train/tensorboard.js';
import type { ClipBatch } from '../../world-model/training.js';
import { violationView } from '../page/example-views.js';
import { dataUri } from '../page/film-strip.js';
import { LivePage } from './live-page.js';
import { type ModelLook, ModelWatch, type Watched } from './model-watch.js';

/**
 * Who looks on while a model trains: a live page, TensorBoard, both or nobody. At every report of health they see the model itself.
 * A training must not end because of them: what fails once it has been opened is said and then left out.
 */
export class Onlookers {
  /** What the trainer is to read. */
  dataset: Dataset<ClipBatch>;
  readonly #watched: Watched;
  readonly #warn: (message: string) => void;
  #watch: ModelWatch | undefined;
  #page: LivePage | undefined;
  #board: TensorBoardWriter | undefined;
  /** The model cannot be looked at. */
  #blind = false;

  constructor(watched: Watched, warn: (message: string) => void) {
    this.#watched = watched;
    this.#warn = warn;
    this.dataset = watched.dataset;
  }

  /** @returns the page's address */
  async openPage(directory: string, { port, step }: { readonly port: number; readonly step: number }): Promise<string> {
    const events = await new TrainingLog(join(directory, 'log.jsonl')).read(step);
    const failed = (error: Error): void => this.#leavePage(error);
    this.#page = await LivePage.open(`Training of ${basename(resolve(directory))}`, { port, events, failed });
    return this.#page.url;
  }

  async openBoard(directory: string, step: number): Promise<void> {
    this.#board = await TensorBoardWriter.open(directory, { step });
  }

  async see(event: TrainingEvent): Promise<void> {
    this.#toPage((page) => page.training(event));
    await this.#toBoard((board) => board.record(event));
    if (event.type === 'health') await this.look(event.step);
  }

  /** Shows the model as it is after this step. */
  async look(step: number): Promise<void> {
    if (this.#blind || (!this.#page && !this.#board)) return;
    const look = await this.#lookAtModel(step);
    if (!look) return;
    this.#toPage((page) =>
      page.look({
        step,
        samples: look.samples.map(({ strip, ...sample }) => ({ ...sample, strip: dataUri(strip) })),
        violations: look.violations.map(violationView),
      }),
    );
    await this.#toBoard((board) => record(board, look));
  }

  async close(message: string): Promise<void> {
    try {
      await this.#page?.close(message);
    } catch (error) {
      this.#warn(`the live page could not be closed: ${said(error)}`);
    }
    try {
      await this.#board?.close();
    } catch (error) {
      this.#warn(`the TensorBoard file could not be closed: ${said(error)}`);
    }
    this.#watch?.dispose();
  }

  async #lookAtModel(step: number): Promise<ModelLook | undefined> {
    try {
      if (!this.#watch) {
        this.#watch = await ModelWatch.open(this.#watched);
        this.dataset = this.#watch.dataset;
      }
      return await this.#watch.look(step);
    } catch (error) {
      this.#blind = true;
      // Whoever stops the training hears of that from the trainer.
      if (!this.#watched.signal.aborted)
        this.#warn(`the training goes on, but is no longer looked into: ${said(error)}`);
      return undefined;
    }
  }

  #toPage(show: (page: LivePage) => void): void {
    try {
      if (this.#page) show(this.#page);
    } catch (error) {
      this.#leavePage(error);
    }
  }

  #leavePage(error: unknown): void {
    const page = this.#page;
    this.#page = undefined;
    if (!page) return;
    this.#warn(`the training goes on without its live page: ${said(error)}`);
    page.close('the training goes on without this page').catch(() => {}); // it has failed already
  }

  async #toBoard(write: (board: TensorBoardWriter) => Promise<void>): Promise<void> {
    const board = this.#board;
    if (!board) return;
    try {
      await write(board);
    } catch (error) {
      this.#board = undefined;
      this.#warn(`the training goes on without TensorBoard: ${said(error)}`);
      await board.close().catch(() => {}); // it has failed already
    }
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function record(board: TensorBoardWriter, { step, samples, violations }: ModelLook): Promise<void> {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const surprise = violations.flatMap(({ property, possibleSurprise, impossibleSurprise }) => [
    [`surprise/${property}/possible`, mean(possibleSurprise)],
    [`surprise/${property}/impossible`, mean(impossibleSurprise)],
  ]);
  await board.scalars(step, Object.fromEntries(surprise) as Record<string, number>);
  for (const { strip, clip, modality } of samples)
    await board.image(
      step,
      ['samples', clip, ...(modality === undefined ? [] : [modality])].join('/'),
      strip.pixels,
      strip.height,
      strip.width,
    );
}
