import { checkOptions } from '../io/options.js';
import { latest } from '../nn/latest.js';
import { add, div, mul, rsqrt, sqrt, square, sub, tanh } from '../ops/index.js';
import { assign, type Tensor, type Variable } from '../tensor/index.js';
import { Optimiser } from './optimiser.js';
import type { ParameterGroup, Update, UpdateOptions } from './parameter-groups.js';

export interface MomentOptions {
  /** Decay of the means of gradients and squared gradients (default [.9, .999]). */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment, after its bias correction (default 1e-8). */
  readonly epsilon?: number;
  readonly weightDecay?: number;
  /** Largest norm of all gradients together (default: no clipping). */
  readonly clipNorm?: number;
}

/** What Adam and AdamW share: means of gradients and squared gradients, and the step in units of their ratio. */
export abstract class MomentOptimiser extends Optimiser {
  readonly #betas: readonly [number, number];
  readonly #epsilon: number;
  readonly #weightDecay: number;
  readonly #decay: 'coupled' | 'decoupled';

  /** @param decay 'coupled': added to the gradient, and so to the moments; 'decoupled': the parameter shrinks beside the step */
  constructor(
    name: string,
    parameters: Iterable<Variable> | readonly ParameterGroup[],
    options: MomentOptions & { readonly weightDecay: number },
    decay: 'coupled' | 'decoupled',
  ) {
    checkOptions(name, options, ['betas', 'epsilon', 'weightDecay', 'clipNorm']);
    super(name, parameters, ['exp_avg', 'exp_avg_sq'], options.clipNorm);
    this.#betas = options.betas ?? [0.9, 0.999];
    this.#epsilon = options.epsilon ?? 1e-8;
    this.#weightDecay = options.weightDecay;
    this.#decay = decay;
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
    const decays = this.perParameter.decays(this.#weightDecay, weightDecay);
    const keeps = sub(1, mul(rates, decays));
    const coupled = this.#decay === 'coupled';
    for (const update of updates) {
      const { parameter, index } = update;
      const clipped = clip ? mul(update.gradient, clip) : update.gradient;
      const g = coupled ? add(clipped, mul(latest(parameter), this.perParameter.at(decays, index))) : clipped;
      const m = this.revise(update, 'exp_avg', (before) => add(before, mul(sub(g, before), 1 - beta1)));
      const v = this.revise(update, 'exp_avg_sq', (before) => add(mul(before, beta2), mul(square(g), 1 - beta2)));
      const root = add(mul(sqrt(v), this.perParameter.at(rootCorrections, index)), this.#epsilon);
      const kept = coupled ? latest(parameter) : mul(latest(parameter), this.perParameter.at(keeps, index));
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
