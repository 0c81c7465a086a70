import { describe, expect, it } from 'vitest';
import {
  add,
  gelu,
  layerNorm,
  linear,
  mul,
  relu,
  reshape,
  silu,
  square,
  sum,
  tanh,
  transpose,
} from '#lib/ops/index.js';
import { compile, grad, type Tensor, tensor } from '#lib/tensor/index.js';

const matrix = (rows: number, columns: number, phase: number): Tensor =>
  tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i + phase)),
    { shape: [rows, columns] },
  );
const [x, w, r, b] = [matrix(19, 7, 1), matrix(33, 7, 2), matrix(19, 33, 3), matrix(1, 33, 4)];

type Inputs = [x: Tensor, w: Tensor, r: Tensor, b: Tensor];
const product = (...[x, w, , b]: Inputs): Tensor => linear(x, w, reshape(b, [33]));

/** What the pass leaves of the elementwise kernels, by kernel. */
const taken: Record<string, [fn: (...inputs: Inputs) => readonly Tensor[], left: readonly string[]]> = {
  'an activation': [(...t) => [gelu(product(...t))], []],
  'a residual': [(...t) => [add(product(...t), t[2])], []],
  'a residual on the left': [(...t) => [add(t[2], product(...t))], []],
  'an activation, then a residual': [(...t) => [add(silu(product(...t)), t[2])], []],
  'a residual in another shape': [(...t) => [add(reshape(product(...t), [19, 3, 11]), reshape(t[2], [19, 3, 11]))], []],
  'the slope of an activation': [
    (...t) => {
      const [x, w] = t;
      return [...grad(sum(mul(x, linear(gelu(product(...t)), transpose(w)))), [w]).values()];
    },
    ['mul copy'],
  ],
  // The gradient of a normalisation, not a product, adds what comes past it.
  'the gradient that goes past a block': [
    (...[x, w]) => {
      const block = add(x, layerNorm(x, undefined, undefined));
      return [...grad(sum(square(linear(block, w))), [x]).values()];
    },
    ['layer_norm', 'add', 'mul add', 'layer_norm_gradient'],
  ],
  'an activation whose sums are returned too': [
    (...t) => {
      const sums = product(...t);
      return [relu(sums), sums];
    },
    [],
  ],
};

/** What it must leave alone. */
const left: Record<string, (...inputs: Inputs) => readonly Tensor[]> = {
  'two activations of one product': (...t) => {
    const sums = product(...t);
    return [gelu(sums, { approximate: 'tanh' }), relu(sums)];
  },
  'a residual that is stretched': (...t) => [add(product(...t), t[3])],
  'the product added to itself': (...t) => {
    const sums = product(...t);
    return [add(sums, sums)];
  },
  'a residual whose sums are returned too': (...t) => {
    const sums = product(...t);
    return [add(sums, t[2]), sums];
  },
  'a sum of which more is made in the same pass': (...t) => [tanh(add(product(...t), t[2]))],
  'a transposed result': (...t) => [add(transpose(product(...t)), transpose(t[2]))],
};

async function run(
  fn: (...inputs: Inputs) => readonly Tensor[],
  epilogue: boolean,
): Promise<{ values: number[][]; kernels: string[] }> {
  const compiled = compile(fn, { passes: { epilogue } });
  const { kernels } = await compiled.profile(x, w, r, b);
  const values = [];
  for (const result of await compiled(x, w, r, b)) values.push(Array.from(await result.data()));
  const other = /^(matmul|matmul_pack|reduce|copy|fill)$/;
  return { values, kernels: kernels.map(({ op }) => op).filter((op) => !other.test(op)) };
}

describe('a product takes over', () => {
  it.each(Object.entries(taken))('%s, with the same bits', async (_, [fn, kernels]) => {
    const [on, off] = [await run(fn, true), await run(fn, false)];
    expect(on.kernels).toEqual(kernels);
    expect(off.kernels.length).toBeGreaterThan(kernels.length);
    expect(on.values).toEqual(off.values);
  });
});

describe('a product leaves alone', () => {
  it.each(Object.entries(left))('%s', async (_, fn) => {
    const [on, off] = [await run(fn, true), await run(fn, false)];
    expect(on.kernels).toEqual(off.kernels);
    expect(on.values).toEqual(off.values);
  });
});
