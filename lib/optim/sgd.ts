import { checkOptions } from '../io/options.js';
import { latest } from '../nn/latest.js';
import { add, cast, greater, mul, sub } from '../ops/index.js';
import { assign, type Tensor, type Variable } from '../tensor/index.js';
import { Optimiser } from './optimiser.js';
import type { ParameterGroup, Update, UpdateOptions } from './parameter-groups.js';

export interface SGDOptions {
  /** Decay of the velocity (default 0: none is kept). */
  readonly momentum?: number;
  /** Share of a new gradient that does not enter the velocity; the first gradient enters whole (default 0). */
  readonly dampening?: number;
  readonly nesterov?: boolean;
  /** Coupled: added to the gradient (default 0). */
  readonly weightDecay?: number;
  readonly clipNorm?: number;
}

/**
 * Stochastic gradient descent with PyTorch's formulas: g ← g + λ·p; b ← μ·b + (1 − dampening)·g, the first b being g;
 * p ← p − lr·(g + μ·b with Nesterov, else b). The learning rate multiplies after the velocity, so that a change acts at once.
 */
export class SGD extends Optimiser {
  readonly #options: Required<Omit<SGDOptions, 'clipNorm'>>;

  constructor(parameters: Iterable<Variable> | readonly ParameterGroup[], options: SGDOptions = {}) {
    checkOptions('sgd', options, ['momentum', 'dampening', 'nesterov', 'weightDecay', 'clipNorm']);
    const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
    super('sgd', parameters, momentum === 0 ? [] : ['momentum_buffer'], options.clipNorm);
    this.#options = { momentum, dampening, nesterov, weightDecay };
  }

  protected override apply(
    updates: readonly Update[],
    clip: Tensor | undefined,
    { learningRate, weightDecay }: UpdateOptions,
  ): void {
    const { momentum, dampening, nesterov } = this.#options;
    const step = this.perParameter.advance(updates);
    const entering = sub(1, mul(cast(greater(step, 1), 'float32'), dampening));
    const rates = this.perParameter.rates(learningRate);
    const decays = this.perParameter.decays(this.#options.weightDecay, weightDecay);
    for (const update of updates) {
      const { parameter, index } = update;
      const clipped = clip ? mul(update.gradient, clip) : update.gradient;
      const g = add(clipped, mul(latest(parameter), this.perParameter.at(decays, index)));
      let direction = g;
      if (momentum !== 0) {
        const velocity = this.revise(update, 'momentum_buffer', (before) =>
          add(mul(before, momentum), mul(g, this.perParameter.at(entering, index))),
        );
        direction = nesterov ? add(g, mul(velocity, momentum)) : velocity;
      }
      assign(parameter, sub(latest(parameter), mul(direction, this.perParameter.at(rates, index))));
    }
  }
}

/**
 * Stochastic gradient descent over parameters or groups of them.
 * @example
 * const layer = new Linear(8, 1, { seed: 0 });
 * const optimiser = sgd(layer.parameters(), { momentum: 0.9, nesterov: true });
 */
export function sgd(parameters: Iterable<Variable> | readonly ParameterGroup[], options: SGDOptions = {}): SGD {
  return new SGD(parameters, options);
}
