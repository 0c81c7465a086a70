import type { TrainingEvent } from '../train/events.js';
import { runToEnd } from '../train/run-to-end.js';
import { Trainer } from '../train/trainer.js';
import { type ClipBatch, WorldModelTraining } from '../world-model/training.js';
import { WorldModel } from '../world-model/world-model.js';
import { frameSkip } from '../worlds/two-room/training.js';

export interface TwoRoomModelOptions {
  /** px of a picture */
  readonly imageSize: number;
  /** What the encoder sees of a byte p: p·pixelScale + pixelOffset. */
  readonly pixelScale: number;
  readonly pixelOffset: number;
  /** Standard deviation of the numbers of an action. */
  readonly actionDeviation: number;
  readonly seed: number;
}

const actionSize = 2 * frameSkip;

/** A small model of a dot in two rooms: one frame tells everything, so its predictor has no memory. Its action is a block of five (x, y). */
export const smallTwoRoomModel = (options: TwoRoomModelOptions): WorldModel => {
  const { imageSize, pixelScale, pixelOffset, actionDeviation, seed } = options;
  return new WorldModel({
    observation: { kind: 'image', height: imageSize, width: imageSize, channels: 3 },
    action: {
      size: actionSize,
      names: Array.from({ length: actionSize }, (_, i) => `${i % 2 === 0 ? 'x' : 'y'}${Math.floor(i / 2)}`),
      mean: new Array<number>(actionSize).fill(0),
      std: new Array<number>(actionSize).fill(actionDeviation),
    },
    frameRate: 2,
    embeddingSize: 32,
    encoder: {
      kind: 'convolution',
      layers: [
        { channels: 16, kernel: 4, stride: 2, padding: 1 },
        { channels: 32, kernel: 3, stride: 2, padding: 1 },
        { channels: 32, kernel: 3, stride: 2, padding: 1 },
      ],
      hidden: 128,
      affine: false,
      pixelScale,
      pixelOffset,
    },
    predictor: { kind: 'markov', hidden: 128 },
    heads: { variance: 0, inverse: 0, critic: 0 },
    contextFrames: 1,
    seed,
  });
};

export interface TrainTwoRoomOptions {
  /** Steps of training, a batch each. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/**
 * Trains it with VICReg's variance and covariance terms: in a flat latent plane, a wall would cost little. Disposes of a model that is not finished.
 * @param name for the error   @param last batches that the statistics of the normalisation are taken from
 * @throws JepaError ERR_JEPA_ABORTED
 */
export async function trainTwoRoomModel(
  name: string,
  model: WorldModel,
  batches: AsyncIterable<ClipBatch>,
  last: readonly ClipBatch[],
  { steps, signal, onEvent }: TrainTwoRoomOptions & { readonly steps: number },
): Promise<void> {
  const training = new WorldModelTraining(model, {
    objective: {
      firstTarget: 1,
      rollout: 0.5,
      sigreg: 0,
      temporalSigreg: 0,
      variance: 1,
      covariance: 0.1,
      inverseDynamics: 0,
      effect: 0,
      contrastive: 0,
      likelihood: 0,
      critic: 0,
    },
    learningRate: 2e-3,
    warmupSteps: 50,
    finalFraction: 0.05,
    averaging: 0,
  });
  try {
    await runToEnd(name, new Trainer(training, { steps, healthEvery: 0 }), batches, { signal, onEvent });
    await training.finish(last);
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    training.dispose();
  }
}
