import { JepaError } from '../errors.js';
import { inRegion, type Region, repeat } from './op.js';
import { synchronous } from './synchronous.js';
import type { Tensor } from './tensor.js';

/**
 * Activation checkpointing (Chen et al. 2016): the same function, of which gradients keep only what flows in from outside; its
 * backward pass computes the rest again, one forward pass more for less memory. Arguments, captured tensors and results are anything.
 * Values and gradients have the same bits: random numbers are drawn again with their keys, and assignments happen once. May be nested.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT if it is no function, or one that returns a promise
 * @example
 * const layer = new Linear(2, 2, { seed: 0 });
 * const block = checkpoint((x: Tensor) => gelu(layer.forward(x)));
 * const step = compile((x: Tensor) => valueAndGrad(() => mean(square(block(x))), layer.parameters()).value);
 * console.log(await (await step(tensor([[1, 2]]))).item());
 */
export function checkpoint<Arguments extends readonly unknown[], Result>(
  fn: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  if (typeof fn !== 'function')
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[checkpoint] expected a function of tensors, got ${typeof fn}`);
  return (...args) =>
    synchronous(
      'checkpoint',
      inRegion(() => fn(...args)),
    );
}

let repetitions = 0;

/** What one pass of gradients computes anew: each call of a checkpointed function once, when the pass first needs one of its values. */
export class Recomputation {
  readonly #known = new Map<Region, { readonly values: ReadonlyMap<Tensor, Tensor>; readonly name: string }>();

  /** New values of tensors made in a call and the calls around it; undefined in none, or while it still runs. */
  of(region: Region | undefined): { readonly values: ReadonlyMap<Tensor, Tensor>; readonly name: string } | undefined {
    if (!region?.ended) return undefined;
    const known = this.#known.get(region);
    if (known) return known;
    // An inner call starts from what the outer one has computed anew, and keeps no more of it than at first.
    const values = new Map(this.of(region.outer)?.values);
    const name = `r${repetitions++}`;
    for (const node of region.nodes) {
      const inputs = node.inputs.map((input) => values.get(input) ?? input);
      for (const [index, output] of repeat(node, inputs, name).entries()) values.set(node.outputs[index], output);
    }
    const entry = { values, name };
    this.#known.set(region, entry);
    return entry;
  }
}
