import type { Dataset } from '../../data/dataset.js';
import { map } from '../../data/map.js';
import { examplePairs, surpriseOfPair, type ViolationExample, type ViolationPair } from '../../eval/examples.js';
import { isPhysicsModel } from '../../eval/physics-model.js';
import type { ModalityConfig } from '../../world-model/config.js';
import type { ClipBatch, WorldModelTraining } from '../../world-model/training.js';
import type { WorldModel } from '../../world-model/world-model.js';
import { filmStrip, inColour, type Picture } from '../page/film-strip.js';

const shownClips = 6;
/** Batches that the normalisation of a snapshot is estimated from: enough for a look, a fraction of what the finished model gets. */
const statisticsBatches = 4;

/** What one camera shows of a clip. */
interface Sample {
  readonly strip: Picture;
  readonly frames: number;
  /** Number of the clip, from 1, and the name of the modality where there are several. */
  readonly clip: number;
  readonly modality?: string;
}

/** What can be seen of a model in training. */
export interface ModelLook {
  readonly step: number;
  /** Clips that it learns from, as film strips. */
  readonly samples: readonly Sample[];
  /** Of validation clips of the physics suite; none for a model of another world. */
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
    const pairs = isPhysicsModel(training.model) ? await examplePairs('validation', seed, signal) : [];
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
    const strips = (seen: unknown, of: ModalityConfig, index: number): Picture[] => {
      if (of.kind !== 'image' || !(seen instanceof Uint8Array)) return [];
      const { height, width, channels } = of;
      const size = frames * height * width * channels;
      const pixels = inColour(seen.subarray(index * size, (index + 1) * size), channels);
      return [filmStrip(pixels, frames, height, width)];
    };
    return Array.from({ length: Math.min(shownClips, clips) }, (_, index): Sample[] => {
      const told = { frames, clip: index + 1 };
      if (observation.kind !== 'multimodal')
        return strips(observations, observation, index).map((strip) => ({ ...told, strip }));
      return Object.entries(observation.modalities).flatMap(([modality, of]) =>
        strips(observations[modality as never], of, index).map((strip) => ({ ...told, modality, strip })),
      );
    }).flat();
  }
}
