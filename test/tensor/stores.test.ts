import { describe, expect, it } from 'vitest';
import { add, concat, linear, mul, sigmoid, slice, stack, tanh, transpose } from '#lib/ops/index.js';
import { compile, grad, type Tensor, tensor, variable } from '#lib/tensor/index.js';

const numbers = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i + phase)));
const matrix = (rows: number, columns: number, phase: number): Tensor =>
  tensor(Float32Array.from(numbers(rows * columns, phase)), { shape: [rows, columns] });

async function kernels(fn: (...inputs: Tensor[]) => unknown, inputs: Tensor[], fuse = true): Promise<string[]> {
  const program = await compile(fn, { passes: { fuse } }).program(...inputs);
  return String(program)
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replace(/^. *\d+ {2}/, '').split('(')[0]);
}

async function values(fn: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], fuse = true): Promise<number[]> {
  return Array.from(await (await compile(fn, { passes: { fuse } })(...inputs)).data());
}

describe('parts of a concatenation', () => {
  const [a, b] = [matrix(5, 7, 1), matrix(5, 7, 2)];
  const halves = (x: Tensor, y: Tensor): Tensor => concat([add(x, y), mul(x, y)], 1);

  it('are stored by the pass that computes them', async () => {
    expect(await kernels(halves, [a, b])).not.toContain('copy');
    expect(await kernels(halves, [a, b], false)).toContain('copy');
    const [x, y] = [numbers(35, 1), numbers(35, 2)];
    const expected = Array.from({ length: 70 }, (_, at) => {
      const [row, column] = [Math.floor(at / 14), at % 14];
      const i = row * 7 + (column % 7);
      return Math.fround(column < 7 ? x[i] + y[i] : x[i] * y[i]);
    });
    expect(await values(halves, [a, b])).toEqual(expected);
    expect(await values(halves, [a, b], false)).toEqual(expected);
  });

  it('are kept beside it where others read them, whatever axes of one element lie between', async () => {
    const both = (x: Tensor, y: Tensor): Tensor => {
      const [first, second] = [tanh(x), sigmoid(y)];
      const joined = stack([first, second], 1); // [5, 2, 7]
      return add(slice(joined, 1, 0, 1).reshape([5, 7]), linear(second, first.reshape([5, 7])).sum());
    };
    expect(await kernels(both, [a, b])).not.toContain('copy');
    expect(await values(both, [a, b])).toEqual(await values(both, [a, b], false));
  });

  it('of constants and of inputs alike', async () => {
    const w = variable(Float32Array.from(numbers(35, 3)), { shape: [5, 7] });
    const mixed = (x: Tensor): Tensor => linear(concat([w.mul(2), x.mul(2)], 0), w.mul(2));
    expect(await values(mixed, [a])).toEqual(await values(mixed, [a], false));
  });
});

describe('scattered elements', () => {
  it('are rearranged before many of them go through an elementwise pass', async () => {
    const x = matrix(80, 90, 1);
    const y = matrix(90, 80, 2);
    const turned = (p: Tensor, q: Tensor): Tensor => add(transpose(p), q);
    expect(await kernels(turned, [x, y])).toEqual(['copy', 'add']);
    expect(await kernels(turned, [matrix(8, 9, 1), matrix(9, 8, 2)])).toEqual(['add']);
    const [p, q] = [numbers(7200, 1), numbers(7200, 2)];
    expect(await values(turned, [x, y])).toEqual(
      Array.from(q, (value, at) => Math.fround(value + p[(at % 80) * 90 + Math.floor(at / 80)])),
    );
  });

  it('are none in the gradient of a weight', async () => {
    const w = variable(Float32Array.from(numbers(96 * 64, 3)), { shape: [96, 64] });
    const update = (x: Tensor): Tensor => w.sub(grad(linear(x, w).square().sum(), [w]).get(w) as Tensor);
    const found = await kernels(update, [matrix(16, 64, 1)]);
    expect(found.filter((name) => name === 'copy')).toEqual([]);
  });
});
