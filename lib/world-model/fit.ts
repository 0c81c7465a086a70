import { clipBatches } from '../data/clips.js';
import { episodeStatistics } from '../data/episode-statistics.js';
import type { Episodes } from '../data/episodes.js';
import { isAsyncIterable } from '../data/iterable.js';
import type { MultimodalEpisodes } from '../data/multimodal-episodes.js';
import { type RecordOptions, recordEpisodes } from '../data/record.js';
import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { TrainingEvent } from '../train/events.js';
import { runToEnd } from '../train/run-to-end.js';
import { Trainer } from '../train/trainer.js';
import type { Environment } from '../worlds/environment.js';
import type { ObservationValue, SpaceValue } from '../worlds/space.js';
import type { WorldModelConfig } from './config.js';
import { type Preset, type PresetOptions, presetConfig } from './preset.js';
import { type ClipBatch, WorldModelTraining } from './training.js';
import type { WorldModelTrainingOptions } from './training-settings.js';
import type { WorldModel } from './world-model.js';

export interface FitOptions
  extends Pick<PresetOptions, 'contextFrames' | 'seed' | 'encoder' | 'embeddingSize' | 'predictor' | 'velocity'> {
  /** Default 'tiny'. */
  readonly preset?: Preset;
  /** Steps of training (default 1000). */
  readonly steps?: number;
  readonly training?: WorldModelTrainingOptions;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/** How recordings become clips. */
export interface FitEpisodesOptions extends FitOptions {
  /** Frames of a clip (default 16), and clips of a step (default 16). */
  readonly clipFrames?: number;
  readonly clips?: number;
  /** Recorded frames from one frame of a clip to the next (default 1). */
  readonly frameSkip?: number;
  /** Frames per second, where the recordings do not know it. */
  readonly frameRate?: number;
}

export interface FitEnvironmentOptions<Observation extends ObservationValue = SpaceValue>
  extends Omit<FitEpisodesOptions, 'frameRate'> {
  /** What to play to learn from. */
  readonly record?: Omit<RecordOptions<Observation>, 'signal'>;
}

/** What a world model can be fitted to. */
type Source = Environment<ObservationValue> | Episodes | MultimodalEpisodes | AsyncIterable<ClipBatch>;

/** Batches of clips say nothing of the world they are of. */
export type FitDatasetOptions = FitOptions & Pick<PresetOptions, 'observation' | 'action' | 'frameRate'>;

const defaults = { preset: 'tiny' as Preset, steps: 1000, seed: 0 };
const common = [
  'preset',
  'steps',
  'seed',
  'contextFrames',
  'encoder',
  'embeddingSize',
  'predictor',
  'velocity',
  'training',
  'signal',
  'onEvent',
];
const ofEpisodes = [...common, 'clipFrames', 'clips', 'frameSkip'];
/** Batches that normalisation statistics are estimated from: the last ones trained on. */
const statisticsBatches = 24;

interface Material {
  readonly config: WorldModelConfig;
  readonly batches: AsyncIterable<ClipBatch>;
}

/** @param make a model of a configuration   @returns the model, trained and in evaluation mode */
export async function fitWorldModel(
  make: (config: WorldModelConfig) => WorldModel,
  source: Source,
  options: FitEnvironmentOptions<never> | FitEpisodesOptions | FitDatasetOptions,
): Promise<WorldModel> {
  const { config, batches } = await materialOf(source, options);
  const { steps, training: trainingOptions, signal, onEvent } = withDefaults(defaults, options);
  const model = make(config);
  try {
    return await trainOn(model, batches, { steps, training: trainingOptions, signal, onEvent });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Trains a model on. @returns the model, in evaluation mode @throws JepaError ERR_JEPA_ABORTED */
export async function trainOn(
  model: WorldModel,
  batches: AsyncIterable<ClipBatch>,
  options: Pick<FitOptions, 'training' | 'signal' | 'onEvent'> & { readonly steps: number },
): Promise<WorldModel> {
  const { steps, signal, onEvent } = options;
  const training = new WorldModelTraining(model, options.training);
  const recent: ClipBatch[] = [];
  try {
    await runToEnd('fit', new Trainer(training, { steps }), kept(batches, recent), { signal, onEvent });
    await training.finish(recent);
    return model;
  } finally {
    training.dispose();
  }
}

async function materialOf(
  source: Source,
  options: FitEnvironmentOptions<never> | FitEpisodesOptions | FitDatasetOptions,
): Promise<Material> {
  if (isEnvironment(source)) {
    checkOptions('WorldModel.fit', options, [...ofEpisodes, 'record']);
    const { record, signal, ...rest } = options as FitEnvironmentOptions<ObservationValue>;
    const episodes = await recordEpisodes<ObservationValue>(source, { seed: rest.seed, ...record, signal });
    return materialOfEpisodes(episodes, rest);
  }
  if (isEpisodes(source)) {
    checkOptions('WorldModel.fit', options, [...ofEpisodes, 'frameRate']);
    return materialOfEpisodes(source, options as FitEpisodesOptions);
  }
  if (!isAsyncIterable(source))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[WorldModel.fit] expected an environment, recorded episodes or batches of clips, got ${typeof source}`,
    );
  checkOptions('WorldModel.fit', options, [...common, 'observation', 'action', 'frameRate']);
  const { preset = defaults.preset, observation, action, frameRate } = options as FitDatasetOptions;
  const world = { observation, action, frameRate };
  return { config: presetConfig(preset, { ...world, ...partsOf(options) }), batches: source };
}

async function materialOfEpisodes(
  episodes: Episodes | MultimodalEpisodes,
  options: FitEpisodesOptions,
): Promise<Material> {
  const { frameSkip, frameRate, preset = defaults.preset, clipFrames = 16, clips, seed = defaults.seed } = options;
  const world = await episodeStatistics(episodes, { frameSkip, frameRate });
  return {
    config: presetConfig(preset, { ...world, ...partsOf(options) }),
    batches: clipBatches(episodes, { frames: clipFrames, frameSkip, clips, seed }),
  };
}

const partsOf = ({ contextFrames, seed, encoder, embeddingSize, predictor, velocity }: FitOptions) => ({
  contextFrames,
  seed,
  encoder,
  embeddingSize,
  predictor,
  velocity,
});

function isEnvironment(source: object): source is Environment<ObservationValue> {
  return 'reset' in Object(source) && 'step' in Object(source);
}

function isEpisodes(source: object): source is Episodes | MultimodalEpisodes {
  return 'lengths' in Object(source) && 'observe' in Object(source);
}

/** The batches as they come, of which the last ones are kept. */
async function* kept(batches: AsyncIterable<ClipBatch>, recent: ClipBatch[]): AsyncGenerator<ClipBatch> {
  for await (const batch of batches) {
    recent.push(batch);
    if (recent.length > statisticsBatches) recent.shift();
    yield batch;
  }
}
