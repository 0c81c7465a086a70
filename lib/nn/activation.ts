import { gelu, relu, sigmoid, silu, tanh } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { Module } from './module.js';

const functions = {
  gelu: (x: Tensor) => gelu(x),
  geluTanh: (x: Tensor) => gelu(x, { approximate: 'tanh' }),
  relu: (x: Tensor) => relu(x),
  silu: (x: Tensor) => silu(x),
  tanh: (x: Tensor) => tanh(x),
  sigmoid: (x: Tensor) => sigmoid(x),
  identity: (x: Tensor) => x,
} as const;

export type ActivationName = keyof typeof functions;

/** An elementwise non-linearity by name, or any function of a tensor. */
export type ActivationLike = ActivationName | ((x: Tensor) => Tensor);

export function activationFunction(activation: ActivationLike): (x: Tensor) => Tensor {
  return typeof activation === 'function' ? activation : functions[activation];
}

/**
 * A non-linearity as a layer. `gelu` is the exact one (erf), as in every JEPA code; `geluTanh` its approximation.
 * @example new Sequential(new Linear(8, 32), new Activation('gelu'), new Linear(32, 1))
 */
export class Activation extends Module {
  readonly #function: (x: Tensor) => Tensor;

  constructor(activation: ActivationLike) {
    super();
    this.#function = activationFunction(activation);
  }

  forward(x: Tensor): Tensor {
    return this.#function(x);
  }
}
