import { checkOptions } from '../io/options.js';
import type { Tensor } from '../tensor/index.js';
import { type ActivationLike, activationFunction } from './activation.js';
import {
  type Initialiser,
  type InitialiserName,
  initialisers,
  layerName,
  type SeedOptions,
  scaled,
} from './initialisers.js';
import { Linear } from './linear.js';
import { Module } from './module.js';

export interface MLPOptions extends SeedOptions {
  readonly activation?: ActivationLike;
  readonly bias?: boolean;
  readonly initialiser?: InitialiserName | Initialiser;
  /** Factor on the first weights of the last layer (default 1). */
  readonly outputScale?: number;
}

/**
 * The feed-forward half of a transformer block: fc2(activation(fc1(x))), GELU (erf) by default.
 * @example new MLP(192, 768, 192).forward(zeros([2, 16, 192])).shape; // [2, 16, 192]
 */
export class MLP extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: (x: Tensor) => Tensor;

  constructor(inFeatures: number, hiddenFeatures: number, outFeatures: number, options: MLPOptions = {}) {
    super();
    checkOptions('MLP', options, ['seed', 'name', 'activation', 'bias', 'initialiser', 'outputScale']);
    const { activation = 'gelu', outputScale = 1, initialiser = 'kaimingUniform', seed, bias } = options;
    const name = layerName(options.name, 'mlp');
    this.fc1 = new Linear(inFeatures, hiddenFeatures, { seed, bias, initialiser, name: `${name}.fc1` });
    this.fc2 = new Linear(hiddenFeatures, outFeatures, {
      seed,
      bias,
      initialiser: outputScale === 1 ? initialiser : scaled(initialisers(initialiser).weight, outputScale),
      name: `${name}.fc2`,
    });
    this.#activation = activationFunction(activation);
  }

  /** @param x [..., inFeatures]   @returns [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.#activation(this.fc1.forward(x)));
  }
}
