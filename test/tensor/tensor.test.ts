import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { add, full, gatherRows, mean, pad, zeros } from '#lib/ops/index.js';
import { arange, compile, type Float16ArrayLike, scalar, Tensor, tensor, variable } from '#lib/tensor/index.js';

const code = (name: string) => expect.objectContaining({ code: name });

describe('making tensors', () => {
  it('takes the shape of nested arrays, and the dtype of their values', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([x.shape, x.dtype, x.size, x.rank]).toEqual([[2, 3], 'float32', 6, 2]);
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(tensor([[true], [false]]).dtype).toBe('bool');
    expect(tensor([true, 2]).dtype).toBe('float32');
    expect([tensor(7).shape, tensor([]).shape, tensor([[], []]).shape]).toEqual([[], [0], [2, 0]]);
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).shape).toEqual([2, 2]);
  });

  it('takes typed arrays as they are', async () => {
    const pixels = new Uint8Array(12).map((_, i) => i);
    const x = tensor(pixels, { shape: [2, 2, 3] });
    expect([x.dtype, x.shape]).toEqual(['uint8', [2, 2, 3]]);
    expect(await x.data()).toBe(pixels);
    expect(tensor(Int32Array.of(1)).dtype).toBe('int32');
    expect(tensor(Buffer.from([1, 2])).dtype).toBe('uint8');
    expect(tensor(new Uint8ClampedArray(2) as unknown as Uint8Array).dtype).toBe('uint8');
    expect(tensor(Uint8Array.of(1, 0), { dtype: 'bool' }).dtype).toBe('bool');
    const mask = tensor(Uint8Array.of(255, 0, 1), { dtype: 'bool' });
    expect(await mask.to('float32').toArray()).toEqual([1, 0, 1]);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([1, 2]);
    expect(await tensor(shared).add(1).toArray()).toEqual([2, 3]);
    const window = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect(await tensor(window).mul(2).toArray()).toEqual([2, 4]);
  });

  it('takes other numbers where they fit', async () => {
    const int32 = async (x: Tensor): Promise<unknown> => [x.dtype, [...(await x.data())]];
    const edges = [-(2 ** 31), 2 ** 31 - 1];
    expect(await int32(tensor(BigInt64Array.from(edges, BigInt)))).toEqual(['int32', edges]);
    expect(await int32(tensor(BigUint64Array.of(7n)))).toEqual(['int32', [7]]);
    expect(await int32(tensor(Uint32Array.of(2 ** 31 - 1)))).toEqual(['int32', [2 ** 31 - 1]]);
    expect(await int32(tensor(Int8Array.of(-128)))).toEqual(['int32', [-128]]);
    expect(await int32(tensor(Int16Array.of(-32768)))).toEqual(['int32', [-32768]]);
    expect(await tensor(Float64Array.of(0.1, Number.NaN, Number.NEGATIVE_INFINITY, -0)).data()).toEqual(
      Float32Array.of(0.1, Number.NaN, Number.NEGATIVE_INFINITY, -0),
    );
    const step = compile((index: Tensor, table: Tensor) => gatherRows(table, index));
    const picked = await step(BigInt64Array.of(1n) as never, tensor([[1], [2]]));
    expect(await picked.toArray()).toEqual([[2]]);
    const steps = variable(BigInt64Array.of(1n, 2n));
    await steps.write(BigInt64Array.of(3n, 4n));
    expect([steps.dtype, await steps.read()]).toEqual(['int32', Int32Array.of(3, 4)]);
  });

  // Node 20 has no Float16Array: an array of the same bits stands in for it there.
  class Halves extends Uint16Array {
    override get [Symbol.toStringTag](): 'Uint16Array' {
      return 'Float16Array' as 'Uint16Array';
    }
  }
  const Float16 = (globalThis as { Float16Array?: typeof Halves }).Float16Array;
  it.each([
    ['of the engine', Float16],
    ['of another maker', Halves],
  ])('takes Float16Array %s as float16', async (_, Kind) => {
    if (!Kind) return expect(Number(process.versions.node.split('.')[0])).toBeLessThan(24);
    const values = new Kind(Uint16Array.of(0x3c00, 0xc000).buffer) as unknown as Float16ArrayLike;
    const x = tensor(values);
    expect([x.dtype, await x.toArray()]).toEqual(['float16', [1, -2]]);
    expect(await x.data()).toEqual(Uint16Array.of(0x3c00, 0xc000));
    expect(await x.to('float32').mul(2).toArray()).toEqual([2, -4]);
    const stored = variable(values);
    expect([stored.dtype, await stored.toArray()]).toEqual(['float16', [1, -2]]);
    expect(() => tensor(values, { dtype: 'bfloat16' })).toThrow('that holds bfloat16, got Float16Array');
  });

  it('reads shared memory as it is when a program is called, and as it is later', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    shared.set([1, 2]);
    const double = compile((x: Tensor) => x.mul(2));
    const before = double(tensor(shared));
    shared.set([5, 6]);
    expect(await (await before).toArray()).toEqual([2, 4]);
    expect(await (await double(tensor(shared))).toArray()).toEqual([10, 12]);
    const wide = new BigInt64Array(new SharedArrayBuffer(8));
    wide[0] = 9n;
    const kept = variable(shared);
    await kept.write(shared);
    expect([await tensor(wide).item(), await kept.read()]).toEqual([9, Int32Array.of(5, 6)]);
  });

  it('makes scalars and ranges', async () => {
    expect(await scalar(0.5).item()).toBe(0.5);
    expect(await scalar(3, 'int32').data()).toEqual(Int32Array.of(3));
    expect(await arange(2, 5).data()).toEqual(Int32Array.of(2, 3, 4));
    expect(await arange(-1, 1, 'float32').data()).toEqual(Float32Array.of(-1, 0));
    expect(arange(5, 2).shape).toEqual([0]);
  });

  it.each([
    ['ragged rows', () => tensor([[1, 2], [3]]), 'ERR_JEPA_SHAPE', '[tensor] expected nested arrays of shape [2, 2]'],
    ['a number among rows', () => tensor([[1], 2]), 'ERR_JEPA_SHAPE', 'got 2 in them'],
    ['text', () => tensor(['a'] as never), 'ERR_JEPA_SHAPE', 'got "a" in them'],
    ['nothing', () => tensor(undefined as never), 'ERR_JEPA_SHAPE', 'got undefined in them'],
    [
      'another size',
      () => tensor(new Float32Array(3), { shape: [2, 2] }),
      'ERR_JEPA_SHAPE',
      '[tensor] expected 4 values',
    ],
    ['a negative extent', () => tensor(new Float32Array(4), { shape: [-2, -2] }), 'ERR_JEPA_SHAPE', 'got [-2, -2]'],
    ['half an extent', () => tensor(new Float32Array(1), { shape: [0.5, 2] }), 'ERR_JEPA_SHAPE', 'got [0.5, 2]'],
    ['nine axes', () => zeros(new Array(9).fill(1)), 'ERR_JEPA_SHAPE', '[full] expected at most 8 axes'],
    ['a DataView', () => tensor(new DataView(new ArrayBuffer(8)) as never), 'ERR_JEPA_DTYPE', 'got DataView'],
    [
      'an integer beyond int32',
      () => tensor(BigInt64Array.of(0n, 2n ** 31n)),
      'ERR_JEPA_DTYPE',
      '[tensor] expected values that fit into int32, got 2147483648 at element 1',
    ],
    ['an unsigned one', () => tensor(Uint32Array.of(2 ** 32 - 1)), 'ERR_JEPA_DTYPE', 'got 4294967295 at element 0'],
    ['a long one', () => tensor(BigUint64Array.of(2n ** 64n - 1n)), 'ERR_JEPA_DTYPE', 'got 18446744073709551615'],
    ['a number beyond float32', () => tensor(Float64Array.of(-1e39)), 'ERR_JEPA_DTYPE', 'into float32, got -1e+39'],
    ['bare 16 bits', () => tensor(new Uint16Array(2)), 'ERR_JEPA_DTYPE', 'or a dtype in the options, got Uint16Array'],
    [
      'another array',
      () => tensor(new Float32Array(2), { dtype: 'int32' }),
      'ERR_JEPA_DTYPE',
      'that holds int32, got Float32Array',
    ],
    [
      'a broken range',
      () => arange(0, Number.NaN),
      'ERR_JEPA_INVALID_ARGUMENT',
      '[arange] expected whole numbers, got 0 and NaN',
    ],
    [
      'a variable of no shape',
      () => variable(new Float32Array(6), { shape: [-2, -3] }),
      'ERR_JEPA_SHAPE',
      '[variable] expected non-negative integers',
    ],
    [
      'a variable of another size',
      () => variable(new Float32Array(6), { shape: [7] }),
      'ERR_JEPA_SHAPE',
      '[variable] expected 7 values of float32 for shape [7], got 6',
    ],
    [
      'a variable of another type',
      () => variable(new Float32Array(6), { dtype: 'int32' }),
      'ERR_JEPA_DTYPE',
      '[variable] expected an array that holds int32, got Float32Array',
    ],
    [
      'a variable of what is not computed',
      () => variable(tensor([1]).add(1)),
      'ERR_JEPA_INVALID_ARGUMENT',
      'await its data() first',
    ],
  ])('refuses %s', (_, make, expectedCode, sentence) => {
    expect(make).toThrow(code(expectedCode));
    expect(make).toThrow(sentence);
  });
});

describe('reading values', () => {
  it('as data, a number or nested arrays', async () => {
    const x = add(tensor([[[1, 2]], [[3, 4]]]), 0.5);
    expect(await x.data()).toEqual(Float32Array.of(1.5, 2.5, 3.5, 4.5));
    expect(await x.toArray()).toEqual([[[1.5, 2.5]], [[3.5, 4.5]]]);
    expect(await mean(x).item()).toBe(3);
    expect(await tensor([[0.1]], { dtype: 'bfloat16' }).item()).toBe(0.10009765625); // 205 · 2⁻¹¹
    expect(await tensor([[], []]).toArray()).toEqual([[], []]);
    expect(await zeros([0, 3]).data()).toEqual(new Float32Array(0));
    expect(await tensor(Uint8Array.of(2, 0), { dtype: 'bool' }).toArray()).toEqual([true, false]);
  });

  it('refuses a number of several elements', async () => {
    await expect(tensor([1, 2]).item()).rejects.toThrow(code('ERR_JEPA_SHAPE'));
    await expect(tensor([1, 2]).item()).rejects.toThrow('[item] expected a tensor of one element, got [2]');
  });

  it('keeps NaN, infinities and the sign of zero', async () => {
    const x = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]);
    expect(await x.mul(1).toArray()).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]);
    expect(await mean(x).item()).toBeNaN();
    expect(
      await tensor([[Number.NaN, 1]])
        .matmul(tensor([[1], [1]]))
        .item(),
    ).toBeNaN();
  });

  it('tells constants apart that JSON writes alike', async () => {
    const one = tensor([1]);
    const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const padded = infinite.map((value) => pad(one, [[0, 1]], value)); // the same structure twice in a cache
    expect(await Promise.all(padded.map((x) => x.toArray()))).toEqual(infinite.map((value) => [1, value]));
    const both = add(pad(one, [[0, 1]], infinite[0]), pad(one, [[0, 1]], infinite[1])); // and twice in one graph
    expect(await both.toArray()).toEqual([2, Number.NaN]);
    const signs = (): Tensor => add(one.div(full([1], 0)), one.div(full([1], -0)));
    expect(await signs().item()).toBeNaN(); // ∞ − ∞
    expect(await (await compile(signs)()).item()).toBeNaN();
  });
});

describe('printing', () => {
  it('shows values where they are known, and the op where they are not', () => {
    expect(
      String(
        tensor([
          [1, 2.5],
          [-0.000012345, 1e20],
        ]),
      ),
    ).toBe('Tensor(float32 [2, 2]) [[1, 2.5],\n [-0.000012345, 100000002004087730000]]');
    expect(String(tensor([12000.4, 1200.04, 0.1, 1e-7, Number.NaN]))).toBe(
      'Tensor(float32 [5]) [12000, 1200, 0.1, 1e-7, NaN]',
    );
    expect(String(scalar(3, 'int32'))).toBe('Tensor(int32 []) 3');
    expect(String(tensor([true, false]))).toBe('Tensor(bool [2]) [true, false]');
    expect(String(tensor([0.1], { dtype: 'float16' }))).toBe('Tensor(float16 [1]) [0.099976]');
    expect(String(tensor([]))).toBe('Tensor(float32 [0]) []');
    expect(String(arange(0, 9))).toBe('Tensor(int32 [9]) [0, 1, 2, …, 6, 7, 8]');
    expect(String(tensor([1]).add(1))).toBe('Tensor(float32 [1], add)');
    expect(String(new Tensor([2], 'float32', undefined))).toBe('Tensor(float32 [2], input)');
  });

  it('is the same in the console, and short for large tensors', () => {
    expect(inspect(tensor([1, 2]))).toBe('Tensor(float32 [2]) [1, 2]');
    expect(inspect({ w: variable(new Float32Array(4), { name: 'fc.weight', shape: [2, 2] }) })).toBe(
      "{ w: Variable('fc.weight' float32 [2, 2]) }",
    );
    expect(String(variable(new Int32Array(1), { dtype: 'int32' }))).toBe('Variable(int32 [1])');
    expect(String(tensor(new Float32Array(1e6), { shape: [1000, 1000] })).length).toBeLessThan(200);
  });
});

describe('dispose', () => {
  it('ends a tensor: every later use says so', async () => {
    const x = tensor([1, 2]);
    x.dispose();
    expect(x.disposed).toBe(true);
    expect(String(x)).toBe('Tensor(float32 [2], disposed)');
    await expect(x.data()).rejects.toThrow(code('ERR_JEPA_DISPOSED'));
    await expect(x.data()).rejects.toThrow('[tensor] expected a tensor in use, got a disposed one of shape [2]');
    expect(() => x.add(1)).toThrow(code('ERR_JEPA_DISPOSED'));
    expect(() => x.dispose()).not.toThrow();
  });

  it('comes with the end of a using block', () => {
    let kept: Tensor | undefined;
    {
      using x = tensor([1]);
      kept = x;
    }
    expect(kept.disposed).toBe(true);
  });

  it('of an input reaches what was built on it', async () => {
    const x = tensor([1, 2]);
    const y = x.add(1);
    x.dispose();
    await expect(y.data()).rejects.toThrow(code('ERR_JEPA_DISPOSED'));
  });

  it('while values are on their way lets them arrive, and ends the tensor all the same', async () => {
    const x = tensor([1]).add(1);
    const pending = x.data();
    x.dispose();
    expect(await pending).toEqual(Float32Array.of(2));
    expect(x.host).toBeUndefined();
    await expect(x.data()).rejects.toThrow(code('ERR_JEPA_DISPOSED'));
  });

  it('ends a variable and leaves others that had its values', async () => {
    const start = tensor([1, 2]);
    const [a, b] = [variable(start), variable(start)];
    await a.add(1).data();
    a.dispose();
    expect(String(a)).toBe('Variable(float32 [2], disposed)');
    for (const use of [() => a.read(), () => a.write(new Float32Array(2)), () => a.data()])
      await expect(use()).rejects.toThrow(code('ERR_JEPA_DISPOSED'));
    expect(() => a.add(1)).toThrow(code('ERR_JEPA_DISPOSED'));
    expect(await b.toArray()).toEqual([1, 2]);
  });
});

describe('errors', () => {
  it('name the op, both shapes, and the line of the caller', () => {
    const bad = () => add(zeros([2, 3]), zeros([4, 5]));
    expect(bad).toThrow(code('ERR_JEPA_SHAPE'));
    expect(bad).toThrow(/^\[add\] expected .*\[2, 3\].*\[4, 5\][\s\S]*at .*tensor\.test\.ts:\d+:\d+/);
  });

  it('of an evaluation reject, and the tensor can be asked again', async () => {
    const rows = gatherRows(tensor([[1], [2]]), tensor([5], { dtype: 'int32' }));
    for (const _ of [1, 2]) await expect(rows.data()).rejects.toThrow(code('ERR_JEPA_INDEX_RANGE'));
  });
});

it('a variable takes the dtype of its values', () => {
  expect(variable(Int32Array.of(1, 2)).dtype).toBe('int32');
  expect(variable(Uint8Array.of(1, 2)).dtype).toBe('uint8');
  expect(variable(Float32Array.of(1, 2)).dtype).toBe('float32');
  expect(variable(Uint8Array.of(1, 0), { dtype: 'bool' }).dtype).toBe('bool');
});
