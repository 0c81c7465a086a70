import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** Linear layers of the given widths with GELU between them: the head of every small model here. */
export class Perceptron extends Module {
  readonly layers: Linear[];

  /** @param widths input, hidden … and output widths   @param name path that keys the random initial weights */
  constructor(
    widths: readonly number[],
    options: { readonly seed: number; readonly name: string; readonly zeroLast?: boolean },
  ) {
    super();
    this.layers = widths.slice(1).map(
      (outputs, index) =>
        new Linear(widths[index], outputs, {
          seed: options.seed,
          name: `${options.name}.layers.${index}`,
          ...(options.zeroLast && index === widths.length - 2 ? { initialiser: 'zeros' as const } : {}),
        }),
    );
  }

  /** @param x [..., widths[0]]   @returns [..., widths.at(-1)] */
  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer, index) => layer.forward(index === 0 ? value : gelu(value)), x);
  }
}
