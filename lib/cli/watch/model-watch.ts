import type { Dataset } from '../../data/dataset.js';
import { map } from '../../data/map.js';
import { examplePairs, surpriseOfPair, type ViolationExample, type ViolationPair } from '../../eval/examples.js';
import type { ClipBatch, WorldModelTraining } from '../../world-model/training.js';
import type { WorldModel } from '../../world-model/world-model.js';
import { filmStrip, type Picture } from '../page/film-strip.js';

const shownClips = 6;
/** Batches that the normalisation of a snapshot is estimated from: enough for a look, a fraction of what the finished model gets. */
const statisticsBatches = 4;

/** What can be seen of a model in training. */
export interface ModelLook {
  readonly step: number;
  /** Clips that it learns from, as film strips. */
  readonly samples: readonly { readonly strip: Picture; readonly frames: number }[];
  /** Of validation clips. */
  readonly violations: readonly ViolationExample[];
}

/** A training with what a look at it needs. */
export interface Watched {
  readonly training: WorldModelTraining;
  readonly dataset: Dataset<ClipBatch> & { statisticsBatches(count: number): Promise<ClipBatch[]> };
  /** Which validation clips. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Looks at a world model of the physics suite between two steps, and leaves its training as it is. */
export class ModelWatch {
  /** What the trainer is to read, so that the clips it has read can be shown. */
  readonly dataset: Dataset<ClipBatch>;
  readonly #training: WorldModelTraining;
  readonly #batches: readonly ClipBatch[];
  readonly #pairs: readonly ViolationPair[];
  #latest: ClipBatch;
  #snapshot: WorldModel | undefined;

  private constructor(
    training: WorldModelTraining,
    dataset: Dataset<ClipBatch>,
    batches: readonly ClipBatch[],
    pairs: readonly ViolationPair[],
  ) {
    this.#training = training;
    this.#batches = batches;
    this.#pairs = pairs;
    this.#latest = batches[0];
    this.dataset = map(dataset, (batch) => {
      this.#latest = batch;
      return batch;
    });
  }

  /** @throws JepaError ERR_JEPA_ABORTED by the signal, ERR_JEPA_MISSING_PEER without the physics engine */
  static async open({ training, dataset, seed, signal }: Watched): Promise<ModelWatch> {
    const pairs = await examplePairs('validation', seed, signal);
    return new ModelWatch(training, dataset, await dataset.statisticsBatches(statisticsBatches), pairs);
  }

  async look(step: number): Promise<ModelLook> {
    this.#snapshot = await this.#training.snapshot(this.#batches, this.#snapshot);
    const violations: ViolationExample[] = [];
    for (const pair of this.#pairs) violations.push(await surpriseOfPair(this.#snapshot, pair));
    return { step, samples: this.#samples(), violations };
  }

  dispose(): void {
    this.#snapshot?.dispose();
  }

  #samples(): ModelLook['samples'] {
    const { observation } = this.#training.model.config;
    const { clips, frames, observations } = this.#latest;
    if (observation.kind !== 'image' || !(observations instanceof Uint8Array)) return [];
    const { height, width } = observation;
    const size = frames * height * width * 3;
    return Array.from({ length: Math.min(shownClips, clips) }, (_, index) => ({
      strip: filmStrip(observations.subarray(index * size, (index + 1) * size), frames, height, width),
      frames,
    }));
  }
}
