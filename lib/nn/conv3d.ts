import { checkOptions } from '../io/options.js';
import { type Conv3dOpOptions, conv3d } from '../ops/index.js';
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

/** Options of {@link Conv3d}: stride, padding, dilation and groups as those of {@link conv3d}. */
export interface Conv3dOptions extends SeedOptions, Conv3dOpOptions {
  readonly bias?: boolean;
  readonly initialiser?: InitialiserName | Initialiser;
}

/**
 * Convolution (cross-correlation) of clips; with strides of its kernel it cuts them into tubelets.
 * @example
 * const tubelets = new Conv3d(3, 32, [2, 8, 8], { stride: [2, 8, 8] });
 * tubelets.forward(zeros([1, 3, 4, 16, 16])).shape; // [1, 32, 2, 2, 2]
 */
export class Conv3d extends Module {
  /** [outChannels, inChannels/groups, times, rows, columns of the kernel] */
  readonly weight: Variable;
  /** [outChannels] */
  readonly bias?: Variable;
  readonly #options: Conv3dOpOptions;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number | readonly [number, number, number],
    options: Conv3dOptions = {},
  ) {
    super();
    checkOptions('Conv3d', options, ['seed', 'name', 'stride', 'padding', 'dilation', 'groups', 'bias', 'initialiser']);
    const { seed, bias = true, stride, padding, dilation, groups = 1, initialiser = 'kaimingUniform' } = options;
    this.#options = { stride, padding, dilation, groups };
    const extents = typeof kernel === 'number' ? [kernel, kernel, kernel] : kernel;
    const name = layerName(options.name, 'conv3d');
    const shape = [outChannels, inChannels / groups, ...extents];
    const draw = { seed, fanIn: shape.slice(1).reduce((product, extent) => product * extent, 1) };
    const first = initialisers(initialiser);
    this.weight = parameter(`${name}.weight`, shape, first.weight, draw);
    if (bias) this.bias = parameter(`${name}.bias`, [outChannels], first.bias, draw);
  }

  /** @param x [N, C, T, H, W]   @returns [N, O, T', H', W']   @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT */
  forward(x: Tensor): Tensor {
    return conv3d(x, this.weight, this.bias, this.#options);
  }
}
