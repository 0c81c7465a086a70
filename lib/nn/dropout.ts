import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { add, cast, less, mul, uniform, where } from '../ops/index.js';
import { assign, type Tensor, type Variable, variable } from '../tensor/index.js';
import { currentTrace } from '../tensor/trace.js';
import { layerName, type SeedOptions } from './initialisers.js';
import { latest } from './latest.js';
import { Module } from './module.js';

/**
 * In training sets a share of the elements to 0 and multiplies the others by 1/(1 − share), so that means stay (Srivastava et al. 2014);
 * in evaluation x itself. Which ones depends on seed, name and the number of the draw alone, a buffer that is saved with the model:
 * equal seeds drop the same elements, on every machine, and a resumed run goes on with its own. Training needs `compile`, since the
 * number changes only when a compiled step succeeds.
 * @example await new Dropout(0.5).eval().forward(tensor([1, 2])).toArray(); // [1, 2]
 */
export class Dropout extends Module {
  /** [] int32: draws so far. */
  readonly draws: Variable;
  readonly #share: number;
  readonly #seed: number;
  readonly #name: string;

  /** @param share of the elements that are dropped, from 0 to below 1   @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION */
  constructor(share: number, options: SeedOptions = {}) {
    super();
    checkOptions('Dropout', options, ['seed', 'name']);
    if (!(share >= 0 && share < 1))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Dropout] expected a share from 0 to below 1, got ${String(share)}`,
      );
    this.#share = share;
    this.#seed = options.seed ?? 0;
    this.#name = layerName(options.name, 'dropout');
    this.draws = this.buffer(variable(new Int32Array(1), { name: `${this.#name}.draws`, shape: [], dtype: 'int32' }));
  }

  /** @returns the shape of x   @throws JepaError ERR_JEPA_ASSIGN_OUTSIDE_COMPILE in training outside `compile` */
  forward(x: Tensor): Tensor {
    if (!this.training || this.#share === 0) return x;
    if (!currentTrace())
      throw new JepaError(
        'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE',
        `[dropout] expected a layer in evaluation mode outside compile, got '${this.#name}' in training, which would count its draws`,
        {
          help: [
            'to use it, call eval() of the module it belongs to',
            'to train it, call it in a function given to compile',
          ],
        },
      );
    const draw = latest(this.draws);
    assign(this.draws, add(draw, 1));
    const dropped = less(uniform(x.shape, { seed: this.#seed, step: draw, stream: this.#name }), this.#share);
    return where(dropped, 0, mul(cast(x, 'float32'), 1 / (1 - this.#share)));
  }
}
