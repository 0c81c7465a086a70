import { checkOptions } from '../io/options.js';
import { type Conv2dOpOptions, conv2d } from '../ops/index.js';
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
  /** Pixels from one of a window to the next (default 1). */
  readonly dilation?: number | readonly [number, number];
  /** Runs of channels that are convolved apart (default 1); as many as channels: depthwise. */
  readonly groups?: number;
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
  /** [outChannels, inChannels/groups, kernel, kernel] in either layout */
  readonly weight: Variable;
  /** [outChannels] */
  readonly bias?: Variable;
  readonly #options: Conv2dOpOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number | readonly [number, number],
    options: Conv2dOptions = {},
  ) {
    super();
    checkOptions('Conv2d', options, [
      'seed',
      'name',
      'stride',
      'padding',
      'dilation',
      'groups',
      'layout',
      'input',
      'bias',
      'initialiser',
    ]);
    const { seed, bias = true, stride, padding, dilation, groups = 1, layout, input } = options;
    this.#options = { stride, padding, dilation, groups, layout, input };
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const name = layerName(options.name, 'conv2d');
    const inputs = inChannels / groups; // of an output; `parameter` refuses what does not divide
    const draw = { seed, fanIn: inputs * height * width };
    const first = initialisers(options.initialiser ?? 'kaimingUniform');
    this.weight = parameter(`${name}.weight`, [outChannels, inputs, height, width], first.weight, draw);
    if (bias) this.bias = parameter(`${name}.bias`, [outChannels], first.bias, draw);
  }

  /** @param x [N, C, H, W] or [N, H, W, C] by layout   @returns the same order of axes   @throws JepaError ERR_JEPA_SHAPE */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.#options);
  }
}
