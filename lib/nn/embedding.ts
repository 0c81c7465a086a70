import { checkOptions } from '../io/options.js';
import { gatherRows, reshape } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import { type Initialiser, layerName, normal, parameter, type SeedOptions } from './initialisers.js';
import { Module } from './module.js';

export interface EmbeddingOptions extends SeedOptions {
  /** First values (default standard normal). */
  readonly initialiser?: Initialiser;
}

/**
 * A learnt vector for each of `count` symbols.
 * @example const vectors = new Embedding(10, 64).forward(tensor([3, 1, 3], { dtype: 'int32' })); // [3, 64]
 */
export class Embedding extends Module {
  /** [count, width] */
  readonly weight: Variable;

  constructor(count: number, width: number, options: EmbeddingOptions = {}) {
    super();
    checkOptions('Embedding', options, ['seed', 'name', 'initialiser']);
    this.weight = parameter(
      `${layerName(options.name, 'embedding')}.weight`,
      [count, width],
      options.initialiser ?? normal(),
      { seed: options.seed },
    );
  }

  /** @param indices int32 [...]   @returns [..., width]   @throws JepaError ERR_JEPA_INDEX_RANGE when run, if an index is no row */
  forward(indices: Tensor): Tensor {
    const rows = gatherRows(this.weight, reshape(indices, [indices.size]));
    return reshape(rows, [...indices.shape, this.weight.shape[1]]);
  }
}
