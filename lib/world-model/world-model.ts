import type { Episodes } from '../data/episodes.js';
import type { HostObservations } from '../data/modalities.js';
import type { MultimodalEpisodes } from '../data/multimodal-episodes.js';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { Environment } from '../worlds/environment.js';
import type { ObservationValue } from '../worlds/space.js';
import { batched, chunkClips } from './batched.js';
import { type CalibrationOptions, calibrate } from './calibrate.js';
import { checkRate, expectCalibration, type Judgement, type SurpriseCalibration } from './calibration.js';
import { checkedConfig } from './check-config.js';
import { type Clips, clipTensors, expectParts, type TensorsOfClips } from './clips.js';
import type { WeightFormat } from './compact.js';
import type { InferenceOptions, WorldModelConfig } from './config.js';
import { expectActions, expectClips, expectContexts, expectEvaluation, expectObservations } from './expect.js';
import { fingerprint, readWorldModel, writeWorldModel } from './file.js';
import { type FitDatasetOptions, type FitEnvironmentOptions, type FitEpisodesOptions, fitWorldModel } from './fit.js';
import { type Inference, inference } from './inference.js';
import { inOrder, type Judge, planCosts, type RankedAction } from './judge.js';
import { measure } from './measure.js';
import { WorldModelNetwork } from './network.js';
import { type Observations, withLeadingAxes } from './observations.js';
import { type Preset, type PresetOptions, presetConfig } from './preset.js';
import { findPretrained, type PretrainedName } from './pretrained.js';
import { Session, type SessionOptions } from './session.js';
import type { ClipBatch } from './training.js';

export interface Imagined {
  /** [B, K, D] the embeddings expected at frames c … T−1. */
  readonly embeddings: Tensor;
  /** [B, K, D + 1] log of the squared error the model expects of itself: per dimension and, last, their mean. */
  readonly logError?: Tensor;
}

export interface Surprise {
  /** [B] open-loop error over the error the model expected, mean over frames, then contexts: 1 is an ordinary clip. */
  readonly normalised: Float32Array;
  /** [B] the same without the division. */
  readonly raw: Float32Array;
  /** [B, T − lastContext] mean over contexts, frame by frame. */
  readonly curve: Tensor;
}

interface Options {
  readonly signal?: AbortSignal;
}

/**
 * A model of how a world behaves: it sees frames, is told actions, and predicts embeddings.
 * All methods take materialised tensors: observations [B, T, H, W, C] uint8 (or [B, T, size] float32 for sensor vectors) and
 * actions [B, T, A] float32 in the world's units, action t being taken at frame t. Observations of several modalities are records of these, by
 * the names of `config.observation.modalities`, all of the same clips and frames. While a `WorldModelTraining` trains it, until its
 * `finish`, they throw ERR_JEPA_INVALID_ARGUMENT.
 * @example
 * const world = await WorldModel.load('physics.jepa');
 * const { embeddings } = await world.rollout(clips, actions);
 * const { normalised } = await world.surprise(...world.tensors(batch));
 */
export class WorldModel {
  readonly config: WorldModelConfig;
  readonly network: WorldModelNetwork;
  /** The precision that it is asked in, and plans are imagined in. */
  readonly inference: InferenceOptions;
  readonly #programs: Inference;

  /**
   * @param options `precision` and `quantize` of `compile`, for everything that the model is asked; its training has its own
   * @throws JepaError ERR_JEPA_CONFIG naming the field, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_OUT_OF_MEMORY
   */
  constructor(config: WorldModelConfig, options: InferenceOptions = {}) {
    checkOptions('WorldModel', options, ['precision', 'quantize']);
    this.config = checkedConfig(config);
    this.network = new WorldModelNetwork(config).eval();
    this.#programs = inference(this.network, options);
    this.inference = Object.freeze({ ...options });
  }

  /** A new, untrained model. */
  static create(preset: Preset, options: PresetOptions): WorldModel {
    return new WorldModel(presetConfig(preset, options));
  }

  /**
   * Learns a world from scratch, the short way: makes a model of a preset that fits the source, trains it, and finishes it. The long
   * way, with checkpoints, resuming and a log, is `WorldModelTraining` in a `Trainer`.
   * @param source an environment, which is played; recorded episodes; or batches of clips with the `observation`, `action` and `frameRate`
   *   that they are of
   * @throws JepaError ERR_JEPA_CONFIG, ERR_JEPA_DATASET, ERR_JEPA_ABORTED
   * @example const world = await WorldModel.fit(await frameFolders('recordings', { height: 64, width: 64, frameRate: 15 }), { steps: 2000 });
   */
  static fit<Observation extends ObservationValue>(
    source: Environment<Observation>,
    options?: FitEnvironmentOptions<Observation>,
  ): Promise<WorldModel>;
  static fit(source: Episodes | MultimodalEpisodes, options?: FitEpisodesOptions): Promise<WorldModel>;
  static fit(source: AsyncIterable<ClipBatch>, options: FitDatasetOptions): Promise<WorldModel>;
  static fit(
    source: Environment<ObservationValue> | Episodes | MultimodalEpisodes | AsyncIterable<ClipBatch>,
    options: FitEnvironmentOptions<never> | FitEpisodesOptions | FitDatasetOptions = {},
  ): Promise<WorldModel> {
    return fitWorldModel((config) => new WorldModel(config), source, options);
  }

  /**
   * A model from its file.
   * @param options as of the constructor
   * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CHECKPOINT_MISMATCH
   * @example const world = await WorldModel.load('physics.jepa', { quantize: 'int8' });
   */
  static async load(path: string, options: InferenceOptions = {}): Promise<WorldModel> {
    const { config, state } = await readWorldModel(path);
    const model = new WorldModel(config, options);
    await model.network.loadStateDict(state);
    return model;
  }

  /**
   * A trained model that is part of the package: 'physics', which watched the discs of `jepa demo`. Its observations are [B, T, 64, 64, 3], 15
   * frames a second, its actions forces [B, T, 2] in N; it works best on 4 frames or more.
   * @param options as of the constructor
   * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT for a damaged file
   * @example
   * const world = await WorldModel.pretrained('physics');
   * const frames = zeros([1, 8, 64, 64, 3], 'uint8');
   * const { normalised } = await world.surprise(frames, zeros([1, 8, 2])); // of clips of discs about 1: as expected
   */
  static async pretrained(name: PretrainedName, options: InferenceOptions = {}): Promise<WorldModel> {
    return WorldModel.load((await findPretrained(name)).path, options);
  }

  /**
   * Writes one safetensors file with the configuration in its metadata; an existing file is replaced only by a whole one.
   * @param options.weights 'float32' (default), or 'int8' for a file of a quarter of the size: matrices as 8-bit numbers with one scale for
   *   each of a layer's outputs, as they are then loaded. (What a loaded model computes in is another matter: see {@link WorldModel.load})
   * @throws JepaError ERR_JEPA_IO, ERR_JEPA_INVALID_ARGUMENT
   */
  async save(path: string, options: { readonly weights?: WeightFormat } = {}): Promise<void> {
    checkOptions('WorldModel.save', options, ['weights']);
    await writeWorldModel(path, this.config, await this.network.stateDict(), options.weights);
  }

  /** Clips on the host, such as those of a dataset, as the observations and actions that the other methods take. @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_SHAPE */
  tensors<Data extends HostObservations>(clips: Clips<Data>): [observations: TensorsOfClips<Data>, actions: Tensor] {
    return clipTensors(this.config, clips, 'worldModel tensors');
  }

  /**
   * @returns embeddings [B, T, D]
   * @throws JepaError ERR_JEPA_SHAPE; ERR_JEPA_INVALID_ARGUMENT where a modality is missing, ERR_JEPA_NON_FINITE
   */
  async encode(observations: Observations, { signal }: Options = {}): Promise<Tensor> {
    expectEvaluation(this.network);
    const seen = expectObservations(this.config, observations);
    const { embeddings } = await batched(
      (chunk) => this.#programs.encode.call({ signal }, chunk),
      [seen],
      chunkClips,
      signal,
    );
    return embeddings;
  }

  /**
   * The predictor's state after each frame [B, T, H] and what it expects next [B, T, D], from embeddings [B, T, D].
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_NON_FINITE
   * @example
   * const world = WorldModel.create('tiny', { observation: { kind: 'vector', size: 3 }, action: { size: 2 }, frameRate: 10 });
   * const { embeddings } = await world.states(await world.encode(zeros([1, 8, 3])), zeros([1, 8, 2]));
   * embeddings.shape; // [1, 8, 64]
   */
  async states(
    embeddings: Tensor,
    actions: Tensor,
    { signal }: Options = {},
  ): Promise<{ states: Tensor; embeddings: Tensor }> {
    expectEvaluation(this.network);
    expectClips(this.config, embeddings, actions, 1);
    return batched((z, a) => this.#programs.states.call({ signal }, z, a), [embeddings, actions], chunkClips, signal);
  }

  /**
   * Open-loop futures from embeddings [B, T ≥ c, D]: sees the first `context` frames only.
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT for a context of no frames, ERR_JEPA_NON_FINITE
   * @example
   * const world = WorldModel.create('tiny', { observation: { kind: 'vector', size: 3 }, action: { size: 2 }, frameRate: 10 });
   * const seen = await world.encode(zeros([1, 4, 3]));
   * const { embeddings } = await world.imagine(seen, zeros([1, 10, 2]), { context: 4 });
   * embeddings.shape; // [1, 6, 64]
   */
  async imagine(
    embeddings: Tensor,
    actions: Tensor,
    { context = this.config.contextFrames, signal }: Options & { readonly context?: number } = {},
  ): Promise<Imagined> {
    expectEvaluation(this.network);
    expectContexts(context, context);
    expectActions(this.config, embeddings, actions, context);
    const run = async (z: Tensor, a: Tensor): Promise<Record<string, Tensor>> => {
      const { embeddings: expected, logError } = await this.#programs.imagine.call({ signal }, z, a, context);
      return logError ? { embeddings: expected, logError } : { embeddings: expected };
    };
    const outputs = await batched(run, [embeddings, actions], chunkClips, signal);
    return { embeddings: outputs.embeddings, logError: outputs.logError };
  }

  /** Predicts the embeddings of frames c … T−1 from the first c observations and all T actions. */
  async rollout(
    observations: Observations,
    actions: Tensor,
    options: Options & { readonly context?: number } = {},
  ): Promise<Imagined> {
    checkOptions('worldModel rollout', options, ['context', 'signal']);
    return this.imagine(await this.encode(observations, options), actions, options);
  }

  /** How unexpected each clip is: open loop from every context length of `contexts` to the clip's end. */
  async surprise(
    observations: Observations,
    actions: Tensor,
    options: Options & { readonly contexts?: readonly [number, number] } = {},
  ): Promise<Surprise> {
    checkOptions('worldModel surprise', options, ['contexts', 'signal']);
    return this.surpriseOf(await this.encode(observations, options), actions, options);
  }

  /** {@link WorldModel.surprise} from embeddings [B, T, D]. */
  async surpriseOf(
    embeddings: Tensor,
    actions: Tensor,
    { contexts, signal }: Options & { readonly contexts?: readonly [number, number] } = {},
  ): Promise<Surprise> {
    const [first, last] = contexts ?? [this.config.contextFrames, this.config.contextFrames + 3];
    expectEvaluation(this.network);
    expectContexts(first, last);
    expectClips(this.config, embeddings, actions, last + 1);
    const { normalised, raw, curve } = await batched(
      (z, a) => this.#programs.surprise.call({ signal }, z, a, first, last),
      [embeddings, actions],
      chunkClips,
      signal,
    );
    return { normalised: (await normalised.data()) as Float32Array, raw: (await raw.data()) as Float32Array, curve };
  }

  /**
   * Orders candidate plans, best first.
   * @param observations [c, …] the frames seen so far   @param candidates [N, T, A] whole plans, the actions at the seen frames included
   * @param options.goal [1, …] one frame of the goal   @param options.by 'latent' distance at the end, along the 'path', the 'critic'
   * trained in passing, or a {@link RankingCritic}   @param options.temperature of {@link fitTemperature}, for confidences
   * @example
   * const [best] = await world.rank(frames, candidates, { goal, by: critic });
   * if ((best.confidence ?? 0) < 0.8) console.log('not sure');
   */
  async rank(
    observations: Observations,
    candidates: Tensor,
    options: Options & { readonly goal: Observations; readonly by?: Judge; readonly temperature?: number },
  ): Promise<RankedAction[]> {
    checkOptions('worldModel rank', options, ['goal', 'by', 'temperature', 'signal']);
    const seen = await this.encode(await withLeadingAxes(observations, 1), options);
    const goal = (await (await this.encode(await withLeadingAxes(options.goal, 1), options)).data()) as Float32Array;
    const costs = await this.planCosts(seen, candidates, goal, options);
    const { by, temperature = typeof by === 'object' ? by.temperature : undefined } = options;
    return inOrder(costs, temperature);
  }

  /**
   * Costs [N] of candidate plans from the embeddings [1, c, D] of the seen frames to the embedding [D] of the goal.
   * @param candidates [N, T, A] whole plans, the actions at the seen frames included
   * @example
   * const world = WorldModel.create('tiny', { observation: { kind: 'vector', size: 3 }, action: { size: 2 }, frameRate: 10 });
   * const seen = await world.encode(zeros([1, 4, 3]));
   * const goal = (await (await world.encode(zeros([1, 1, 3]))).data()) as Float32Array;
   * const costs = await world.planCosts(seen, zeros([8, 10, 2]), goal);
   * [costs.length, costs[0] === costs[7]].join() === '8,true'; // true
   */
  async planCosts(
    seen: Tensor,
    candidates: Tensor,
    goal: Float32Array,
    options: Options & { readonly by?: Judge } = {},
  ): Promise<Float32Array> {
    expectEvaluation(this.network);
    return planCosts(this, this.#programs.critic, seen, candidates, goal, options);
  }

  /**
   * What an action changes: two imagined futures of one beginning, and their difference.
   * @param observations [c, …] the frames seen   @param actions [T, A] what is done   @param instead [T, A] what it is compared with
   * @returns each [T − c, D]
   */
  async counterfactual(
    observations: Observations,
    actions: Tensor,
    instead: Tensor,
    options: Options = {},
  ): Promise<{ future: Tensor; alternative: Tensor; effect: Tensor }> {
    checkOptions('worldModel counterfactual', options, ['signal']);
    const seen = await this.encode(await withLeadingAxes(observations, 1), options);
    const context = seen.shape[1];
    const imagine = async (plan: Tensor): Promise<Tensor> => {
      const one = (await withLeadingAxes(plan, 1)) as Tensor;
      const { embeddings } = await this.imagine(seen, one, { ...options, context });
      return tensor(await embeddings.data(), { shape: embeddings.shape.slice(1) });
    };
    const future = await imagine(actions);
    const alternative = await imagine(instead);
    const other = await alternative.data();
    const effect = Float32Array.from((await future.data()) as Float32Array, (value, index) => value - other[index]);
    return { future, alternative, effect: tensor(effect, { shape: future.shape }) };
  }

  /**
   * Begins to watch one stream of frames, with a memory of its own.
   * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH for a calibration of another model, ERR_JEPA_INVALID_ARGUMENT for one of too few frames
   */
  async session(options: SessionOptions = {}): Promise<Session> {
    checkOptions('worldModel session', options, ['calibration', 'falseAlarmRate']);
    if (options.calibration !== undefined) expectCalibration('worldModel session', options.calibration);
    await this.#expectOwn(options.calibration);
    return new Session(this, this.#programs.stream, options);
  }

  /**
   * Judges recordings as sessions would, side by side.
   * @returns of each clip, what each of its frames is
   * @throws JepaError as {@link WorldModel.session}
   */
  async judge(
    clips: Clips<HostObservations>,
    calibration: SurpriseCalibration,
    options: Options & { readonly falseAlarmRate?: number } = {},
  ): Promise<Judgement[][]> {
    checkOptions('worldModel judge', options, ['falseAlarmRate', 'signal']);
    const { falseAlarmRate = 1e-3, signal } = options;
    expectEvaluation(this.network);
    expectParts(this.config, clips, 'worldModel judge');
    expectCalibration('worldModel judge', calibration);
    checkRate(falseAlarmRate, calibration);
    await this.#expectOwn(calibration);
    const found: Judgement[][] = Array.from({ length: clips.clips }, () => []);
    const { size } = this.config.action;
    for await (const measured of measure(this, this.#programs.stream, clips, calibration.horizons, signal)) {
      const { clip, frame } = measured;
      const at = (clip * clips.frames + frame) * size;
      const action = frame > 0 ? clips.actions.subarray(at - size, at) : undefined;
      found[clip].push(calibration.judge({ ...measured, frame: frame + 1, action }, falseAlarmRate));
    }
    return found;
  }

  /**
   * Measures how surprising ordinary clips are, for sessions that tell surprise as a rate of false alarms. The clips must not be those it
   * was trained on, should be as long as the streams to be watched, and show everything that is ordinary there.
   * @param dataset batches of clips, two or more: every other one sets the scales
   * @example const calibration = await world.calibrate(heldOut, { frames: 20_000 });
   * @throws JepaError ERR_JEPA_DATASET for too few clips, or too short ones, ERR_JEPA_NON_FINITE for those that the model overflows on
   */
  async calibrate(
    dataset: AsyncIterable<Clips<HostObservations>> | Iterable<Clips<HostObservations>>,
    options: CalibrationOptions = {},
  ): Promise<SurpriseCalibration> {
    expectEvaluation(this.network);
    return calibrate(this, { advance: this.#programs.stream, model: await this.#fingerprint() }, dataset, options);
  }

  #fingerprint(): Promise<string> {
    return fingerprint(this.config, this.network, this.inference);
  }

  async #expectOwn(calibration: SurpriseCalibration | undefined): Promise<void> {
    if (!calibration || calibration.measures.model === (await this.#fingerprint())) return;
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_MISMATCH',
      '[session] expected a calibration of this model, got one of another, or of this one in other weights or another precision',
      { help: ['calibrate it: await world.calibrate(dataset)'] },
    );
  }

  /** Frees its parameters and its compiled programs. */
  dispose(): void {
    this.network.dispose();
    for (const program of Object.values(this.#programs)) program.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
