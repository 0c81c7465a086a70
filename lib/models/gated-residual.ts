import { LayerNorm } from '../nn/layer-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { add, gelu, mul, slice } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** Factor on the first weights' output, so that a new network changes little. */
const outputScale = 0.3;

export interface GatedResidualOptions {
  readonly inputs: number;
  readonly width: number;
  readonly blocks: number;
  readonly outputs: number;
  readonly seed: number;
  /** Path that keys the random initial weights. */
  readonly name: string;
}

/** x + down(GELU(a) ⊙ b), where [a, b] = up(layerNorm(x)). */
class GatedBlock extends Module {
  readonly norm: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;

  constructor(width: number, seed: number, name: string) {
    super();
    this.norm = new LayerNorm(width);
    this.up = new Linear(width, 2 * width, { seed, name: `${name}.up` });
    this.down = new Linear(width, width, { seed, name: `${name}.down` });
  }

  forward(x: Tensor): Tensor {
    const up = this.up.forward(this.norm.forward(x));
    const width = up.shape[up.rank - 1] / 2;
    const gated = mul(gelu(slice(up, -1, 0, width)), slice(up, -1, width, 2 * width));
    return add(x, this.down.forward(gated));
  }
}

/**
 * A linear layer, residual blocks whose hidden numbers are products of two (GEGLU: Shazeer 2020), a linear layer. Products
 * are what geometry is made of, such as a place seen from a turned body, which sums under a GELU fit slowly.
 * @example
 * const head = new GatedResidual({ inputs: 64, width: 128, blocks: 3, outputs: 32, seed: 0, name: 'head' });
 * head.forward(zeros([4, 64])).shape; // [4, 32]
 */
export class GatedResidual extends Module {
  readonly first: Linear;
  readonly blocks: GatedBlock[];
  readonly norm: LayerNorm;
  readonly last: Linear;

  constructor({ inputs, width, blocks, outputs, seed, name }: GatedResidualOptions) {
    super();
    this.first = new Linear(inputs, width, { seed, name: `${name}.first` });
    this.blocks = Array.from({ length: blocks }, (_, index) => new GatedBlock(width, seed, `${name}.blocks.${index}`));
    this.norm = new LayerNorm(width);
    this.last = new Linear(width, outputs, { seed, name: `${name}.last` });
  }

  /** @param x [..., inputs]   @returns [..., outputs] */
  forward(x: Tensor): Tensor {
    const hidden = this.blocks.reduce((value, block) => block.forward(value), this.first.forward(x));
    return mul(this.last.forward(this.norm.forward(hidden)), outputScale);
  }
}
