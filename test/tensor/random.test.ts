import { describe, expect, it } from 'vitest';
import { Linear } from '#lib/nn/linear.js';
import { manualSeed, normal, permutation, randomBits, uniform } from '#lib/ops/index.js';
import { compile, scalar, type Tensor, tensor } from '#lib/tensor/index.js';

const key = (stream: string, step = 0) => ({ seed: 7, step, stream });

describe('random numbers', () => {
  it('depend on seed, stream and step, and on nothing else', async () => {
    const draw = async (seed: number, stream: string, step: number) =>
      JSON.stringify(await uniform([8], { seed, stream, step }).toArray());
    const draws = await Promise.all([draw(1, 'a', 0), draw(2, 'a', 0), draw(1, 'b', 0), draw(1, 'a', 1)]);
    expect(new Set(draws).size).toBe(4);
    expect(await draw(1, 'a', 0)).toBe(draws[0]);
  });

  it('are the same wherever in a program they are drawn, and by whatever name its variables go', async () => {
    const alone = compile(() => normal([5], key('noise')));
    const among = compile((x: Tensor) => {
      const first = uniform([3], key('other'));
      const second = normal([1000], key('more'));
      return { noise: normal([5], key('noise')), rest: x.add(first.sum()).add(second.sum()) };
    });
    const expected = await (await alone()).toArray();
    expect(await (await among(tensor([1]))).noise.toArray()).toEqual(expected);
    expect(await normal([5], key('noise')).toArray()).toEqual(expected);
  });

  it('of one key are drawn once, and have a beginning in common whatever the size', async () => {
    const twice = compile(() => [uniform([4], key('x')), uniform([4], key('x'))] as const);
    const [a, b] = await twice();
    expect(await a.toArray()).toEqual(await b.toArray());
    const [short, long] = [await randomBits([3], key('x')).data(), await randomBits([64], key('x')).data()];
    expect(long.slice(0, 3)).toEqual(short);
  });

  it('change with a step that is given as a tensor, without compiling again', async () => {
    const draw = compile((step: Tensor) => uniform([4], { seed: 1, step, stream: 'x' }));
    const rows: unknown[] = [];
    for (let n = 0; n < 3; n++) rows.push(await (await draw(scalar(n, 'int32'))).toArray());
    expect(draw.signatures).toBe(1);
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(3);
    for (let n = 0; n < 3; n++)
      expect(await uniform([4], { seed: 1, step: n, stream: 'x' }).toArray()).toEqual(rows[n]);
  });

  it('inside compile need a seed and a stream, and say so', async () => {
    for (const [draw, missing] of [
      [() => uniform([2]), 'no stream'],
      [() => normal([2], { stream: 'x' }), 'no seed'],
    ] as const) {
      await expect(compile(draw)()).rejects.toMatchObject({ code: 'ERR_JEPA_INVALID_ARGUMENT' });
      await expect(compile(draw)()).rejects.toThrow(`expected a seed and a stream inside compile, got ${missing}`);
    }
  });

  it('start initial weights by the path of the parameter, not by the order in which layers are made', async () => {
    const weight = async (layer: Linear): Promise<number[]> => [...(await layer.weight.read())];
    const first = await weight(new Linear(3, 2, { seed: 1, name: 'a' }));
    const other = await weight(new Linear(3, 2, { seed: 1, name: 'b' }));
    expect(other).not.toEqual(first);
    expect(await weight(new Linear(3, 2, { seed: 1, name: 'a' }))).toEqual(first);
    manualSeed(99);
    expect(await weight(new Linear(3, 2, { seed: 1, name: 'a' }))).toEqual(first);
  });

  it('permute every number once', async () => {
    const order = (await permutation(1000, key('p')).toArray()) as number[];
    expect(new Set(order).size).toBe(1000);
    expect(order.some((n, i) => n !== i)).toBe(true);
    expect(await permutation(0, key('p')).toArray()).toEqual([]);
  });
});
