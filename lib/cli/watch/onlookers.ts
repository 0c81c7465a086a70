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

/** Who looks on while a model trains: a live page, TensorBoard, both or nobody. At every report of health they see the model itself. */
export class Onlookers {
  /** What the trainer is to read. */
  dataset: Dataset<ClipBatch>;
  readonly #watched: Watched;
  #watch: ModelWatch | undefined;
  #page: LivePage | undefined;
  #board: TensorBoardWriter | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.dataset = watched.dataset;
  }

  /** @returns the page's address */
  async openPage(directory: string, { port, step }: { readonly port: number; readonly step: number }): Promise<string> {
    const events = await new TrainingLog(join(directory, 'log.jsonl')).read(step);
    this.#page = await LivePage.open(`Training of ${basename(resolve(directory))}`, { port, events });
    return this.#page.url;
  }

  async openBoard(directory: string, step: number): Promise<void> {
    this.#board = await TensorBoardWriter.open(directory, { step });
  }

  async see(event: TrainingEvent): Promise<void> {
    this.#page?.training(event);
    await this.#board?.record(event);
    if (event.type === 'health') await this.look(event.step);
  }

  /** Shows the model as it is after this step. */
  async look(step: number): Promise<void> {
    if (!this.#page && !this.#board) return;
    if (!this.#watch) {
      this.#watch = await ModelWatch.open(this.#watched);
      this.dataset = this.#watch.dataset;
    }
    const look = await this.#watch.look(step);
    this.#page?.look({
      step,
      samples: look.samples.map(({ strip, frames }) => ({ strip: dataUri(strip), frames })),
      violations: look.violations.map(violationView),
    });
    if (this.#board) await record(this.#board, look);
  }

  async close(message: string): Promise<void> {
    await this.#page?.close(message);
    await this.#board?.close();
    this.#watch?.dispose();
  }
}

async function record(board: TensorBoardWriter, { step, samples, violations }: ModelLook): Promise<void> {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const surprise = violations.flatMap(({ property, possibleSurprise, impossibleSurprise }) => [
    [`surprise/${property}/possible`, mean(possibleSurprise)],
    [`surprise/${property}/impossible`, mean(impossibleSurprise)],
  ]);
  await board.scalars(step, Object.fromEntries(surprise) as Record<string, number>);
  for (const [index, { strip }] of samples.entries())
    await board.image(step, `samples/${index + 1}`, strip.pixels, strip.height, strip.width);
}
