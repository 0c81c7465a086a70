import { checkOptions } from '../io/options.js';
import { rmsNorm } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { layerName, ones, parameter } from './initialisers.js';
import { Module } from './module.js';

export interface RMSNormOptions {
  /** Added to the mean square (default 1e-6). */
  readonly epsilon?: number;
  /** Whether there is a learnt weight (default true). */
  readonly affine?: boolean;
  readonly name?: string;
}

/**
 * Divides the last axis by its root mean square (Zhang & Sennrich 2019).
 * @example await new RMSNorm(2, { epsilon: 0 }).forward(tensor([[3, 3]])).toArray(); // [[1, 1]]
 */
export class RMSNorm extends Module {
  /** [width] */
  readonly weight?: Variable;
  readonly #epsilon?: number;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(width: number, options: RMSNormOptions = {}) {
    super();
    checkOptions('RMSNorm', options, ['epsilon', 'affine', 'name']);
    this.#epsilon = options.epsilon;
    if (options.affine ?? true) this.weight = parameter(`${layerName(options.name, 'rms_norm')}.weight`, [width], ones);
  }

  /** @param x [..., width]   @returns [..., width]   @throws JepaError ERR_JEPA_SHAPE */
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, { epsilon: this.#epsilon });
  }
}
