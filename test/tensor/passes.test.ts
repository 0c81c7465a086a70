import { beforeAll, describe, expect, it } from 'vitest';
import { mse } from '#lib/nn/losses/index.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { conv2d, gelu, mean, normal, square, sub, uniform } from '#lib/ops/index.js';
import { adamW, Ema } from '#lib/optim/index.js';
import {
  compile,
  type Passes,
  type Precision,
  scalar,
  stopGradient,
  type Tensor,
  valueAndGrad,
} from '#lib/tensor/index.js';

interface Trained {
  readonly losses: readonly number[];
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly kernels: readonly string[];
  /** Kernels that run together with others. */
  readonly grouped: number;
  /** Kernels that did not run: what they compute was kept from an earlier run. */
  readonly idle: number;
}

const options = { imageSize: 16, patchSize: 4, width: 32, depth: 2, heads: 2, channels: 1 };

/**
 * Three steps of predicting a moving target's embeddings of two images from each other's: AdamW with clipping, and an average
 * of the weights as target. The encoder runs on both images, and needlessly twice on one.
 */
async function train(passes: Partial<Passes>): Promise<Trained> {
  const model = new VisionTransformer({ ...options, seed: 1, name: 'model' });
  const target = new VisionTransformer({ ...options, seed: 1, name: 'target' });
  const ema = new Ema(model, { target });
  const optimiser = adamW(model.parameters(), { clipNorm: 1, weightDecay: 0.1 });
  const step = compile(
    (x: Tensor, y: Tensor, rate: Tensor) => {
      const { value: loss, gradients } = valueAndGrad(() => {
        const forth = mse(model.forward(x), stopGradient(target.forward(y)));
        const back = mse(model.forward(y), stopGradient(target.forward(x)));
        return forth.add(back).add(mean(square(sub(model.forward(x), x.mean()))).mul(0.1));
      }, model.parameters());
      const { gradNorm } = optimiser.update(gradients, { learningRate: rate });
      ema.update({ momentum: 0.9 });
      return { loss, gradNorm };
    },
    { passes },
  );
  const losses: number[] = [];
  const image = (stream: string, n: number): Tensor => uniform([3, 1, 16, 16], { seed: 5, step: n, stream });
  for (let n = 0; n < 3; n++) {
    const { loss, gradNorm } = await step(image('x', n), image('y', n), scalar(1e-3));
    losses.push(await loss.item(), await gradNorm.item());
  }
  const weights = new Map<string, Float32Array>();
  for (const module of [model, target])
    for (const variable of module.parameters()) weights.set(variable.name, (await variable.read()) as Float32Array);
  const { kernels } = await step.profile(image('x', 0), image('y', 0), scalar(0));
  return {
    losses,
    weights,
    kernels: kernels.map(({ op }) => op),
    grouped: kernels.filter(({ group }) => group !== undefined).length,
    idle: kernels.filter(({ microseconds }) => microseconds === 0).length,
  };
}

const count = ({ kernels }: Trained, name: string): number => kernels.filter((op) => op === name).length;
/** What the program has more of without a pass: a sign that the pass does something here. */
const signs: Record<Exclude<keyof Passes, 'windows' | 'flipKernels'>, (all: Trained, without: Trained) => void> = {
  fuse: (all, without) => expect(without.kernels.length).toBeGreaterThan(2 * all.kernels.length),
  share: (all, without) => expect(count(without, 'attention')).toBe(count(all, 'attention') + 2),
  mergeSums: (all, without) => expect(count(without, 'matmul')).toBeGreaterThan(count(all, 'matmul')),
  pack: (all, without) => expect([count(without, 'matmul_pack'), count(all, 'matmul_pack') > 0]).toEqual([0, true]),
  epilogue: (all, without) => {
    expect([count(without, 'gelu_erf'), count(all, 'gelu_erf')]).toEqual([8, 0]);
    expect(count(all, 'add')).toBeLessThan(count(without, 'add'));
  },
  inPlace: (all, without) => expect(count(without, 'copy')).toBeGreaterThan(count(all, 'copy')),
  rowBlocks: (_all, without) => expect(without.grouped).toBe(0),
  hoist: (all, without) => expect(without.idle < all.idle).toBe(true),
  place: (all, without) => expect(count(without, 'copy')).toBeGreaterThan(count(all, 'copy')),
};

describe('a step of a model gives the same without', () => {
  let all: Trained;
  beforeAll(async () => {
    all = await train({});
  });

  it.each(['fuse', 'share', 'pack', 'epilogue', 'inPlace', 'hoist', 'place', 'rowBlocks'] as const)(
    '%s, bit for bit',
    async (pass) => {
      const without = await train({ [pass]: false });
      signs[pass](all, without);
      expect(without.losses).toEqual(all.losses);
      expect(without.weights).toEqual(all.weights);
    },
  );

  it('and takes each parameter with its moments and its average through memory once', () => {
    const updates = all.kernels.filter((op) => /^mul sub mul add .* sqrt .* div sub sub mul add$/.test(op));
    expect(updates.length).toBe(all.weights.size / 2);
    expect(all.kernels.filter((op) => op.includes('sqrt')).length).toBe(updates.length + 2); // the norm, the steps' corrections
  });

  it('mergeSums, which adds in another order', async () => {
    const without = await train({ mergeSums: false });
    signs.mergeSums(all, without);
    agree(without, all);
  });

  it('any of them', async () => {
    agree(
      await train({
        fuse: false,
        share: false,
        mergeSums: false,
        pack: false,
        epilogue: false,
        inPlace: false,
        hoist: false,
        rowBlocks: false,
      }),
      all,
    );
  });
});

describe('convolutions give the same without', () => {
  /** Loss and gradients of convolutions of 3, 16 and 20 channels, one of them with two steps at a time, and the kernels of that. */
  async function convolve(precision: Precision, passes: Partial<Passes>) {
    const layers = [
      { shape: [16, 3, 3, 3], stride: 1, padding: 1, dilation: 1 },
      { shape: [20, 16, 3, 2], stride: 1, padding: [1, 0], dilation: [1, 2] },
      { shape: [18, 20, 2, 3], stride: 2, padding: 1, dilation: 1 },
      { shape: [16, 18, 3, 3], stride: 1, padding: 2, dilation: 1 },
    ] as const;
    const step = compile(
      (x: Tensor, ...weights: Tensor[]) => {
        const forward = (): Tensor => {
          let y = x;
          for (const [index, { shape: _, ...options }] of layers.entries())
            y = gelu(conv2d(y, weights[index], undefined, { layout: 'NHWC', ...options }));
          return mean(square(y));
        };
        const { value, gradients } = valueAndGrad(forward, weights);
        return [value, ...gradients.values()];
      },
      { passes, precision },
    );
    const weights = layers.map(({ shape }, index) => normal(shape, { std: 0.2, seed: 3, step: index }));
    const inputs = [uniform([9, 9, 8, 3], { seed: 4 }), ...weights] as const;
    const results = await Promise.all((await step(...inputs)).map((result) => result.data() as Promise<Float32Array>));
    const { kernels } = await step.profile(...inputs);
    const count = (name: string): number => kernels.filter(({ op }) => op === name).length;
    return { results, written: count('im2col'), added: count('col2im') };
  }

  it.each(['float32', 'bfloat16'] as const)('windows that products gather, in %s, bit for bit', async (precision) => {
    const [all, without] = [await convolve(precision, {}), await convolve(precision, { windows: false })];
    expect([all.written, without.written]).toEqual([1, 4]); // those of three channels are written out either way
    expect(all.results).toEqual(without.results);
  });

  it.each(['float32', 'bfloat16'] as const)('kernels turned around, in %s, up to rounding', async (precision) => {
    const [all, without] = [await convolve(precision, {}), await convolve(precision, { flipKernels: false })];
    expect([all.added, without.added]).toEqual([1, 3]); // that of stride 2
    for (const [index, result] of all.results.entries()) {
      const largest = Math.max(...without.results[index].map(Math.abs));
      const off = Math.max(...result.map((value, k) => Math.abs(value - without.results[index][k])));
      expect(off / largest).toBeLessThan(precision === 'float32' ? 2e-6 : 2e-3); // gradients between layers are rounded anew
    }
  });
});

/**
 * Equal up to rounding. AdamW divides a gradient by its own size: where it is nearly zero, its rounding alone can move a weight by
 * up to a learning rate, 1e-3, in each of the three steps.
 */
function agree(a: Trained, b: Trained): void {
  for (const [i, loss] of a.losses.entries()) expect(loss / b.losses[i]).toBeCloseTo(1, 4);
  expect([...a.weights.keys()]).toEqual([...b.weights.keys()]);
  const differences = [...a.weights].flatMap(([name, values]) =>
    Array.from(values, (value, i) => Math.abs(value - (b.weights.get(name)?.[i] ?? Number.NaN))),
  );
  expect(Math.max(...differences)).toBeLessThan(3e-3);
  expect(differences.filter((difference) => !(difference < 1e-6)).length / differences.length).toBeLessThan(0.01);
}
