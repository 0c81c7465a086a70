import { withDefaults } from '../io/options.js';
import type { Variable } from '../tensor/index.js';
import { MomentOptimiser, type MomentOptions } from './moments.js';
import type { ParameterGroup } from './parameter-groups.js';

export interface AdamWOptions extends MomentOptions {
  /** Decoupled, multiplied by the learning rate (default .01). */
  readonly weightDecay?: number;
}

/**
 * AdamW (Loshchilov & Hutter 2019) with PyTorch's formulas:
 * p ← p·(1 − lr·λ); m ← m + (1 − β₁)(g − m); v ← β₂·v + (1 − β₂)·g²; p ← p − lr/(1 − β₁^t)·m / (√v/√(1 − β₂^t) + ε), t from 1.
 */
export class AdamW extends MomentOptimiser {
  constructor(parameters: Iterable<Variable> | readonly ParameterGroup[], options: AdamWOptions = {}) {
    super('adamW', parameters, withDefaults({ weightDecay: 0.01 }, options), 'decoupled');
  }
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
