import { checkOptions } from '../io/options.js';
import { latest } from '../nn/latest.js';
import { add, div, mul, rsqrt, sqrt, square, sub, tanh } from '../ops/index.js';
import { assign, type Tensor, type Variable } from '../tensor/index.js';
import { Optimiser } from './optimiser.js';
import type { ParameterGroup, Update, UpdateOptions } from './parameter-groups.js';

export interface AdamWOptions {
  /** Decay of the means of gradients and squared gradients (default [.9, .999]). */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment, after its bias correction (default 1e-8). */
  readonly epsilon?: number;
  /** Decoupled, multiplied by the learning rate (default .01). */
  readonly weightDecay?: number;
  /** Largest norm of all gradients together (default: no clipping). */
  readonly clipNorm?: number;
}

/**
 * AdamW (Loshchilov & Hutter 2019) with PyTorch's formulas:
 * p ← p·(1 − lr·λ); m ← m + (1 − β₁)(g − m); v ← β₂·v + (1 − β₂)·g²; p ← p − lr/(1 − β₁^t)·m / (√v/√(1 − β₂^t) + ε), t from 1.
 */
export class AdamW extends Optimiser {
  readonly #betas: readonly [number, number];
  readonly #epsilon: number;
  readonly #weightDecay: number;

  constructor(parameters: Iterable<Variable> | readonly ParameterGroup[], options: AdamWOptions = {}) {
    checkOptions('adamW', options, ['betas', 'epsilon', 'weightDecay', 'clipNorm']);
    super('adamW', parameters, ['exp_avg', 'exp_avg_sq'], options.clipNorm);
    this.#betas = options.betas ?? [0.9, 0.999];
    this.#epsilon = options.epsilon ?? 1e-8;
    this.#weightDecay = options.weightDecay ?? 0.01;
  }

  protected override apply(
    updates: readonly Update[],
    clip: Tensor | undefined,
    { learningRate, weightDecay }: UpdateOptions,
  ): void {
    const [beta1, beta2] = this.#betas;
    const step = this.perParameter.advance(updates);
    const rates = this.perParameter.rates(learningRate);
    const steps = div(rates, biasCorrection(beta1, step));
    const rootCorrections = rsqrt(biasCorrection(beta2, step));
    const keeps = sub(1, mul(rates, this.perParameter.decays(this.#weightDecay, weightDecay)));
    for (const update of updates) {
      const { parameter, index } = update;
      const g = clip ? mul(update.gradient, clip) : update.gradient;
      const m = this.revise(update, 'exp_avg', (before) => add(before, mul(sub(g, before), 1 - beta1)));
      const v = this.revise(update, 'exp_avg_sq', (before) => add(mul(before, beta2), mul(square(g), 1 - beta2)));
      const root = add(mul(sqrt(v), this.perParameter.at(rootCorrections, index)), this.#epsilon);
      const kept = mul(latest(parameter), this.perParameter.at(keeps, index));
      assign(parameter, sub(kept, div(mul(m, this.perParameter.at(steps, index)), root)));
    }
  }
}

/**
 * 1 − β^t as 2·τ/(1 + τ) with τ = tanh(−t·ln β / 2): the difference itself would lose half of its digits in float32 when β is near 1.
 */
function biasCorrection(beta: number, step: Tensor): Tensor {
  const half = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(half, 2), add(half, 1));
}

/**
 * AdamW over parameters or groups of them (Loshchilov & Hutter 2019).
 * @param parameters of a module, or groups with settings of their own
 * @example
 * const layer = new Linear(8, 1, { seed: 0 });
 * const optimiser = adamW(layer.parameters(), { weightDecay: 0.05, clipNorm: 1 });
 * const step = compile((x: Tensor, y: Tensor, learningRate: Tensor) => {
 *   const { value: loss, gradients } = valueAndGrad(() => mse(layer.forward(x), y), layer.parameters());
 *   return { loss, ...optimiser.update(gradients, { learningRate }) };
 * });
 * const { loss, gradNorm } = await step(ones([4, 8]), zeros([4, 1]), scalar(1e-3));
 */
export function adamW(parameters: Iterable<Variable> | readonly ParameterGroup[], options: AdamWOptions = {}): AdamW {
  return new AdamW(parameters, options);
}
