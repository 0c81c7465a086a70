import { clipBatches } from '../data/clips.js';
import type { Episodes } from '../data/episodes.js';
import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { openLoop } from '../models/predictor.js';
import { mse } from '../nn/index.js';
import { slice } from '../ops/index.js';
import { type Precision, type Tensor, tensor } from '../tensor/index.js';
import type { TrainingEvent } from '../train/events.js';
import { ModuleTraining } from '../train/module-training.js';
import { runToEnd } from '../train/run-to-end.js';
import { Trainer } from '../train/trainer.js';
import type { PredictorConfig } from './config.js';
import { expectEvaluation } from './expect.js';
import { WorldModel } from './world-model.js';

export interface PredictorTrainingOptions {
  /** The new predictor (default: another one of the model's kind and size). */
  readonly predictor?: PredictorConfig;
  /** Updates (default 2,000), clips of each (default 64), and frames of a clip (default: the model's context and four more). */
  readonly steps?: number;
  readonly clips?: number;
  readonly clipFrames?: number;
  /** Recorded frames from one frame of a clip to the next (default 1): as the model was trained. */
  readonly frameSkip?: number;
  /** Peak learning rate of AdamW (default 2e-3), after a warm-up, then a cosine. */
  readonly learningRate?: number;
  /** What matrix products are computed in, as of `compile` (default 'float32'). */
  readonly precision?: Precision;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

const defaults = { steps: 2000, clips: 64, frameSkip: 1, learningRate: 2e-3, seed: 0 };
const weightDecay = 1e-4;

/**
 * A model with the same encoder and a predictor of its own, learnt on embeddings that stay as they are: recordings are embedded once, which makes
 * an update many times cheaper than one through the encoder. What is learnt is to imagine: all frames after the context, from the context alone.
 * The new model has no head for the variance of its errors: its surprise is not calibrated.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_CONFIG, ERR_JEPA_DATASET, ERR_JEPA_ABORTED
 * @example
 * const predictor = { kind: 'recurrent', stateSize: 384, hidden: 384, blocks: 3 } as const;
 * const exact = await trainPredictor(world, episodes, { predictor, steps: 5000 });
 */
export async function trainPredictor(
  world: WorldModel,
  episodes: Episodes,
  options: PredictorTrainingOptions = {},
): Promise<WorldModel> {
  const optional = ['predictor', 'clipFrames', 'precision', 'signal', 'onEvent'];
  checkOptions('trainPredictor', options, [...Object.keys(defaults), ...optional]);
  const { predictor = world.config.predictor, precision, signal, onEvent, ...given } = options;
  const { contextFrames, heads } = world.config;
  const settings = withDefaults({ ...defaults, clipFrames: contextFrames + 4 }, given);
  const { steps, clips, clipFrames: frames, frameSkip, learningRate, seed } = settings;
  if (!(Number.isInteger(frames) && frames > contextFrames))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[trainPredictor] expected clipFrames to be above the ${contextFrames} frames of context, got ${frames}`,
    );
  expectEvaluation(world.network);
  const model = new WorldModel({ ...world.config, predictor, heads: { ...heads, variance: 0 } });
  let training: ModuleTraining<EmbeddedClips> | undefined;
  try {
    const state = await world.network.stateDict();
    const kept = [...state].filter(([name]) => !name.startsWith('predictor.') && !name.startsWith('variance.'));
    await model.network.loadStateDict(new Map(kept), { strict: false });
    const batches = clipBatches(await embedEpisodes(world, episodes, signal), { frames, frameSkip, clips, seed });
    training = new ModuleTraining(model.network.predictor, (batch) => rolloutError(model, batch), {
      name: 'predictor step',
      learningRate,
      weightDecay,
      precision,
    });
    await runToEnd('trainPredictor', new Trainer(training, { steps }), tensors(batches, frames), { signal, onEvent });
    model.network.eval();
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    training?.dispose();
  }
}

interface EmbeddedClips {
  /** [B, T, D] */
  readonly embeddings: Tensor;
  /** [B, T, A] in the world's units */
  readonly actions: Tensor;
}

/** All frames after the context, of which nothing but the context has been seen: as plans are imagined. */
function rolloutError({ network, config }: WorldModel, { embeddings, actions }: EmbeddedClips): Tensor {
  const { contextFrames: context } = config;
  const done = network.standardise(actions);
  const known = network.predictor.teacherForced(slice(embeddings, 1, 0, context), slice(done, 1, 0, context));
  const { embeddings: expected } = openLoop(network.predictor, known, done, context);
  return mse(expected, slice(embeddings, 1, context, embeddings.shape[1]));
}

/** The same recordings, as the model's encoder sees them: vectors in memory. */
async function embedEpisodes(world: WorldModel, episodes: Episodes, signal?: AbortSignal): Promise<Episodes> {
  const { observation, lengths } = episodes;
  const size = world.config.embeddingSize;
  const shape =
    observation.kind === 'image' ? [observation.height, observation.width, observation.channels] : [observation.size];
  const embedded: Float32Array[] = [];
  for (const [episode, length] of lengths.entries()) {
    const seen = await episodes.observe(episode, 0, length, 1);
    const embeddings = await world.encode(tensor(seen, { shape: [length, 1, ...shape] }), { signal });
    embedded.push((await embeddings.data()) as Float32Array);
  }
  return {
    ...episodes,
    observation: { kind: 'vector', size },
    async observe(episode, start, count, stride) {
      const rows = new Float32Array(count * size);
      for (let index = 0; index < count; index++) {
        const at = (start + index * stride) * size;
        rows.set(embedded[episode].subarray(at, at + size), index * size);
      }
      return rows;
    },
  };
}

async function* tensors(batches: ReturnType<typeof clipBatches>, frames: number): AsyncGenerator<EmbeddedClips> {
  for await (const { clips, observations, actions } of batches) {
    const embeddings = observations as Float32Array;
    yield {
      embeddings: tensor(embeddings, { shape: [clips, frames, embeddings.length / (clips * frames)] }),
      actions: tensor(actions, { shape: [clips, frames, actions.length / (clips * frames)] }),
    };
  }
}
