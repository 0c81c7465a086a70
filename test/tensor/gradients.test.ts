import { describe, expect, it } from 'vitest';
import { argmax, attention, cast, gatherRows, greater, layerNorm, mul, sum, topK, where } from '#lib/ops/index.js';
import { adamW } from '#lib/optim/index.js';
import { compile, grad, stopGradient, type Tensor, tensor, valueAndGrad, variable } from '#lib/tensor/index.js';

const code = (name: string) => expect.objectContaining({ code: name });
const weights = (...values: number[]) => variable(Float32Array.from(values));

describe('grad', () => {
  it('gives gradients as tensors that compute like others, inside compile and outside', async () => {
    const w = weights(1, 2, 3);
    const of = (): Tensor => grad(sum(mul(mul(w, w), w)), [w]).get(w) as Tensor;
    expect(await of().toArray()).toEqual([3, 12, 27]);
    expect(await (await compile(of)()).toArray()).toEqual([3, 12, 27]);
  });

  it('adds up what comes along several ways, and goes through itself again', async () => {
    const x = tensor([2]);
    const y = x.mul(x).mul(x); // x³
    const first = grad(sum(y), [x]).get(x) as Tensor;
    const second = grad(sum(first), [x]).get(x) as Tensor;
    expect([await first.item(), await second.item()]).toEqual([12, 12]); // 3x², 6x
    expect(
      await grad(sum(x.add(x).mul(x)), [x])
        .get(x)
        ?.item(),
    ).toBe(8); // 4x
  });

  it('is of any scalar on the way, by tensors and variables alike', async () => {
    const x = tensor([1, 2]);
    const y = x.mul(3);
    const gradients = grad(sum(y.mul(y)), [x, y]);
    expect(await gradients.get(y)?.toArray()).toEqual([6, 12]);
    expect(await gradients.get(x)?.toArray()).toEqual([18, 36]);
  });

  it('has no entry for what the loss does not depend on, which is not a gradient of zero', async () => {
    const [used, unused, stopped, zeroed] = [weights(1), weights(1), weights(1), weights(1)];
    const gradients = grad(sum(used.add(stopGradient(stopped)).add(zeroed.mul(0))), [used, unused, stopped, zeroed]);
    expect([...gradients.keys()]).toEqual([used, zeroed]);
    expect(await gradients.get(zeroed)?.item()).toBe(0);
  });

  it('does not flow through comparisons, indices and integers', async () => {
    const x = tensor([1, 3, 2]);
    const loss = sum(where(greater(x, 2), mul(x, x), x)).add(sum(cast(argmax(x), 'float32')));
    expect(await grad(loss, [x]).get(x)?.toArray()).toEqual([1, 6, 1]);
    const { values, indices } = topK(x, 2);
    expect(
      await grad(sum(values.mul(tensor([10, 20]))), [x])
        .get(x)
        ?.toArray(),
    ).toEqual([0, 10, 20]);
    expect(grad(sum(cast(indices, 'float32')), [x]).size).toBe(0);
    const table = tensor([[1], [2], [3]]);
    const rows = gatherRows(table, tensor([2, 2], { dtype: 'int32' }));
    expect(await grad(sum(rows), [table]).get(table)?.toArray()).toEqual([[0], [0], [2]]);
  });

  it('of a chain of thousands does not overflow the stack', async () => {
    const x = tensor([1]);
    let y: Tensor = x;
    for (let i = 0; i < 5000; i++) y = y.add(x);
    expect(await grad(sum(y), [x]).get(x)?.item()).toBe(5001);
  });

  it('of a loss that is no float scalar is refused', () => {
    expect(() => grad(tensor([1, 2]), [])).toThrow('[grad] expected a scalar float loss, got float32 [2]');
    expect(() => grad(tensor([1], { dtype: 'int32' }), [])).toThrow(code('ERR_JEPA_SHAPE'));
    expect(() => valueAndGrad(() => ({ lss: tensor([1]) }) as never, [])).toThrow(
      '[valueAndGrad] expected the function to return a tensor, or an object with the loss under `loss`',
    );
  });

  it('of NaN is NaN, and elsewhere untouched', async () => {
    const x = tensor([Number.NaN, 1]);
    expect(
      await grad(sum(mul(x, x)), [x])
        .get(x)
        ?.toArray(),
    ).toEqual([Number.NaN, 2]);
  });
});

describe('second derivatives', () => {
  it.each([
    ['layer_norm_gradient', (x: Tensor) => layerNorm(x, undefined, undefined)],
    [
      'attention_gradient',
      (x: Tensor) => attention(x.reshape([1, 1, 2, 2]), x.reshape([1, 1, 2, 2]), x.reshape([1, 1, 2, 2])),
    ],
  ])('of %s throw, naming the op and the line', (name, forward) => {
    const x = tensor([
      [1, 2],
      [3, 5],
    ]);
    const once = grad(sum(mul(forward(x), forward(x))), [x]).get(x) as Tensor;
    const twice = () => grad(sum(mul(once, once)), [x]);
    expect(twice).toThrow(code('ERR_JEPA_NOT_DIFFERENTIABLE'));
    expect(twice).toThrow(
      new RegExp(
        `^\\[${name}\\] expected an op with a gradient: this one cannot be differentiated\\n {4}at .*gradients\\.test\\.ts:\\d+:\\d+$`,
      ),
    );
  });
});

describe('parameters without a gradient', () => {
  it('are left alone by AdamW, while a gradient of zero decays', async () => {
    const [used, unused, zeroed] = [weights(1, 1), weights(1, 1), weights(1, 1)];
    const optimiser = adamW([used, unused, zeroed], { weightDecay: 0.5 });
    const step = compile(() => {
      const { gradients } = valueAndGrad(() => sum(used.add(zeroed.mul(0))), [used, unused, zeroed]);
      optimiser.update(gradients, { learningRate: 0.1 });
    });
    await step();
    expect(await unused.toArray()).toEqual([1, 1]);
    expect(unused.version).toBe(0);
    // p·(1 − lr·λ) − lr·m̂/(√v̂ + ε), with m̂/√v̂ = 1 for a constant gradient and 0 for none
    for (const [parameter, expected] of [
      [zeroed, 0.95],
      [used, 0.85],
    ] as const)
      expect((await parameter.read())[0]).toBeCloseTo(expected, 6);
  });
});
