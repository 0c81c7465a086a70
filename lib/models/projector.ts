import { BatchNorm } from '../nn/batch-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/**
 * Between a transformer and a representation: Linear, batch normalisation, GELU (erf), Linear.
 * @example new Projector(192, 512, 64, { seed: 0, name: 'projector' }).eval().forward(zeros([4, 192])).shape; // [4, 64]
 */
export class Projector extends Module {
  readonly hidden: Linear;
  readonly norm: BatchNorm;
  readonly output: Linear;

  /** @param options.name path that keys the random initial weights */
  constructor(
    inputs: number,
    hidden: number,
    outputs: number,
    options: { readonly seed: number; readonly name: string },
  ) {
    super();
    const { seed, name } = options;
    this.hidden = new Linear(inputs, hidden, { seed, name: `${name}.hidden` });
    this.norm = new BatchNorm(hidden, { axis: -1, name: `${name}.norm` });
    this.output = new Linear(hidden, outputs, { seed, name: `${name}.output` });
  }

  /** @param x [..., inputs]   @returns [..., outputs] */
  forward(x: Tensor): Tensor {
    return this.output.forward(gelu(this.norm.forward(this.hidden.forward(x))));
  }
}
