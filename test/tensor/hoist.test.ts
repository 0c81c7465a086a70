import { describe, expect, it } from 'vitest';
import { Conv2d } from '#lib/nn/conv2d.js';
import { Linear } from '#lib/nn/linear.js';
import { linear, mean, normal, square, sum } from '#lib/ops/index.js';
import { sgd } from '#lib/optim/index.js';
import { assign, compile, type Tensor, tensor, valueAndGrad, variable } from '#lib/tensor/index.js';
import { memory } from '#lib/tensor/machine.js';

const numbers = (count: number, phase = 0): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i + phase));
const x = tensor(numbers(60), { shape: [3, 20] });

/** Lines of a program's printout by their mark. */
function steps(printed: string, mark: string): string[] {
  return printed
    .split('\n')
    .slice(1, -1)
    .filter((line) => line.startsWith(mark))
    .map((line) => line.replace(/^. *\d+ {2}/, '').split('(')[0]);
}

/** y = x·(2·W)ᵀ in float64. */
function expected(weight: ArrayLike<number>): number[] {
  const input = numbers(60);
  return Array.from({ length: 3 * 5 }, (_, at) => {
    const [row, column] = [Math.floor(at / 5), at % 5];
    let y = 0;
    for (let k = 0; k < 20; k++) y += input[row * 20 + k] * 2 * weight[column * 20 + k];
    return y;
  });
}

async function close(result: Promise<Tensor>, weight: ArrayLike<number>): Promise<void> {
  const got = await (await result).data();
  for (const [i, y] of expected(weight).entries()) expect(got[i]).toBeCloseTo(y, 4);
}

describe('what depends on unassigned variables alone', () => {
  it('is computed when they change, and only then', async () => {
    const w = variable(numbers(100), { shape: [5, 20] });
    const forward = compile((input: Tensor) => linear(input, w.mul(2)));
    await close(forward(x), numbers(100));
    const program = String(await forward.program(x));
    expect(steps(program, '=')).toEqual(['mul', 'matmul_pack']);
    expect(steps(program, ' ')).toEqual(['matmul']);
    expect((await forward.program(x)).keptBytes).toBeGreaterThanOrEqual(20 * 32 * 4);
    expect(program).toMatch(/0\.00 MB constants, 0\.00 MB kept between runs/);
    const { kernels } = await forward.profile(x);
    expect(kernels.map(({ microseconds }) => microseconds > 0)).toEqual([false, false, true]);
  });

  it('sees what is written, loaded and assigned by another program, in its order', async () => {
    const layer = new Linear(20, 5, { seed: 3, bias: false });
    const forward = compile((input: Tensor) => linear(input, layer.weight.mul(2)));
    await close(forward(x), await layer.weight.read());
    await layer.weight.write(numbers(100, 1));
    await close(forward(x), numbers(100, 1));
    await layer.loadStateDict(new Map([['weight', { dtype: 'float32', shape: [5, 20], data: numbers(100, 2) }]]));
    await close(forward(x), numbers(100, 2));
    const before = await layer.weight.read();
    const optimiser = sgd(layer.parameters());
    const train = compile(() => {
      const { gradients } = valueAndGrad(() => mean(square(layer.forward(x))), layer.parameters());
      optimiser.update(gradients, { learningRate: 1 });
    });
    const results = [forward(x), train(), forward(x), layer.weight.write(numbers(100, 3)), forward(x)];
    await Promise.all(results);
    await close(results[0] as Promise<Tensor>, before);
    await close(results[4] as Promise<Tensor>, numbers(100, 3));
    const halfway = await (await (results[2] as Promise<Tensor>)).data();
    expect(halfway).not.toEqual(await (await (results[0] as Promise<Tensor>)).data());
    expect(halfway).not.toEqual(await (await (results[4] as Promise<Tensor>)).data());
  });

  it('is not kept by a program that assigns the variable', async () => {
    const w = variable(numbers(100), { shape: [5, 20] });
    const step = compile((input: Tensor) => {
      const y = linear(input, w.mul(2));
      assign(w, w.add(1));
      return y;
    });
    await close(step(x), numbers(100));
    await close(
      step(x),
      numbers(100).map((value) => value + 1),
    );
    expect(steps(String(await step.program(x)), '=')).toEqual([]);
  });

  it('is not kept where it is much larger than what it comes from', async () => {
    const row = variable(numbers(1000), { shape: [1000] });
    const grow = compile((input: Tensor) => sum(row.reshape([1000, 1]).mul(row).mul(2).matmul(input)));
    const program = await grow.program(tensor(numbers(1000), { shape: [1000, 1] }));
    expect(program.keptBytes).toBe(0);
  });

  it('is the same, bit for bit, without the pass', async () => {
    const layer = new Conv2d(3, 8, 3, { seed: 1, layout: 'NHWC', padding: 1 });
    const picture = tensor(numbers(2 * 64 * 3), { shape: [2, 8, 8, 3] });
    const run = async (hoist: boolean) => {
      const noise = normal([8], { seed: 2, step: 0, stream: 'noise' });
      const forward = compile((input: Tensor) => layer.forward(input).add(noise), { passes: { hoist } });
      const values = [await (await forward(picture)).data(), await (await forward(picture)).data()];
      const program = await forward.program(picture);
      return { values, kept: program.keptBytes };
    };
    const [on, off] = [await run(true), await run(false)];
    expect(on.values).toEqual(off.values);
    expect([on.kept > 0, off.kept]).toEqual([true, 0]);
  });
});

describe('kept memory', () => {
  it('is counted with its program, and given back with it', async () => {
    const w = variable(numbers(320 * 320), { shape: [320, 320] });
    const forward = compile((input: Tensor) => linear(input, w));
    const input = tensor(numbers(320), { shape: [1, 320] });
    const { programBytes } = memory();
    await forward(input);
    const { keptBytes } = await forward.program(input);
    expect(keptBytes).toBeGreaterThanOrEqual(320 * 320 * 4);
    expect(memory().programBytes).toBe(programBytes + keptBytes + 2 * 320 * 4);
    forward.dispose();
    expect(memory().programBytes).toBe(programBytes);
  });
});
