import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { equal, silu, where } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

export interface ActionEncoderOptions {
  /** Numbers of an action. */
  readonly actionSize: number;
  /** Width after the first, linear layer. */
  readonly smoothed: number;
  readonly hidden: number;
  readonly embeddingSize: number;
  readonly seed: number;
}

/**
 * Actions to conditions of a predictor: Linear, then Linear, SiLU, Linear.
 * @example
 * const encoder = new ActionEncoder({ actionSize: 2, smoothed: 2, hidden: 256, embeddingSize: 64, seed: 0 });
 * encoder.forward(zeros([4, 16, 2])).shape; // [4, 16, 64]
 */
export class ActionEncoder extends Module {
  readonly smooth: Linear;
  readonly hidden: Linear;
  readonly output: Linear;

  constructor({ actionSize, smoothed, hidden, embeddingSize, seed }: ActionEncoderOptions) {
    super();
    this.smooth = new Linear(actionSize, smoothed, { seed, name: 'action_encoder.smooth' });
    this.hidden = new Linear(smoothed, hidden, { seed, name: 'action_encoder.hidden' });
    this.output = new Linear(hidden, embeddingSize, { seed, name: 'action_encoder.output' });
  }

  /** @param actions [..., A]; NaN, of which datasets make the actions after an episode's end, counts as 0   @returns [..., D] */
  forward(actions: Tensor): Tensor {
    const known = where(equal(actions, actions), actions, 0);
    return this.output.forward(silu(this.hidden.forward(this.smooth.forward(known))));
  }
}
