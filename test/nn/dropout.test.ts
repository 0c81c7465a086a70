// Dropout: what it drops is a function of seed, name and the number of the draw.
import { expect, it } from 'vitest';
import { Dropout } from '#lib/nn/dropout.js';
import { philox4x32 } from '#lib/nn/philox.js';
import { mul, ones, sum } from '#lib/ops/index.js';
import { streamKey } from '#lib/ops/random.js';
import { checkpoint, compile, type Tensor, tensor, valueAndGrad, variable } from '#lib/tensor/index.js';

const count = 1000;
const values = async (of: Promise<Tensor> | Tensor): Promise<number[]> =>
  Array.from((await (await of).data()) as Float32Array);

/** What draw `step` keeps of ones, from the generator's words: uniform numbers are their upper 24 bits. */
function expected(share: number, seed: number, name: string, step: number): number[] {
  const stream = streamKey(name);
  return Array.from({ length: count }, (_, i) => {
    const counter = [Math.floor(i / 4), step, Number(stream & 0xffffffffn), Number(stream >> 32n)];
    const word = philox4x32(counter, [seed, 0])[i % 4];
    return (word >>> 8) * 2 ** -24 < share ? 0 : Math.fround(1 / (1 - share));
  });
}

it('drops the same elements for equal seeds and names, others in every draw, and goes on where it was saved', async () => {
  const layer = new Dropout(0.3, { seed: 5, name: 'net.dropout' });
  const train = compile((x: Tensor) => layer.forward(x));
  const x = ones([count]);
  const [first, second] = [await values(train(x)), await values(train(x))];
  expect(first).toEqual(expected(0.3, 5, 'net.dropout', 0));
  expect(second).toEqual(expected(0.3, 5, 'net.dropout', 1));
  const kept = first.filter((value) => value !== 0).length;
  expect(Math.abs(kept - 700)).toBeLessThan(4 * Math.sqrt(count * 0.3 * 0.7));
  const resumed = new Dropout(0.3, { seed: 5, name: 'net.dropout' });
  await resumed.loadStateDict(await layer.stateDict());
  expect(await values(compile((y: Tensor) => resumed.forward(y))(x))).toEqual(await values(train(x)));
});

it('draws anew when it is used twice in a step, and not when a checkpoint computes again', async () => {
  const layer = new Dropout(0.5, { seed: 1, name: 'twice' });
  const twice = await compile((x: Tensor) => ({ a: layer.forward(x), b: layer.forward(x) }))(ones([count]));
  expect(await values(twice.a)).toEqual(expected(0.5, 1, 'twice', 0));
  expect(await values(twice.b)).toEqual(expected(0.5, 1, 'twice', 1));
  const w = variable(new Float32Array(count).fill(1), { name: 'w', shape: [count] });
  const block = checkpoint(() => mul(layer.forward(mul(w, w)), 3));
  const { y, dw } = await compile(() => {
    const { value, gradients } = valueAndGrad(() => ({ loss: sum(block()), y: block() }), [w]);
    return { y: value.y, dw: gradients.get(w) as Tensor };
  })();
  const kept = expected(0.5, 1, 'twice', 2);
  expect(await values(dw)).toEqual(kept.map((scale) => 6 * scale)); // d(3·s·w²) of the call that the loss is of
  expect(await values(y)).toEqual(expected(0.5, 1, 'twice', 3).map((scale) => 3 * scale));
});

it('is nothing in evaluation, and says what to do in training outside compile', async () => {
  const layer = new Dropout(0.5, { name: 'drop' });
  expect(() => layer.forward(tensor([1]))).toThrow(
    "[dropout] expected a layer in evaluation mode outside compile, got 'drop' in training",
  );
  const x = tensor([1, 2]);
  expect(layer.eval().forward(x)).toBe(x);
  expect(new Dropout(0).forward(x)).toBe(x);
  for (const share of [-0.1, 1, Number.NaN])
    expect(() => new Dropout(share)).toThrow(`[Dropout] expected a share from 0 to below 1, got ${share}`);
});
