import { checkOptions } from '../io/options.js';
import { gruAdvance, linear } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { layerName, parameter, type SeedOptions, uniform } from './initialisers.js';
import { Module } from './module.js';

export interface GRUCellOptions extends SeedOptions {
  readonly bias?: boolean;
}

/**
 * Gated recurrent unit in PyTorch's variant (Cho et al. 2014, with the reset gate after the product):
 * r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz),
 * n = tanh(W_in x + b_in + r·(W_hn h + b_hn)), h′ = (1 − z)·n + z·h.
 * @example
 * const cell = new GRUCell(36, 128);
 * let state: Tensor = zeros([2, 128]);
 * for (let t = 0; t < 3; t++) state = cell.forward(ones([2, 36]), state);
 * state.shape; // [2, 128]
 */
export class GRUCell extends Module {
  /** [3H, I], rows in the order r, z, n */
  readonly weightIh: Variable;
  /** [3H, H] */
  readonly weightHh: Variable;
  /** [3H] */
  readonly biasIh?: Variable;
  readonly biasHh?: Variable;
  readonly hiddenSize: number;

  constructor(inputSize: number, hiddenSize: number, options: GRUCellOptions = {}) {
    super();
    checkOptions('GRUCell', options, ['seed', 'name', 'bias']);
    const { seed, bias = true } = options;
    const name = layerName(options.name, 'gru_cell');
    const first = uniform(1 / Math.sqrt(hiddenSize));
    this.hiddenSize = hiddenSize;
    this.weightIh = parameter(`${name}.weight_ih`, [3 * hiddenSize, inputSize], first, { seed });
    this.weightHh = parameter(`${name}.weight_hh`, [3 * hiddenSize, hiddenSize], first, { seed });
    if (bias) {
      this.biasIh = parameter(`${name}.bias_ih`, [3 * hiddenSize], first, { seed });
      this.biasHh = parameter(`${name}.bias_hh`, [3 * hiddenSize], first, { seed });
    }
  }

  /** @param x [B, I]   @param h [B, H]   @returns the next state [B, H] */
  forward(x: Tensor, h: Tensor): Tensor {
    return this.advance(this.project(x), h);
  }

  /** The part that does not wait for the state, so a whole sequence is one product. @param x [..., I]   @returns [..., 3H] */
  project(x: Tensor): Tensor {
    return linear(x, this.weightIh, this.biasIh);
  }

  /** @param projected {@link project} of one step's input [B, 3H]   @param h [B, H]   @returns [B, H] */
  advance(projected: Tensor, h: Tensor): Tensor {
    return gruAdvance(projected, h, this.weightHh, this.biasHh);
  }
}
