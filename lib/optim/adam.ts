import { withDefaults } from '../io/options.js';
import type { Variable } from '../tensor/index.js';
import { MomentOptimiser, type MomentOptions } from './moments.js';
import type { ParameterGroup } from './parameter-groups.js';

export interface AdamOptions extends MomentOptions {
  /** Coupled: added to the gradient (default 0). {@link AdamW} is what large models are trained with. */
  readonly weightDecay?: number;
}

/**
 * Adam (Kingma & Ba 2015) with PyTorch's formulas: g ← g + λ·p; m ← m + (1 − β₁)(g − m); v ← β₂·v + (1 − β₂)·g²;
 * p ← p − lr/(1 − β₁^t)·m / (√v/√(1 − β₂^t) + ε), t from 1.
 */
export class Adam extends MomentOptimiser {
  constructor(parameters: Iterable<Variable> | readonly ParameterGroup[], options: AdamOptions = {}) {
    super('adam', parameters, withDefaults({ weightDecay: 0 }, options), 'coupled');
  }
}

/**
 * Adam over parameters or groups of them.
 * @example const optimiser = adam(model.parameters(), { betas: [0.9, 0.95] });
 */
export function adam(parameters: Iterable<Variable> | readonly ParameterGroup[], options: AdamOptions = {}): Adam {
  return new Adam(parameters, options);
}
