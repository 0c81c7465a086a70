import { checkOptions } from '../io/options.js';
import { linear } from '../ops/index.js';
import { quantizationOf } from '../ops/linear-int8.js';
import type { Quantization, Tensor, Variable } from '../tensor/index.js';
import {
  type Initialiser,
  type InitialiserName,
  initialisers,
  layerName,
  parameter,
  type SeedOptions,
} from './initialisers.js';
import { Module } from './module.js';

export interface LinearOptions extends SeedOptions {
  /** Whether there is a bias (default true). */
  readonly bias?: boolean;
  /** First values: 'kaimingUniform' (PyTorch's, default), 'truncatedNormal', 'zeros' (weight and bias), or a function for the weight. */
  readonly initialiser?: InitialiserName | Initialiser;
  /** 'int8' or 'none' whatever `compile` is told; by default as it is told. */
  readonly quantize?: Quantization;
}

/**
 * y = x·Wᵀ + b over the last axis.
 * @example
 * const y = new Linear(64, 128, { seed: 1, name: 'head' }).forward(zeros([2, 64]));
 * y.shape; // [2, 128]
 */
export class Linear extends Module {
  /** [outFeatures, inFeatures] */
  readonly weight: Variable;
  /** [outFeatures] */
  readonly bias?: Variable;
  readonly #quantize?: Quantization;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkOptions('Linear', options, ['seed', 'name', 'bias', 'initialiser', 'quantize']);
    const { seed, bias = true, initialiser = 'kaimingUniform' } = options;
    const name = layerName(options.name, 'linear');
    const draw = { seed, fanIn: inFeatures };
    const first = initialisers(initialiser);
    this.weight = parameter(`${name}.weight`, [outFeatures, inFeatures], first.weight, draw);
    if (options.quantize !== undefined) this.#quantize = quantizationOf('Linear', options.quantize);
    if (bias) this.bias = parameter(`${name}.bias`, [outFeatures], first.bias, draw);
  }

  /** @param x [..., inFeatures]   @returns [..., outFeatures]   @throws JepaError ERR_JEPA_SHAPE */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, { quantize: this.#quantize });
  }
}
