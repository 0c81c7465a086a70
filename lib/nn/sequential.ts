import type { Tensor } from '../tensor/index.js';
import { Activation, type ActivationName } from './activation.js';
import { type Layer, Module } from './module.js';

/**
 * Layers one after the other; activations may be given by name. Parameters are named by position: `layers.0.weight`.
 * @example
 * const network = new Sequential(new Linear(2, 32), 'gelu', new Linear(32, 1));
 * network.forward(zeros([8, 2])).shape; // [8, 1]
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: (Layer | ActivationName)[]) {
    super();
    this.layers = layers.map((layer) => (typeof layer === 'string' ? new Activation(layer) : layer));
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}
