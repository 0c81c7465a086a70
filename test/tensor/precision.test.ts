// What compile's precision does: which products round their operands, which never do, and how far training strays.
import { describe, expect, it } from 'vitest';
import { VisionTransformer } from '#lib/nn/index.js';
import { covarianceLoss, infoNCE, mse, ntXent, sigreg } from '#lib/nn/losses/index.js';
import { attention, conv2d, gelu, linear, matmul, mean, normal, relu, reshape, square, sum } from '#lib/ops/index.js';
import { adamW } from '#lib/optim/index.js';
import {
  type CompileOptions,
  checkpoint,
  compile,
  grad,
  scalar,
  type Tensor,
  tensor,
  type Variable,
  valueAndGrad,
  variable,
} from '#lib/tensor/index.js';
import { bfloat16, nearestBits, numberOf } from './rounding.js';

const low = { precision: 'bfloat16' } as const;
const round = (x: number): number => numberOf(nearestBits(x, bfloat16), bfloat16);
const values = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + phase) + Math.cos(0.3 * i * phase));

/** Σ_k a(i, k)·b(k, j) in float64. */
function product(
  [m, k, n]: readonly [number, number, number],
  a: (i: number, p: number) => number,
  b: (p: number, j: number) => number,
): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let y = 0;
    for (let p = 0; p < k; p++) y += a(Math.floor(at / n), p) * b(p, at % n);
    return y;
  });
}

async function close(actual: Tensor, expected: readonly number[], allowed = 1e-5): Promise<void> {
  const scale = Math.max(...expected.map(Math.abs));
  const data = await actual.data();
  expect(data.length).toBe(expected.length);
  expect(Math.max(...expected.map((y, i) => Math.abs(y - data[i])))).toBeLessThanOrEqual(allowed * scale);
}

async function bits(result: Promise<Tensor>): Promise<number[]> {
  return [...new Uint32Array((await (await result).data()).slice().buffer)];
}

describe("precision 'bfloat16' rounds the operands of", () => {
  const [m, k, n] = [6, 37, 11];
  const [x, w, dy] = [values(m * k, 1), values(n * k, 2), values(m * n, 3)];

  it('a linear layer and its gradients, and keeps the bias and sums as they are', async () => {
    const bias = values(n, 4);
    const layer = compile((input: Tensor, weight: Tensor, b: Tensor) => {
      const y = linear(input, weight, b);
      const loss = sum(y.mul(tensor(dy, { shape: [m, n] })));
      const found = grad(loss, [input, weight, b]);
      return { y, gradients: [input, weight, b].map((wrt) => found.get(wrt) as Tensor) };
    }, low);
    const { y, gradients } = await layer(
      tensor(x, { shape: [m, k] }),
      tensor(w, { shape: [n, k] }),
      tensor(bias, { shape: [n] }),
    );
    const at = (data: Float32Array, row: number) => (i: number, j: number) => round(data[i * row + j]);
    const turned = (data: Float32Array, row: number) => (i: number, j: number) => round(data[j * row + i]);
    const sums = product([m, k, n], at(x, k), turned(w, k));
    await close(
      y,
      sums.map((value, i) => value + bias[i % n]),
    );
    await close(gradients[0], product([m, n, k], at(dy, n), at(w, k)));
    await close(gradients[1], product([n, m, k], turned(dy, n), at(x, k)));
    await close(
      gradients[2],
      product(
        [1, m, n],
        () => 1,
        (i, j) => dy[i * n + j],
      ),
    );
  });

  it('a convolution', async () => {
    const [picture, kernel] = [values(3 * 5 * 5 * 2, 1), values(4 * 2 * 9, 2)];
    const options = { padding: 1, layout: 'NHWC' } as const;
    const shapes = [{ shape: [3, 5, 5, 2] }, { shape: [4, 2, 3, 3] }];
    const conv = (a: Tensor, b: Tensor): Tensor => conv2d(a, b, undefined, options);
    const given = await compile(conv, low)(tensor(picture, shapes[0]), tensor(kernel, shapes[1]));
    const exact = await compile(conv)(tensor(picture.map(round), shapes[0]), tensor(kernel.map(round), shapes[1]));
    await close(given, [...(await exact.data())]);
  });

  it('attention, as its own option does', async () => {
    const inputs = [1, 2, 3].map((phase) => tensor(values(2 * 2 * 9 * 8, phase), { shape: [2, 2, 9, 8] }));
    const by = (options: CompileOptions, own?: 'bfloat16' | 'float32') =>
      bits(
        compile((q: Tensor, k: Tensor, v: Tensor) => {
          const y = attention(q, k, v, { precision: own });
          return grad(sum(square(y)), [q]).get(q) as Tensor;
        }, options)(inputs[0], inputs[1], inputs[2]),
      );
    const [policy, option, pinned, plain] = await Promise.all([
      by(low),
      by({}, 'bfloat16'),
      by(low, 'float32'),
      by({ precision: 'float32' }),
    ]);
    expect(policy).toEqual(option);
    expect(pinned).toEqual(plain);
    expect(policy).not.toEqual(plain);
  });

  it('what a checkpointed function computes again', async () => {
    const input = tensor(values(m * k, 1), { shape: [m, k] });
    const by = (wrap: (fn: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) =>
      bits(
        compile((given: Tensor) => {
          const block = wrap((z) => gelu(matmul(matmul(z, given, { transposeB: true }), given)));
          return grad(sum(square(block(given))), [given]).get(given) as Tensor;
        }, low)(input),
      );
    expect(await by(checkpoint)).toEqual(await by((fn) => fn));
  });
});

describe('stays float32 under bfloat16:', () => {
  const z = tensor(values(12 * 8, 1), { shape: [12, 8] });
  it.each([
    ['SIGReg', (x: Tensor) => sigreg(x, { directions: 8, seed: 1 })],
    ['the covariance of VICReg', (x: Tensor) => covarianceLoss(x)],
    ['InfoNCE', (x: Tensor) => infoNCE(x, x.mul(1.5).add(0.1), { symmetric: true })],
    ['NT-Xent', (x: Tensor) => ntXent(x, x.mul(1.5).add(0.1))],
    ['a product that says so', (x: Tensor) => sum(matmul(x, x, { transposeB: true, precision: 'float32' }))],
    ['a product outside of any function', () => outside],
  ] as const)('%s', async (_, loss) => {
    const both = (options: CompileOptions) =>
      bits(
        compile((x: Tensor) => {
          const value = loss(x);
          const gradient = grad(value, [x]).get(x);
          return gradient ? sum(gradient.mul(gradient)).add(value) : value;
        }, options)(z),
      );
    expect(await both(low)).toEqual(await both({}));
  });
  const outside = sum(square(matmul(z, z, { transposeB: true })));
});

it('activations and packing leave the bits of rounded products alone', async () => {
  const weight = variable(values(40 * 63, 1), { shape: [40, 63], name: 'w' });
  const x = tensor(values(33 * 63, 2), { shape: [33, 63] });
  const layer = (passes: CompileOptions['passes']) =>
    compile((input: Tensor) => gelu(linear(input, weight)), { ...low, passes });
  const all = layer({});
  expect(String(await all.program(x))).not.toMatch(/gelu/);
  expect(String(await layer({ epilogue: false }).program(x))).toMatch(/gelu/);
  const expected = await bits(all(x));
  for (const passes of [{ epilogue: false }, { pack: false }, { epilogue: false, pack: false, hoist: false }])
    expect(await bits(layer(passes)(x)), JSON.stringify(passes)).toEqual(expected);
});

describe('weights', () => {
  it('are rounded and packed once, and again when they change', async () => {
    const weight = variable(values(40 * 64, 1), { shape: [40, 64], name: 'w' });
    const forward = compile((x: Tensor) => linear(x, weight), low);
    const x = tensor(values(3 * 64, 2), { shape: [3, 64] });
    const first = await (await forward(x)).data();
    const packed = (await forward.profile(x)).kernels.find(({ op }) => op === 'matmul_pack');
    expect(packed?.microseconds).toBe(0); // kept
    expect(String(await forward.program(x))).toMatch(/^=.*matmul_pack\(.*bfloat16 \[4096\] kept/m);
    await weight.write((await weight.read()).map((value) => 2 * value) as Float32Array);
    expect([...(await (await forward(x)).data())]).toEqual([...first].map((value) => 2 * value));
  });

  it('and gradients that they are updated with are float32', async () => {
    const weight = variable(Float32Array.of(1), { shape: [1, 1], name: 'w' });
    const step = compile((x: Tensor) => {
      const { gradients } = valueAndGrad(() => sum(linear(x, weight)), [weight]);
      adamW([weight], { weightDecay: 0 }).update(gradients, { learningRate: 2 ** -12 });
    }, low);
    for (let n = 0; n < 4; n++) await step(tensor([[1]]));
    // bfloat16 near 1 goes in steps of 2^-8: four updates of 2^-12 would be lost
    expect((await weight.read())[0]).toBeCloseTo(1 - 4 * 2 ** -12, 6);
  });
});

describe('training in bfloat16', () => {
  const distance = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...a.map((loss, i) => Math.abs(loss - b[i]) / b[i]));

  /** Loss after each of 200 updates, a running mean over ten: single batches scatter more than precisions differ. */
  async function curve(
    options: CompileOptions,
    model: () => { parameters: Iterable<Variable>; loss: (n: Tensor) => Tensor },
  ) {
    const { parameters, loss } = model();
    const optimiser = adamW(parameters, { clipNorm: 1 });
    const step = compile((n: Tensor) => {
      const { value, gradients } = valueAndGrad(() => loss(n), parameters);
      optimiser.update(gradients, { learningRate: 1e-3 });
      return value;
    }, options);
    const losses: number[] = [];
    for (let n = 0; n < 200; n++) losses.push(await (await step(scalar(n, 'int32'))).item());
    return losses.map((_, n) => losses.slice(Math.max(0, n - 9), n + 1).reduce((a, b) => a + b) / Math.min(10, n + 1));
  }

  it('follows float32 within 1 % for 200 steps of a vision transformer', async () => {
    const transformer = () => {
      const options = { imageSize: 16, patchSize: 4, width: 32, depth: 2, heads: 2, channels: 1, seed: 1 };
      const model = new VisionTransformer({ ...options, name: 'vit' });
      const head = variable(
        values(32, 2).map((x) => 0.1 * x),
        { shape: [1, 32], name: 'head' },
      );
      return {
        parameters: [...model.parameters(), head],
        loss: (n: Tensor) => {
          const pixels = normal([8, 1, 16, 16], { seed: 3, step: n, stream: 'pixels' });
          const brightness = mean(reshape(pixels, [8, 4, 4, 4, 4]), { axes: [2, 4] });
          // Half of the deviation of the targets is noise, as no model predicts all of its data.
          const noise = normal([8, 16, 1], { seed: 3, step: n, stream: 'noise' });
          return mse(linear(model.forward(pixels), head), reshape(brightness.mul(4), [8, 16, 1]).add(noise.mul(0.5)));
        },
      };
    };
    const [plain, rounded] = [await curve({}, transformer), await curve(low, transformer)];
    console.log(`transformer: loss ${plain[0]} to ${plain[199]}, apart by ${distance(rounded, plain)}`);
    expect(plain[199]).toBeLessThan(0.5 * plain[0]);
    expect(rounded).not.toEqual(plain);
    expect(distance(rounded, plain)).toBeLessThan(0.01);
  });

  it('and of a small convolutional network', async () => {
    const network = () => {
      const kernel = variable(
        values(8 * 9, 1).map((x) => 0.2 * x),
        { shape: [8, 1, 3, 3], name: 'kernel' },
      );
      const head = variable(
        values(8, 2).map((x) => 0.2 * x),
        { shape: [1, 8], name: 'head' },
      );
      return {
        parameters: [kernel, head],
        loss: (n: Tensor) => {
          const pixels = normal([16, 1, 8, 8], { seed: 5, step: n, stream: 'pixels' });
          const features = mean(relu(conv2d(pixels, kernel, undefined, { padding: 1 })), { axes: [2, 3] });
          const energy = mean(square(pixels), { axes: [2, 3] });
          return mse(linear(features, head), energy);
        },
      };
    };
    const [plain, rounded] = [await curve({}, network), await curve(low, network)];
    console.log(`convolution: loss ${plain[0]} to ${plain[199]}, apart by ${distance(rounded, plain)}`);
    expect(plain[199]).toBeLessThan(0.5 * plain[0]);
    expect(rounded).not.toEqual(plain);
    expect(distance(rounded, plain)).toBeLessThan(0.01);
  });
});

it.each(['float16', 'int8', 32])('refuses the precision %s', (precision) => {
  const make = () => compile((x: Tensor) => x, { precision: precision as 'bfloat16' });
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT' }));
  expect(make).toThrow(`[compile] expected precision 'float32' or 'bfloat16', got '${precision}'`);
});
