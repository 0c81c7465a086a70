import { describe, expect, it } from 'vitest';
import { BatchNorm } from '#lib/nn/batch-norm.js';
import { Linear } from '#lib/nn/linear.js';
import { mse } from '#lib/nn/losses/index.js';
import { Module } from '#lib/nn/module.js';
import { Ema, sgd } from '#lib/optim/index.js';
import { compile, scalar, stopGradient, type Tensor, tensor, valueAndGrad } from '#lib/tensor/index.js';
import { close, normals } from '../nn/check-layer.js';

class Encoder extends Module {
  readonly linear = new Linear(3, 4, { name: 'encoder.linear' });
  readonly norm = new BatchNorm(4, { name: 'encoder.norm' });
  forward(x: Tensor): Tensor {
    return this.norm.forward(this.linear.forward(x));
  }
}

const batch = (step: number): Tensor => tensor(normals(`batch ${step}`, 15), { shape: [5, 3] });

describe('Ema', () => {
  it('averages the new parameters of each step, from the first ones', async () => {
    const encoder = new Encoder();
    const ema = new Ema(encoder);
    const optimiser = sgd(encoder.parameters());
    let expected = Float64Array.from(await encoder.linear.weight.read());
    const step = compile((x: Tensor, momentum: Tensor) => {
      const { gradients } = valueAndGrad(
        () => mse(encoder.forward(x), tensor(new Float32Array(20).fill(1), { shape: [5, 4] })),
        encoder.parameters(),
      );
      optimiser.update(gradients, { learningRate: 0.5 });
      ema.update({ momentum });
    });
    for (const [index, m] of [0.9, 0.99, 0.5, 0].entries()) {
      await step(batch(index), scalar(m));
      const now = await encoder.linear.weight.read();
      expected = expected.map((value, i) => m * value + (1 - m) * now[i]);
      close(`step ${index}`, (await ema.stateDict()).get('linear.weight')?.data ?? [], expected, 1e-6);
      expect((await ema.stateDict()).get('norm.running_mean')?.data).toEqual(await encoder.norm.runningMean.read()); // copied
    }
    const before = await ema.stateDict();
    expect(before.get('linear.weight')?.data).toEqual(await encoder.linear.weight.read()); // m = 0 copies
    await step(batch(9), scalar(1));
    expect((await ema.stateDict()).get('linear.weight')).toEqual(before.get('linear.weight')); // m = 1 keeps
    await ema.copyTo(encoder);
    expect(await encoder.linear.weight.read()).toEqual(before.get('linear.weight')?.data);
    await encoder.linear.weight.write(new Float32Array(12));
    await compile(() => ema.assignToSource())();
    expect(await encoder.linear.weight.read()).toEqual(before.get('linear.weight')?.data);
  });

  it('drives a target encoder that receives no gradient', async () => {
    const [encoder, target] = [new Encoder(), new Encoder()];
    await target.linear.weight.write(new Float32Array(12));
    const ema = new Ema(encoder, { target, buffers: 'ignore' });
    expect(target.parameters().every(({ trainable }) => !trainable)).toBe(true);
    expect((await ema.stateDict()).size).toBe(4);
    expect(await target.linear.weight.read()).toEqual(await encoder.linear.weight.read()); // starts equal
    const parameters = [...encoder.parameters(), ...target.parameters()];
    const optimiser = sgd(parameters);
    const step = compile((x: Tensor) => {
      const { gradients } = valueAndGrad(
        () => mse(encoder.forward(x), stopGradient(target.forward(x)).mul(2)),
        parameters,
      );
      optimiser.update(gradients, { learningRate: 0.5 });
      ema.update({ momentum: 0.75 });
    });
    const first = await encoder.linear.weight.read();
    await step(batch(0));
    const now = await encoder.linear.weight.read();
    close(
      'target',
      await target.linear.weight.read(),
      first.map((value, i) => 0.75 * value + 0.25 * now[i]),
      1e-6,
    );
    await encoder.linear.weight.write(new Float32Array(12).fill(7));
    await ema.reset();
    expect(await target.linear.weight.read()).toEqual(new Float32Array(12).fill(7));
  });

  it('refuses a target of another kind', () => {
    expect(() => new Ema(new Encoder(), { target: new Linear(3, 4) })).toThrow(
      "[Ema] expected a target with 'linear.weight' of shape [4, 3], got none",
    );
    expect(() => new Ema(new Linear(3, 4), { target: new Linear(3, 5) })).toThrow(
      "[Ema] expected a target with 'weight' of shape [4, 3], got [5, 3]",
    );
  });
});
