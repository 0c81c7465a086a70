import type { HostObservations } from '../data/modalities.js';
import { JepaError, shown } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { HostTensor } from '../io/safetensors.js';
import { joinStateDicts, splitStateDict } from '../nn/state-dict.js';
import { adamW } from '../optim/adamw.js';
import { Ema } from '../optim/ema.js';
import { compile, type Precision, type Profile, scalar, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import type { HealthReport, Metrics } from '../train/events.js';
import { peakedRate } from '../train/peaked-rate.js';
import type { Trainable } from '../train/trainable.js';
import { type Clips, clipTensors } from './clips.js';
import { healthOf, healthProgram } from './health.js';
import { defaultObjective, type ObjectiveOptions, worldModelLoss } from './objective.js';
import type { Observations } from './observations.js';
import { refreshStatistics } from './statistics.js';
import { WorldModel } from './world-model.js';

/** A batch to learn from. */
export interface ClipBatch extends Clips<HostObservations> {
  /** The last groups·size clips are groups of counterfactual twins; costs [groups, size, size] of outcome i for goal j. */
  readonly twins?: { readonly groups: number; readonly size: number; readonly costs: Float32Array };
}

export interface WorldModelTrainingOptions {
  readonly objective?: Partial<ObjectiveOptions>;
  /** Peak learning rate of AdamW (default 1.2e-3). */
  readonly learningRate?: number;
  /** Steps of linear warm-up (default 60), then a cosine down to `finalFraction` (default .03) of the peak. */
  readonly warmupSteps?: number;
  readonly finalFraction?: number;
  readonly weightDecay?: number;
  /** Largest global gradient norm (default 1). */
  readonly clipNorm?: number;
  /** Momentum of the weight average that becomes the model (default .998; 0: the last weights). */
  readonly averaging?: number;
  /** What matrix products are computed in, as of `compile` (default 'float32'). */
  readonly precision?: Precision;
}

/** Momentum of the weight average. */
export const defaultAveraging = 0.998;

const defaults = {
  learningRate: 1.2e-3,
  warmupSteps: 60,
  finalFraction: 0.03,
  weightDecay: 1e-4,
  clipNorm: 1,
  averaging: defaultAveraging,
};

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
  readonly #options: typeof defaults;
  readonly #optimiser: ReturnType<typeof adamW>;
  readonly #average: Ema;
  readonly #step;
  readonly #health;

  constructor(model: WorldModel, options: WorldModelTrainingOptions = {}) {
    checkOptions('WorldModelTraining', options, ['objective', 'precision', ...Object.keys(defaults)]);
    checkOptions('WorldModelTraining objective', options.objective ?? {}, Object.keys(defaultObjective));
    const { objective, precision, ...settings } = options;
    const { network, config } = model;
    this.model = model;
    // Twins of a longer context part later.
    const firstTwinFrame = Math.max(defaultObjective.firstTwinFrame, config.contextFrames);
    this.objective = withDefaults({ ...defaultObjective, firstTwinFrame }, objective ?? {});
    this.#options = withDefaults(defaults, settings);
    checkSettings({ ...this.objective, ...this.#options }, config.contextFrames);
    this.description = {
      kind: 'world-model',
      config,
      objective: this.objective,
      training: precision === undefined || precision === 'float32' ? this.#options : { ...this.#options, precision },
    };
    network.train();
    const { weightDecay, clipNorm, averaging } = this.#options;
    this.#optimiser = adamW(network.parameters(), { weightDecay, clipNorm });
    this.#average = new Ema(network);
    this.#health = healthProgram(network, config.contextFrames);
    this.#step = compile(
      (
        observations: Observations,
        actions: Tensor,
        twinCosts: Tensor | null,
        inputs: { learningRate: Tensor; momentum: Tensor; step: Tensor },
      ) => {
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
  }

  async step(
    batch: ClipBatch,
    step: number,
    { steps, signal }: { readonly steps: number; readonly signal?: AbortSignal },
  ): Promise<Metrics> {
    const { averaging } = this.#options;
    const rate = peakedRate(this.#options, steps)(step);
    const { observations, actions, twinCosts } = this.#tensors(batch);
    const outputs = await this.#step.call({ signal }, observations, actions, twinCosts, {
      learningRate: scalar(rate),
      momentum: scalar(Math.min(averaging, (step + 1) / (step + 10))), // early averages would remember the random start
      step: scalar(step, 'int32'),
    });
    const metrics: Record<string, number> = { learningRate: rate };
    for (const [name, value] of Object.entries(outputs)) metrics[name] = await value.item();
    return metrics;
  }

  /** Additions and multiplications of one step on such a batch. */
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
    });
  }

  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const { model, optimiser, average } = splitStateDict(state, ['model', 'optimiser', 'average']);
    await this.model.network.loadStateDict(model);
    await this.#optimiser.loadStateDict(optimiser);
    await this.#average.loadStateDict(average);
  }

  /**
   * Makes the averaged weights the model and estimates its batch normalisation statistics anew, since those of the
   * training weights do not belong to the average. The model is in evaluation mode afterwards.
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
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #refresh({ network }: WorldModel, batches: readonly ClipBatch[]): Promise<void> {
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

/** Numbers whose wrong values would train on something else than was meant, without a word. */
function checkSettings(settings: Readonly<Record<string, number>>, contextFrames: number): void {
  const rules: Readonly<Record<string, readonly [expected: string, holds: (value: number) => boolean]>> = {
    firstTarget: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    firstTwinFrame: [
      `a whole number, contextFrames ${contextFrames} or more`,
      (value) => Number.isInteger(value) && value >= contextFrames,
    ],
    starts: ['a whole number, 0 or more', (value) => Number.isInteger(value) && value >= 0],
    reach: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    directions: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    alternatives: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    temperature: ['a number above 0', (value) => value > 0],
    averaging: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
  };
  for (const [name, value] of Object.entries(settings)) {
    const [expected, holds] = rules[name] ?? ['a number, 0 or more', (given: number) => given >= 0];
    if (Number.isFinite(value) && holds(value)) continue;
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[WorldModelTraining] expected ${name} to be ${expected}, got ${shown(value)}`,
    );
  }
}
