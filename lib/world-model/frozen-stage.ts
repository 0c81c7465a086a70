import type { HostTensor } from '../io/safetensors.js';
import { joinStateDicts, readState, splitStateDict, writeState } from '../nn/state-dict.js';
import { add, mul, reshape, square, sub } from '../ops/index.js';
import { adamW } from '../optim/adamw.js';
import type { Ema } from '../optim/ema.js';
import {
  assign,
  compile,
  type Precision,
  scalar,
  stopGradient,
  type Tensor,
  type Variable,
  valueAndGrad,
  variable,
} from '../tensor/index.js';
import type { WorldModelNetwork } from './network.js';
import { type ObjectiveOptions, worldModelLoss } from './objective.js';
import { extentsOf, type Observations } from './observations.js';
import { moments } from './statistics.js';

/** Batches that the statistics of the encoder's normalisation are estimated from: the first, while the learning rate is low. */
const statisticsSteps = 48;

/** What teaches the encoder, and nothing else. */
const ofEncoder = { sigreg: 0, variance: 0, covariance: 0, inverseDynamics: 0 };

export interface FrozenStageOptions {
  readonly contextFrames: number;
  readonly objective: ObjectiveOptions;
  readonly seed: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly precision?: Precision;
}

/** Inputs of a step that differ from step to step. */
export interface StepInputs {
  readonly learningRate: Tensor;
  readonly momentum: Tensor;
  readonly step: Tensor;
}

/**
 * The end of a training: the encoder is frozen, as it is on average, and what predicts goes on learning, as V-JEPA 2-AC learns
 * its predictor (Assran et al. 2025). Targets that hold still are foreseen far better than those of an encoder that moves, and a step costs less.
 */
export class FrozenStage {
  readonly #optimiser: ReturnType<typeof adamW>;
  /** int32: steps of this stage that have happened. */
  readonly #happened: Variable;
  readonly #freeze;
  readonly #step;
  /** Steps that have been called for. */
  #called = 0;

  /** @param average of the network's weights, if there is one */
  constructor(network: WorldModelNetwork, average: Ema | undefined, options: FrozenStageOptions) {
    const { contextFrames, seed, weightDecay, clipNorm, precision } = options;
    const objective = { ...options.objective, ...ofEncoder };
    const learning = [network.predictor, network.variance, network.critic].flatMap((part) => part?.parameters() ?? []);
    this.#optimiser = adamW(learning, { weightDecay, clipNorm });
    this.#happened = variable(new Int32Array(1), { name: 'frozen.steps', shape: [], dtype: 'int32', trainable: false });
    this.#freeze = average && compile(() => average.assignToSource(), { name: 'world-model freeze' });
    this.#step = compile(
      (
        observations: Observations,
        actions: Tensor,
        twinCosts: Tensor | null,
        share: Tensor,
        { learningRate, momentum, step }: StepInputs,
      ) => {
        const embeddings = stopGradient(embed(network, observations, share));
        const batch = { observations, embeddings, actions, ...(twinCosts ? { twinCosts } : {}) };
        const { value, gradients } = valueAndGrad(
          () => worldModelLoss(network, batch, contextFrames, objective, { seed, step }),
          learning,
        );
        const { gradNorm } = this.#optimiser.update(gradients, { learningRate });
        average?.update({ momentum });
        assign(this.#happened, add(this.#happened, 1));
        return { ...value, gradNorm };
      },
      { name: 'world-model step, encoder frozen', precision },
    );
  }

  /** Whether the encoder is what it will be, its normalisation included. */
  get begun(): boolean {
    return this.#called > 0;
  }

  /** The first step freezes. Should it fail, the encoder is frozen all the same, which freezing it again does not change. */
  async step(
    [observations, actions, twinCosts]: readonly [Observations, Tensor, Tensor | null],
    inputs: StepInputs,
    signal: AbortSignal | undefined,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const index = this.#called++;
    const frozen = index === 0 ? this.#freeze?.call({ signal }) : undefined; // is run before the step, which is called after it
    const share = scalar(index < statisticsSteps ? 1 / (index + 1) : 0);
    const outputs = this.#step.call({ signal }, observations, actions, twinCosts, share, inputs);
    try {
      return (await Promise.all([outputs, frozen]))[0];
    } catch (error) {
      this.#called = Math.min(this.#called, index); // it has not happened
      throw error;
    }
  }

  async stateDict(): Promise<Map<string, HostTensor>> {
    return joinStateDicts({
      stage: await readState(this.#variables()),
      optimiser: await this.#optimiser.stateDict(),
    });
  }

  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const { stage, optimiser } = splitStateDict(state, ['stage', 'optimiser']);
    await writeState('FrozenStage', this.#variables(), stage);
    await this.#optimiser.loadStateDict(optimiser);
    this.#called = (await this.#happened.read())[0];
  }

  dispose(): void {
    this.#freeze?.dispose();
    this.#step.dispose();
    this.#optimiser.dispose();
    this.#happened.dispose();
  }

  #variables(): ReadonlyMap<string, Variable> {
    return new Map([['steps', this.#happened]]);
  }
}

/**
 * Embeddings [B, T, D] of a frozen encoder, normalised by the statistics of the batches before this one, which it then joins with weight
 * `share`: 1/n for the n-th of some equal batches gives mean and variance over all of them (Chan, Golub & LeVeque 1979), 0 leaves them.
 */
function embed(network: WorldModelNetwork, observations: Observations, share: Tensor): Tensor {
  const { normalisation } = network.encoder;
  const { runningMean, runningVar } = normalisation;
  const features = network.features(observations);
  const { average, variance } = moments(features);
  const gap = sub(average, runningMean);
  const between = mul(square(gap), sub(1, share));
  assign(runningMean, add(runningMean, mul(gap, share)));
  assign(runningVar, add(runningVar, mul(add(sub(variance, runningVar), between), share)));
  return reshape(normalisation.forward(features), [...extentsOf(observations), features.shape[1]]);
}
