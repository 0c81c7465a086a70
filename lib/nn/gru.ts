import { gru, zeros } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { GRUCell, type GRUCellOptions } from './gru-cell.js';
import { layerName } from './initialisers.js';
import { Module } from './module.js';

/**
 * A {@link GRUCell} run over a sequence; the products with the inputs of all steps are one.
 * @example
 * const { output, state } = new GRU(36, 128).forward(zeros([2, 5, 36]));
 * output.shape; // [2, 5, 128]
 * state.shape; // [2, 128]
 */
export class GRU extends Module {
  readonly cell: GRUCell;

  constructor(inputSize: number, hiddenSize: number, options: GRUCellOptions = {}) {
    super();
    this.cell = new GRUCell(inputSize, hiddenSize, { ...options, name: `${layerName(options.name, 'gru')}.cell` });
  }

  /**
   * @param x [B, T, I]   @param initial state before the first step [B, H] (default zeros)
   * @returns states after every step [B, T, H], and the last of them [B, H]
   */
  forward(x: Tensor, initial?: Tensor): { output: Tensor; state: Tensor } {
    const { weightIh, weightHh, biasIh, biasHh, hiddenSize } = this.cell;
    return gru(x, initial ?? zeros([x.shape[0], hiddenSize]), weightIh, weightHh, biasIh, biasHh);
  }
}
