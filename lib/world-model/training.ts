import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { HostTensor } from '../io/safetensors.js';
import { adamW } from '../optim/adamw.js';
import { Ema } from '../optim/ema.js';
import { warmupCosine } from '../optim/schedules.js';
import { compile, type Profile, scalar, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import type { HealthReport, Metrics } from '../train/events.js';
import type { Trainable } from '../train/trainable.js';
import { healthOf, healthProgram } from './health.js';
import { defaultObjective, type ObjectiveOptions, worldModelLoss } from './objective.js';
import { refreshStatistics } from './statistics.js';
import type { WorldModel } from './world-model.js';

/** A batch of clips on the host. */
export interface ClipBatch {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, H, W, C] uint8, or [clips, frames, size] float32 */
  readonly observations: Uint8Array | Float32Array;
  /** [clips, frames, A] in the world's units */
  readonly actions: Float32Array;
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
  /** Momentum of the weight average that becomes the model (default .99; 0: the last weights). */
  readonly averaging?: number;
}

const defaults = {
  learningRate: 1.2e-3,
  warmupSteps: 60,
  finalFraction: 0.03,
  weightDecay: 1e-4,
  clipNorm: 1,
  averaging: 0.99,
};

/**
 * Trains a {@link WorldModel}: the loss of {@link worldModelLoss}, AdamW with clipping, a running average of the weights.
 * Made only from `compile`, layers, losses and optimisers that every user has.
 * @example
 * const training = new WorldModelTraining(model);
 * for await (const event of new Trainer(training, { steps: 2000 }).run(dataset)) {}
 * await training.finish(dataset); // the averaged weights become the model
 */
export class WorldModelTraining implements Trainable<ClipBatch> {
  readonly model: WorldModel;
  readonly objective: ObjectiveOptions;
  readonly description: Readonly<Record<string, unknown>>;
  readonly #options: Required<Omit<WorldModelTrainingOptions, 'objective'>>;
  readonly #optimiser: ReturnType<typeof adamW>;
  readonly #average: Ema;
  readonly #step;
  readonly #health;

  constructor(model: WorldModel, options: WorldModelTrainingOptions = {}) {
    checkOptions('WorldModelTraining', options, ['objective', ...Object.keys(defaults)]);
    checkOptions('WorldModelTraining objective', options.objective ?? {}, Object.keys(defaultObjective));
    const { network, config } = model;
    this.model = model;
    this.objective = { ...defaultObjective, ...options.objective };
    this.#options = { ...defaults, ...options };
    this.description = {
      kind: 'world-model',
      config,
      objective: this.objective,
      training: { ...this.#options, objective: undefined },
    };
    network.train();
    const { weightDecay, clipNorm, averaging } = this.#options;
    this.#optimiser = adamW(network.parameters(), { weightDecay, clipNorm });
    this.#average = new Ema(network);
    this.#health = healthProgram(network, config.contextFrames);
    this.#step = compile(
      (
        observations: Tensor,
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
      { name: 'world-model step' },
    );
  }

  async step(
    batch: ClipBatch,
    step: number,
    { steps, signal }: { readonly steps: number; readonly signal?: AbortSignal },
  ): Promise<Metrics> {
    const { learningRate, warmupSteps, finalFraction, averaging } = this.#options;
    const rate = warmupCosine({
      base: learningRate,
      final: learningRate * finalFraction,
      warmup: Math.min(warmupSteps, Math.floor(steps / 4)),
      total: steps,
    })(step);
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
    return new Map([
      ...prefixed('model', await this.model.network.stateDict()),
      ...prefixed('optimiser', await this.#optimiser.stateDict()),
      ...prefixed('average', await this.#average.stateDict()),
    ]);
  }

  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    await this.model.network.loadStateDict(part('model', state));
    await this.#optimiser.loadStateDict(part('optimiser', state));
    await this.#average.loadStateDict(part('average', state));
  }

  /**
   * Makes the averaged weights the model and estimates its batch normalisation statistics anew, since those of the
   * training weights do not belong to the average. The model is in evaluation mode afterwards.
   */
  async finish(batches: readonly ClipBatch[]): Promise<void> {
    if (batches.length === 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[WorldModelTraining] expected at least one batch to estimate normalisation statistics from, got none',
      );
    if (this.#options.averaging > 0) await this.#average.copyTo(this.model.network);
    this.model.network.eval();
    await refreshStatistics(
      this.model.network,
      batches.map((batch) => this.#tensors(batch).observations),
    );
  }

  #tensors({ clips, frames, observations, actions, twins }: ClipBatch): {
    observations: Tensor;
    actions: Tensor;
    twinCosts: Tensor | null;
  } {
    const { observation, action } = this.model.config;
    const shape =
      observation.kind === 'image' ? [observation.height, observation.width, observation.channels] : [observation.size];
    return {
      observations: tensor(observations, {
        shape: [clips, frames, ...shape],
        dtype: observation.kind === 'image' ? 'uint8' : 'float32',
      }),
      actions: tensor(actions, { shape: [clips, frames, action.size] }),
      twinCosts: twins ? tensor(twins.costs, { shape: [twins.groups, twins.size, twins.size] }) : null,
    };
  }
}

function prefixed(prefix: string, state: ReadonlyMap<string, HostTensor>): [string, HostTensor][] {
  return [...state].map(([name, value]) => [`${prefix}.${name}`, value]);
}

function part(prefix: string, state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map(
    [...state]
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, value]) => [name.slice(prefix.length + 1), value]),
  );
}
