import { checkOptions } from '../io/options.js';
import { layerNorm } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { layerName, ones, parameter, zeros } from './initialisers.js';
import { Module } from './module.js';

export interface LayerNormOptions {
  /** Added to the variance (default 1e-5; blocks of the JEPA codes use 1e-6). */
  readonly epsilon?: number;
  /** Whether there is a learnt weight and bias (default true). */
  readonly affine?: boolean;
  readonly name?: string;
}

/**
 * Normalises the last axis (Ba, Kiros & Hinton 2016).
 * @example await new LayerNorm(2).forward(tensor([[1, 3]])).toArray(); // [[-1, 1]]
 */
export class LayerNorm extends Module {
  /** [width] */
  readonly weight?: Variable;
  readonly bias?: Variable;
  readonly #epsilon: number;

  constructor(width: number, options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, ['epsilon', 'affine', 'name']);
    const name = layerName(options.name, 'layer_norm');
    this.#epsilon = options.epsilon ?? 1e-5;
    if (options.affine ?? true) {
      this.weight = parameter(`${name}.weight`, [width], ones);
      this.bias = parameter(`${name}.bias`, [width], zeros);
    }
  }

  /** @param x [..., width]   @returns [..., width] */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, { epsilon: this.#epsilon });
  }
}
