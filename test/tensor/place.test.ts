// Where outputs lie: parts that a buffer already holds side by side are read where they are; all others are copied together.
import { describe, expect, it } from 'vitest';
import { attention, concat, permute, reshape, slice, sum } from '#lib/ops/index.js';
import { compile, grad, type Tensor, tensor } from '#lib/tensor/index.js';

const numbers = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, index) => Math.sin(index + 1)),
    { shape },
  );
};

interface Ran {
  readonly values: readonly number[];
  readonly copies: number;
}

/** The result with the pass on or off; one sum more, so that no copy is only there to fill the output's own buffer. */
async function ran(fn: (x: Tensor) => Tensor, x: Tensor, place: boolean): Promise<Ran> {
  const program = compile((input: Tensor) => fn(input).add(1), { passes: { place } });
  const values = [...(await (await program(x)).data())] as number[];
  const { kernels } = await program.profile(x);
  return { values, copies: kernels.filter(({ op }) => op === 'copy').length };
}

const x = numbers([4, 6, 5]);
const part = (axis: number, start: number, end: number) => slice(x, axis, start, end);
const rest = (input: Tensor, axis: number, cuts: readonly [number, number][]): Tensor =>
  concat(
    cuts.map(([start, end]) => slice(input, axis, start, end)),
    axis,
  );

describe('parts', () => {
  it.each<[string, (x: Tensor) => Tensor, number]>([
    [
      'all slices in order',
      (input) =>
        rest(input, 1, [
          [0, 2],
          [2, 3],
          [3, 6],
        ]),
      0,
    ],
    [
      'some slices in order',
      (input) =>
        rest(input, 0, [
          [1, 2],
          [2, 4],
        ]),
      0,
    ],
    [
      'slices of the last axis',
      (input) =>
        rest(input, 2, [
          [0, 1],
          [1, 2],
        ]),
      0,
    ],
    [
      'slices as far apart as they are long, as a view',
      (input) =>
        rest(input, 0, [
          [0, 1],
          [2, 3],
        ]),
      0,
    ],
    [
      'slices of equal shape along a new axis',
      (input) =>
        concat(
          [0, 1, 2].map((row) => reshape(slice(input, 1, row, row + 1), [1, 4, 5])),
          0,
        ),
      0,
    ],
    [
      'slices in another order',
      (input) =>
        rest(input, 1, [
          [2, 4],
          [0, 2],
        ]),
      2,
    ],
    [
      'a gap after longer slices',
      (input) =>
        rest(input, 1, [
          [0, 2],
          [3, 5],
        ]),
      2,
    ],
    [
      'a slice twice',
      (input) =>
        rest(input, 1, [
          [0, 2],
          [0, 2],
        ]),
      2,
    ],
    [
      'a third out of step',
      (input) =>
        rest(input, 0, [
          [0, 1],
          [1, 2],
          [3, 4],
        ]),
      3,
    ],
    ['parts of two tensors', (input) => concat([slice(input, 0, 0, 2), slice(input.mul(2).add(input), 0, 2, 4)], 0), 2],
    [
      'a transposed part',
      (input) =>
        concat([slice(slice(input, 0, 0, 1), 1, 0, 5), permute(slice(slice(input, 0, 1, 2), 1, 0, 5), [0, 2, 1])], 0),
      2,
    ],
  ])('%s', async (_, fn, copies) => {
    const [placed, copied] = [await ran(fn, x, true), await ran(fn, x, false)];
    expect(placed.values).toEqual(copied.values);
    expect(placed.copies).toBe(copies);
    expect(copied.copies).toBeGreaterThanOrEqual(2);
  });

  it('of a plain concatenation are what they were', async () => {
    const joined = concat([part(1, 0, 2), part(1, 2, 6)], 1);
    expect(await joined.toArray()).toEqual(await x.toArray());
  });
});

describe('self-attention of one projection', () => {
  const heads = 2;
  const mix = (projection: Tensor): Tensor => {
    const [batch, tokens, width] = projection.shape;
    const d = width / 3 / heads;
    const parts = permute(reshape(projection, [batch, tokens, 3, heads, d]), [2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((index) => reshape(slice(parts, 0, index, index + 1), parts.shape.slice(1)));
    return reshape(permute(attention(q, k, v), [0, 2, 1, 3]), [batch, tokens, width / 3]);
  };
  it.each([
    ['forward', mix],
    ['gradient', (projection: Tensor) => grad(sum(mix(projection).square()), [projection]).get(projection) as Tensor],
  ])('%s needs no copy and gives the same bits', async (_, fn) => {
    const projection = numbers([2, 7, 24]);
    const [placed, copied] = [await ran(fn, projection, true), await ran(fn, projection, false)];
    expect(placed.values).toEqual(copied.values);
    expect(placed.copies).toBe(0);
    expect(copied.copies).toBeGreaterThan(0);
  });
});
