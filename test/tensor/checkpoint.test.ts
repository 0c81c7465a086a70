import { describe, expect, it } from 'vitest';
import { BatchNorm } from '#lib/nn/batch-norm.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { gelu, matmul, mean, mul, normal, sin, softmax, square, sum, tanh } from '#lib/ops/index.js';
import { sgd } from '#lib/optim/index.js';
import { checkpoint, compile, scalar, type Tensor, tensor, valueAndGrad, variable } from '#lib/tensor/index.js';
import { allPasses, type Passes } from '#lib/tensor/trace.js';

const numbers = (count: number, phase = 0): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 + phase));
const x = tensor(numbers(8 * 16), { shape: [8, 16] });
const weights = Array.from({ length: 6 }, (_, i) => variable(numbers(16 * 16, i), { shape: [16, 16], name: `w${i}` }));

type Wrap = typeof checkpoint;
const plain: Wrap = (fn) => fn;

/** Loss and gradients of a function of the weights, bit for bit, and the program that computed them. */
async function gradientsOf(loss: (wrap: Wrap, input: Tensor) => Tensor, wrap: Wrap, passes: Partial<Passes> = {}) {
  const step = compile(
    (input: Tensor) => {
      const { value, gradients } = valueAndGrad(() => loss(wrap, input), [...weights, input]);
      return { value, gradients: [...gradients.values()] };
    },
    { passes },
  );
  const { value, gradients } = await step(x);
  const bits = await Promise.all([value, ...gradients].map(async (each) => [...(await each.data())]));
  return { bits, program: await step.program(x) };
}

const layer = (input: Tensor, index: number): Tensor => gelu(softmax(matmul(input, weights[index])).mul(3));

const losses: Record<string, (wrap: Wrap, input: Tensor) => Tensor> = {
  'a chain': (wrap, input) => mean(square(weights.reduce((y, _, i) => wrap((z: Tensor) => layer(z, i))(y), input))),
  'nested calls': (wrap, input) =>
    mean(
      square(
        wrap((y: Tensor) => layer(wrap((z: Tensor) => wrap((u: Tensor) => layer(u, 0))(layer(z, 1)))(y), 2))(input),
      ),
    ),
  'trees in and out': (wrap, input) => {
    const pair = wrap(({ a, b }: { a: Tensor; b: readonly Tensor[] }, factor: number) => ({
      both: [matmul(a, b[0]), tanh(a).mul(factor)] as const,
    }));
    const { both } = pair({ a: input.mul(2), b: [weights[0]] }, 3);
    return sum(mul(both[0], both[1]));
  },
  'random numbers': (wrap, input) =>
    sum(
      wrap((y: Tensor) => mul(tanh(matmul(y, weights[0])), normal([8, 16], { seed: 3, stream: 'noise' })))(input).mul(
        input,
      ),
    ),
  'a call whose result is used twice': (wrap, input) => {
    const y = wrap((z: Tensor) => layer(z, 0))(input);
    return sum(mul(wrap((z: Tensor) => layer(z, 1))(y), y));
  },
};

describe('checkpoint', () => {
  for (const [name, loss] of Object.entries(losses)) {
    it(`gives gradients with the same bits: ${name}`, async () => {
      const [usual, again] = [await gradientsOf(loss, plain), await gradientsOf(loss, checkpoint)];
      expect(usual.bits.length).toBeGreaterThan(1);
      expect(again.bits).toEqual(usual.bits);
      expect(again.program.flops).toBeGreaterThan(usual.program.flops);
    });
  }

  it.each(Object.keys(allPasses))('gives the same bits without the pass %s', async (pass) => {
    for (const loss of Object.values(losses)) {
      const off = { [pass]: false };
      expect((await gradientsOf(loss, checkpoint, off)).bits).toEqual((await gradientsOf(loss, plain, off)).bits);
    }
  });

  it('works outside compile, and for gradients of gradients', async () => {
    const second = (wrap: Wrap): Promise<Tensor[]> => {
      const w = weights[0];
      const { gradients } = valueAndGrad(() => losses['a chain'](wrap, x), [w]);
      const first = gradients.get(w) as Tensor;
      const outer = valueAndGrad(() => sum(square(first)), [w]).gradients.get(w) as Tensor;
      return Promise.resolve([first, outer]);
    };
    const bits = async (wrap: Wrap) => Promise.all((await second(wrap)).map(async (each) => [...(await each.data())]));
    const [usual, again] = [await bits(plain), await bits(checkpoint)];
    expect(again[0]).toEqual(usual[0]);
    for (const [i, value] of again[1].entries()) expect(value).toBeCloseTo(usual[1][i], 5);
  });

  it('assigns once: running statistics move as without it', async () => {
    const statistics = async (wrap: Wrap): Promise<number[]> => {
      const norm = new BatchNorm(16);
      const step = compile(
        (input: Tensor) =>
          valueAndGrad(() => mean(square(wrap((y: Tensor) => tanh(norm.forward(y)))(input))), norm.parameters()).value,
      );
      await step(x);
      await step(x);
      return [norm.numBatchesTracked, norm.runningMean, norm.runningVar].reduce<Promise<number[]>>(
        async (all, each) => [...(await all), ...(await each.read())],
        Promise.resolve([]),
      );
    };
    const again = await statistics(checkpoint);
    expect(again[0]).toBe(2);
    expect(again).toEqual(await statistics(plain));
  });

  it('halves the memory of a transformer of depth 12, and more, whatever passes are off', async () => {
    const pixels = tensor(numbers(8 * 3 * 32 * 32), { shape: [8, 3, 32, 32] });
    const training = async (checkpointed: boolean, passes: Partial<Passes>) => {
      const model = new VisionTransformer({
        imageSize: 32,
        patchSize: 4,
        width: 32,
        depth: 12,
        heads: 2,
        seed: 0,
        name: 'vit',
        checkpoint: checkpointed,
      });
      const optimiser = sgd(model.parameters());
      const step = compile(
        (input: Tensor) => {
          const { value, gradients } = valueAndGrad(() => mean(square(model.forward(input))), model.parameters());
          optimiser.update(gradients, { learningRate: scalar(0.1) });
          return value;
        },
        { passes },
      );
      const program = await step.program(pixels);
      await step(pixels);
      const values = await Promise.all(model.parameters().map(async (each) => [...(await each.read())]));
      return { bytes: program.arenaBytes, values };
    };
    for (const passes of [{}, { fuse: false }, { rowBlocks: false }]) {
      const [usual, again] = [await training(false, passes), await training(true, passes)];
      console.log(`${JSON.stringify(passes)}: ${usual.bytes} bytes, ${again.bytes} with checkpoints`);
      expect(again.bytes * 2).toBeLessThan(usual.bytes);
      expect(again.values).toEqual(usual.values);
    }
  });

  it('computes elementwise results anew in the backward pass, not beside what they are computed from', async () => {
    const rows = tensor(numbers(2048 * 16), { shape: [2048, 16] });
    const bytes = async (wrap: Wrap): Promise<number> => {
      const part = (y: Tensor, w: Tensor): Tensor =>
        y.add(wrap((z: Tensor) => matmul(gelu(tanh(z)).mul(sin(z)), w))(y));
      const step = compile((input: Tensor) => {
        const { gradients } = valueAndGrad(() => mean(square(weights.reduce<Tensor>(part, input))), weights);
        return [...gradients.values()];
      });
      return (await step.program(rows)).arenaBytes;
    };
    const [usual, again] = [await bytes(plain), await bytes(checkpoint)];
    console.log(`elementwise: ${usual} bytes, ${again} with checkpoints`);
    expect(again).toBeLessThan(usual * 0.8);
  });

  it('refuses what is no function, and functions that return promises', () => {
    expect(() => checkpoint(3 as unknown as () => Tensor)).toThrow(
      expect.objectContaining({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[checkpoint] expected a function of tensors, got number',
      }),
    );
    expect(() => checkpoint(async () => x)()).toThrow(
      /^\[checkpoint\] expected a function that returns tensors, got one that returns a promise/,
    );
  });
});
