import { checkOptions } from '../io/options.js';
import { conv2d } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import {
  type Initialiser,
  type InitialiserName,
  initialisers,
  layerName,
  parameter,
  type SeedOptions,
} from './initialisers.js';
import { Module } from './module.js';

export interface Conv2dOptions extends SeedOptions {
  /** Pixels between windows, of both axes or [vertical, horizontal] (default 1). */
  readonly stride?: number | readonly [number, number];
  /** Zero pixels around the image (default 0). */
  readonly padding?: number | readonly [number, number];
  /** Order of the axes of x and y: 'NCHW' (default) or 'NHWC', which is the faster one. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** Convolves x·scale + offset: pixels can be given as bytes. */
  readonly input?: { readonly scale: number; readonly offset: number };
  readonly bias?: boolean;
  readonly initialiser?: InitialiserName | Initialiser;
}

/**
 * Convolution (cross-correlation) of images.
 * @example
 * const layer = new Conv2d(3, 16, 4, { stride: 2, padding: 1, layout: 'NHWC' });
 * layer.forward(zeros([1, 64, 64, 3])).shape; // [1, 32, 32, 16]
 */
export class Conv2d extends Module {
  /** [outChannels, inChannels, kernel, kernel] in either layout */
  readonly weight: Variable;
  /** [outChannels] */
  readonly bias?: Variable;
  readonly #options: {
    readonly stride: number | readonly [number, number];
    readonly padding: number | readonly [number, number];
    readonly layout: 'NCHW' | 'NHWC';
    readonly input?: { readonly scale: number; readonly offset: number };
  };

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number | readonly [number, number],
    options: Conv2dOptions = {},
  ) {
    super();
    checkOptions('Conv2d', options, ['seed', 'name', 'stride', 'padding', 'layout', 'input', 'bias', 'initialiser']);
    const { seed, bias = true, stride = 1, padding = 0, layout = 'NCHW', initialiser = 'kaimingUniform' } = options;
    this.#options = { stride, padding, layout, input: options.input };
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const name = layerName(options.name, 'conv2d');
    const draw = { seed, fanIn: inChannels * height * width };
    const first = initialisers(initialiser);
    this.weight = parameter(`${name}.weight`, [outChannels, inChannels, height, width], first.weight, draw);
    if (bias) this.bias = parameter(`${name}.bias`, [outChannels], first.bias, draw);
  }

  /** @param x [N, C, H, W] or [N, H, W, C] by layout   @returns the same order of axes   @throws JepaError ERR_JEPA_SHAPE */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.#options);
  }
}
