import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { latest } from '../nn/latest.js';
import { add, div, greater, minimum, mul, sqrt, sub, sumOfSquares, where } from '../ops/index.js';
import { assign, type Tensor, type Variable } from '../tensor/index.js';
import { Optimiser } from './optimiser.js';
import type { ParameterGroup, Update, UpdateOptions } from './parameter-groups.js';

const formulas = ['normOfSum', 'sumOfNorms'] as const;

export interface LarsOptions {
  /** Decay of the velocity (default .9). */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** Coupled: added to the gradient (default 0). */
  readonly weightDecay?: number;
  /** Whether parameters whose decay is 0, such as biases and norms, have the ratio too (default false: they are updated as by SGD). */
  readonly adaptWithoutDecay?: boolean;
  /** Factor on the ratio of norms (default .001). */
  readonly trust?: number;
  /**
   * 'normOfSum' (default; Barlow Twins, VICReg, MoCo v3): trust·‖p‖/‖g + λ·p‖; 'sumOfNorms' (You et al. 2017; timm):
   * trust·‖p‖/(‖g‖ + λ·‖p‖ + ε).
   */
  readonly formula?: (typeof formulas)[number];
  /** ε of 'sumOfNorms' (default 1e-8). */
  readonly epsilon?: number;
  readonly clipNorm?: number;
}

/**
 * Layer-wise adaptive rates (You, Gitman & Ginsburg 2017), for large batches: d = q·(g + λ·p) with the ratio q of norms, 1 where one of them is 0;
 * b ← μ·b + d; p ← p − lr·b.
 */
export class Lars extends Optimiser {
  readonly #options: Required<Omit<LarsOptions, 'clipNorm'>>;

  constructor(parameters: Iterable<Variable> | readonly ParameterGroup[], options: LarsOptions = {}) {
    checkOptions('lars', options, [
      'momentum',
      'nesterov',
      'weightDecay',
      'adaptWithoutDecay',
      'trust',
      'formula',
      'epsilon',
      'clipNorm',
    ]);
    const { momentum = 0.9, nesterov = false, weightDecay = 0, trust = 1e-3 } = options;
    const { formula = 'normOfSum', epsilon = 1e-8, adaptWithoutDecay = false } = options;
    if (!formulas.includes(formula))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[lars] expected a formula among ${formulas.join(', ')}, got '${String(formula)}'`,
      );
    super('lars', parameters, ['momentum_buffer'], options.clipNorm);
    this.#options = { momentum, nesterov, weightDecay, trust, formula, epsilon, adaptWithoutDecay };
  }

  protected override apply(
    updates: readonly Update[],
    clip: Tensor | undefined,
    { learningRate, weightDecay }: UpdateOptions,
  ): void {
    const { momentum, nesterov } = this.#options;
    this.perParameter.advance(updates);
    const rates = this.perParameter.rates(learningRate);
    const decays = this.perParameter.decays(this.#options.weightDecay, weightDecay);
    const shared = weightDecay ?? this.#options.weightDecay;
    for (const update of updates) {
      const { parameter, index } = update;
      const g = clip ? mul(update.gradient, clip) : update.gradient;
      const adapted = this.#options.adaptWithoutDecay || (update.weightDecay ?? shared) !== 0;
      const d = adapted ? this.#scaled(g, latest(parameter), this.perParameter.at(decays, index)) : g;
      const velocity = this.revise(update, 'momentum_buffer', (before) => add(mul(before, momentum), d));
      const direction = nesterov ? add(d, mul(velocity, momentum)) : velocity;
      assign(parameter, sub(latest(parameter), mul(direction, this.perParameter.at(rates, index))));
    }
  }

  #scaled(g: Tensor, p: Tensor, decay: Tensor): Tensor {
    const { trust, formula, epsilon } = this.#options;
    const sum = add(g, mul(p, decay));
    const size = norm(p);
    const other = norm(formula === 'normOfSum' ? sum : g);
    const below = formula === 'normOfSum' ? other : add(add(other, mul(size, decay)), epsilon);
    return mul(sum, where(greater(minimum(size, other), 0), div(mul(size, trust), below), 1));
  }
}

function norm(x: Tensor): Tensor {
  return sqrt(sumOfSquares(x));
}

/**
 * LARS over parameters or groups of them.
 * @example
 * const optimiser = lars([
 *   { parameters: weights },
 *   { parameters: biasesAndNorms, weightDecay: 0 },                      // no ratio of norms for them
 * ], { weightDecay: 1e-6 });
 */
export function lars(parameters: Iterable<Variable> | readonly ParameterGroup[], options: LarsOptions = {}): Lars {
  return new Lars(parameters, options);
}
