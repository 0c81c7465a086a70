import type { HostObservations } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { HostTensor } from '../io/safetensors.js';
import { joinStateDicts, splitStateDict } from '../nn/state-dict.js';
import { adamW } from '../optim/adamw.js';
import { Ema } from '../optim/ema.js';
import { compile, type Profile, scalar, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import type { HealthReport, Metrics } from '../train/events.js';
import { peakedRate } from '../train/peaked-rate.js';
import type { Trainable } from '../train/trainable.js';
import { type Clips, clipTensors } from './clips.js';
import { FrozenStage, type StepInputs } from './frozen-stage.js';
import { healthOf, healthProgram } from './health.js';
import { defaultObjective, type ObjectiveOptions, worldModelLoss } from './objective.js';
import type { Observations } from './observations.js';
import { refreshStatistics } from './statistics.js';
import {
  averagingMomentum,
  checkSettings,
  settingsOfRun,
  trainingDefaults,
  type WorldModelTrainingOptions,
} from './training-settings.js';
import { WorldModel } from './world-model.js';

/** A batch to learn from. */
export interface ClipBatch extends Clips<HostObservations> {
  /** The last groups·size clips are groups of counterfactual twins; costs [groups, size, size] of outcome i for goal j. */
  readonly twins?: { readonly groups: number; readonly size: number; readonly costs: Float32Array };
}

/**
 * Trains a {@link WorldModel}: the loss of {@link worldModelLoss}, AdamW with clipping, a running average of the weights.
 * Made only from `compile`, layers, losses and optimisers that every user has.
 * @example
 * const world = WorldModel.create('tiny', {
 *   observation: { kind: 'image', height: 64, width: 64, channels: 3 },
 *   action: { size: 2 },
 *   frameRate: 15,
 * });
 * const training = new WorldModelTraining(world, { learningRate: 1e-3 });
 * for await (const event of new Trainer(training, { steps: 2000 }).run(new physics.PhysicsDataset({ seed: 1 })))
 *   if (event.type === 'warning') console.error(event.message);
 * await training.finish([await physics.physicsTrainingBatch({ seed: 1 }, 0)]); // the averaged weights become the model
 */
export class WorldModelTraining implements Trainable<ClipBatch> {
  readonly model: WorldModel;
  readonly objective: ObjectiveOptions;
  readonly description: Readonly<Record<string, unknown>>;
  readonly #options: typeof trainingDefaults;
  readonly #optimiser: ReturnType<typeof adamW>;
  readonly #average: Ema;
  readonly #step;
  readonly #frozen: FrozenStage | undefined;
  readonly #health;

  constructor(model: WorldModel, options: WorldModelTrainingOptions = {}) {
    checkOptions('WorldModelTraining', options, ['objective', 'precision', ...Object.keys(trainingDefaults)]);
    checkOptions('WorldModelTraining objective', options.objective ?? {}, Object.keys(defaultObjective));
    const { objective, precision, ...settings } = options;
    const { network, config } = model;
    this.model = model;
    // Twins of a longer context part later.
    const firstTwinFrame = Math.max(defaultObjective.firstTwinFrame, config.contextFrames);
    this.objective = withDefaults({ ...defaultObjective, firstTwinFrame }, objective ?? {});
    this.#options = withDefaults(trainingDefaults, settings);
    checkSettings({ ...this.objective, ...this.#options }, config.contextFrames);
    this.description = {
      kind: 'world-model',
      config,
      objective: this.objective,
      training: settingsOfRun({ ...this.#options, precision }),
    };
    network.train();
    const { weightDecay, clipNorm, averaging } = this.#options;
    this.#optimiser = adamW(network.parameters(), { weightDecay, clipNorm });
    this.#average = new Ema(network);
    this.#health = healthProgram(network, config.contextFrames);
    this.#step = compile(
      (observations: Observations, actions: Tensor, twinCosts: Tensor | null, inputs: StepInputs) => {
        const { value, gradients } = valueAndGrad(
          () =>
            worldModelLoss(
              network,
              { observations, actions, ...(twinCosts ? { twinCosts } : {}) },
              config.contextFrames,
              this.objective,
              { seed: config.seed, step: inputs.step },
            ),
          network.parameters(),
        );
        const { gradNorm } = this.#optimiser.update(gradients, { learningRate: inputs.learningRate });
        if (averaging > 0) this.#average.update({ momentum: inputs.momentum });
        return { ...value, gradNorm };
      },
      { name: 'world-model step', precision },
    );
    if (this.#options.frozenFraction > 0)
      this.#frozen = new FrozenStage(network, averaging > 0 ? this.#average : undefined, {
        contextFrames: config.contextFrames,
        objective: this.objective,
        seed: config.seed,
        weightDecay,
        clipNorm,
        precision,
      });
  }

  async step(
    batch: ClipBatch,
    step: number,
    { steps, signal }: { readonly steps: number; readonly signal?: AbortSignal },
  ): Promise<Metrics> {
    const { averaging, frozenFraction } = this.#options;
    const before = steps - Math.min(Math.round(frozenFraction * steps), steps - 1);
    const stage = step < before ? undefined : this.#frozen;
    if (!stage && this.#frozen?.begun)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[WorldModelTraining] expected steps that freeze the encoder after ${step} or fewer, where it was frozen, got ${steps}, which freeze it after ${before}`,
        { help: ['go on with the number of steps that the run had, or start a new one'] },
      );
    this.model.network.encoder.train(!stage);
    const [index, count] = stage ? [step - before, steps - before] : [step, before];
    const rate = peakedRate(this.#options, count)(index);
    const inputs = {
      learningRate: scalar(rate),
      momentum: scalar(averagingMomentum(averaging, index)),
      step: scalar(step, 'int32'),
    };
    const { observations, actions, twinCosts } = this.#tensors(batch);
    const outputs = stage
      ? await stage.step([observations, actions, twinCosts], inputs, signal)
      : await this.#step.call({ signal }, observations, actions, twinCosts, inputs);
    const metrics: Record<string, number> = { learningRate: rate, ...(stage ? { frozen: 1 } : {}) };
    for (const [name, value] of Object.entries(outputs)) metrics[name] = await value.item();
    return metrics;
  }

  /** Additions and multiplications of one step on such a batch, through the encoder and back. */
  async flops(batch: ClipBatch): Promise<number> {
    const { observations, actions, twinCosts } = this.#tensors(batch);
    const program = await this.#step.program(observations, actions, twinCosts, {
      learningRate: scalar(0),
      momentum: scalar(0),
      step: scalar(0, 'int32'),
    });
    return program.flops;
  }

  /** Trains on the batch a few times and says how long each kernel took. */
  async profile(batch: ClipBatch): Promise<Profile> {
    const { observations, actions, twinCosts } = this.#tensors(batch);
    const { learningRate, averaging } = this.#options;
    return this.#step.profile(observations, actions, twinCosts, {
      learningRate: scalar(learningRate),
      momentum: scalar(averaging),
      step: scalar(0, 'int32'),
    });
  }

  samples({ clips, frames }: ClipBatch): number {
    return clips * frames;
  }

  async health(batch: ClipBatch, step: number): Promise<HealthReport> {
    const { observations, actions } = this.#tensors(batch);
    return healthOf(await this.#health(observations, actions, scalar(step, 'int32')));
  }

  async stateDict(): Promise<Map<string, HostTensor>> {
    return joinStateDicts({
      model: await this.model.network.stateDict(),
      optimiser: await this.#optimiser.stateDict(),
      average: await this.#average.stateDict(),
      ...(this.#frozen ? { frozen: await this.#frozen.stateDict() } : {}),
    });
  }

  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const { model, optimiser, average, frozen } = splitStateDict(state, ['model', 'optimiser', 'average', 'frozen']);
    await this.model.network.loadStateDict(model);
    await this.#optimiser.loadStateDict(optimiser);
    await this.#average.loadStateDict(average);
    await this.#frozen?.loadStateDict(frozen);
  }

  /**
   * Makes the averaged weights the model and estimates its batch normalisation statistics anew, since those of the
   * training weights do not belong to the average; those of a frozen encoder are what its predictor knows. The model is in evaluation mode
   * afterwards.
   */
  async finish(batches: readonly ClipBatch[]): Promise<void> {
    expectBatches(batches);
    if (this.#options.averaging > 0) await this.#average.copyTo(this.model.network);
    this.model.network.eval();
    await this.#refresh(this.model, batches);
  }

  /**
   * The model that `finish` would leave now, as another one: to look at while training goes on, between two steps.
   * @param into a model of the same configuration to overwrite, from an earlier snapshot; without one a new model is made
   * @example const { normalised } = await (await training.snapshot([batch])).surprise(...world.tensors(clips));
   */
  async snapshot(batches: readonly ClipBatch[], into = new WorldModel(this.model.config)): Promise<WorldModel> {
    expectBatches(batches);
    if (this.#options.averaging > 0) await this.#average.copyTo(into.network);
    else await into.network.loadStateDict(await this.model.network.stateDict());
    await this.#refresh(into, batches);
    return into;
  }

  /** Drops its programs, the optimiser's state and the average; the model stays. Training on throws ERR_JEPA_DISPOSED. */
  dispose(): void {
    this.#step.dispose();
    this.#health.dispose();
    this.#optimiser.dispose();
    this.#average.dispose();
    this.#frozen?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #refresh({ network }: WorldModel, batches: readonly ClipBatch[]): Promise<void> {
    if (this.#frozen?.begun) return;
    await refreshStatistics(
      network,
      batches.map((batch) => this.#tensors(batch).observations),
    );
  }

  #tensors(batch: ClipBatch): { observations: Observations; actions: Tensor; twinCosts: Tensor | null } {
    const [observations, actions] = clipTensors(this.model.config, batch, 'WorldModelTraining');
    const { twins } = batch;
    const twinCosts = twins ? tensor(twins.costs, { shape: [twins.groups, twins.size, twins.size] }) : null;
    return { observations, actions, twinCosts };
  }
}

function expectBatches(batches: readonly ClipBatch[]): void {
  if (Array.isArray(batches) && batches.length > 0) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[WorldModelTraining] expected at least one batch to estimate normalisation statistics from, in an array, got ${Array.isArray(batches) ? 'none' : typeof batches}`,
  );
}
