import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { groupNorm } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { layerName, ones, parameter, zeros } from './initialisers.js';
import { Module } from './module.js';

export interface GroupNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly epsilon?: number;
  /** Whether there is a learnt weight and bias (default true). */
  readonly affine?: boolean;
  readonly name?: string;
}

/**
 * Normalises the channels of each sample in groups, over all their positions (Wu & He 2018): the same in training and evaluation, for
 * batches of any size.
 * @example new GroupNorm(4, 32).forward(zeros([2, 32, 8, 8])).shape; // [2, 32, 8, 8]
 */
export class GroupNorm extends Module {
  /** [channels] */
  readonly weight?: Variable;
  readonly bias?: Variable;
  readonly #groups: number;
  readonly #epsilon?: number;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(groups: number, channels: number, options: GroupNormOptions = {}) {
    super();
    checkOptions('GroupNorm', options, ['epsilon', 'affine', 'name']);
    if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[GroupNorm] expected groups that divide the ${channels} channels, got ${groups}`,
      );
    this.#groups = groups;
    this.#epsilon = options.epsilon;
    const name = layerName(options.name, 'group_norm');
    if (options.affine ?? true) {
      this.weight = parameter(`${name}.weight`, [channels], ones);
      this.bias = parameter(`${name}.bias`, [channels], zeros);
    }
  }

  /** @param x [N, channels, ...]   @returns the shape of x   @throws JepaError ERR_JEPA_SHAPE */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.#groups, this.weight, this.bias, { epsilon: this.#epsilon });
  }
}
