// What compile's quantize does: which layers round to 8 bits, which do not, how far results stray, and that gradients are refused.
import { describe, expect, it } from 'vitest';
import { GRUCell, Linear, MLP, Sequential, VisionTransformer } from '#lib/nn/index.js';
import { add, conv2d, gelu, linear, matmul, mean, normal, reshape, sum } from '#lib/ops/index.js';
import { type CompileOptions, compile, grad, stopGradient, type Tensor, tensor, variable } from '#lib/tensor/index.js';

const int8 = { quantize: 'int8' } as const;
const values = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + phase) + Math.cos(0.3 * i * phase));
const x = tensor(values(33 * 63, 2), { shape: [33, 63] });
const weight = variable(values(40 * 63, 1), { shape: [40, 63], name: 'w' });

async function bits(result: Promise<Tensor>): Promise<number[]> {
  return [...new Uint32Array((await (await result).data()).slice().buffer)];
}

/** Root mean square of the difference, of that of the expected values. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let wrong = 0;
  let all = 0;
  for (let i = 0; i < expected.length; i++) {
    wrong += (actual[i] - expected[i]) ** 2;
    all += expected[i] ** 2;
  }
  return Math.sqrt(wrong / all);
}

describe("quantize 'int8'", () => {
  it('is what the option of linear does, layers of modules included', async () => {
    const layer = new Linear(63, 40, { seed: 1 });
    const policy = bits(compile((input: Tensor) => layer.forward(input), int8)(x));
    const own = compile((input: Tensor) => linear(input, layer.weight, layer.bias, int8));
    expect(await policy).toEqual(await bits(own(x)));
    expect(await policy).not.toEqual(await bits(compile((input: Tensor) => layer.forward(input))(x)));
  });

  it('leaves a layer alone that says so, products and convolutions', async () => {
    const exact = new Linear(63, 40, { seed: 1, quantize: 'none' });
    const rounded = new Linear(63, 40, { seed: 1, quantize: 'int8' });
    const pixels = tensor(values(2 * 5 * 5 * 3, 1), { shape: [2, 5, 5, 3] });
    const kernel = variable(values(4 * 3 * 9, 2), { shape: [4, 3, 3, 3], name: 'kernel' });
    const functions = [
      () => exact.forward(x),
      () => matmul(x, weight, { transposeB: true }),
      () => conv2d(pixels, kernel, undefined, { layout: 'NHWC' }),
    ];
    for (const fn of functions) expect(await bits(compile(fn, int8)())).toEqual(await bits(compile(fn)()));
    const either = () => rounded.forward(x);
    expect(await bits(compile(either)())).toEqual(await bits(compile(either, int8)()));
    expect(await bits(compile(either)())).not.toEqual(await bits(compile(() => exact.forward(x))()));
  });

  it('goes for recurrent cells', async () => {
    const cell = new GRUCell(63, 16, { seed: 1 });
    const h = tensor(values(33 * 16, 3), { shape: [33, 16] });
    const program = await compile((a: Tensor, b: Tensor) => cell.forward(a, b), int8).program(x, h);
    expect(String(program).match(/ linear_int8\(/g)).toHaveLength(2);
  });

  it('rounds and packs weights once, and again when they change', async () => {
    const own = variable(values(40 * 64, 1), { shape: [40, 64], name: 'w' });
    const forward = compile((input: Tensor) => linear(input, own), int8);
    const input = tensor(values(3 * 64, 2), { shape: [3, 64] });
    const first = await (await forward(input)).data();
    const packed = (await forward.profile(input)).kernels.find(({ op }) => op === 'linear_int8_pack');
    expect(packed?.microseconds).toBe(0); // kept
    await own.write((await own.read()).map((value) => 2 * value) as Float32Array);
    expect([...(await (await forward(input)).data())]).toEqual([...first].map((value) => 2 * value));
  });

  it('applies activations, with the same bits as apart', async () => {
    const layer = (passes: CompileOptions['passes']) =>
      compile((input: Tensor) => gelu(linear(input, weight)), { ...int8, passes });
    const expected = await bits(layer({})(x));
    expect(String(await layer({}).program(x))).not.toMatch(/gelu/);
    for (const passes of [{ epilogue: false }, { hoist: false }, { share: false, hoist: false, fuse: false }])
      expect(await bits(layer(passes)(x)), JSON.stringify(passes)).toEqual(expected);
    expect(String(await layer({ epilogue: false }).program(x))).toMatch(/gelu/);
  });

  const residual = tensor(values(33 * 40, 5), { shape: [33, 40] });
  it.each([
    ['a residual', (y: Tensor) => [add(y, residual)], true],
    ['an activation, then a residual', (y: Tensor) => [add(residual, gelu(y))], true],
    ['an activation whose sums are returned too', (y: Tensor) => [gelu(y), y], false],
    ['a residual that is stretched', (y: Tensor) => [add(y, reshape(mean(residual, { axes: [0] }), [1, 40]))], false],
  ] as const)('adds residuals, with the same bits as apart: %s', async (_, of, taken) => {
    const layer = (epilogue: boolean) =>
      compile((input: Tensor) => of(linear(input, weight)), { ...int8, passes: { epilogue } });
    const results = [await layer(true)(x), await layer(false)(x)];
    for (const [i, y] of results[0].entries()) expect([...(await y.data())]).toEqual([...(await results[1][i].data())]);
    const kernels = (await layer(true).profile(x)).kernels.map(({ op }) => op);
    expect(kernels.some((op) => /add|gelu/.test(op))).toBe(!taken);
  });

  it('keeps the tokens of a vision transformer within 2 %', async () => {
    const options = {
      imageSize: 32,
      patchSize: 8,
      width: 64,
      depth: 6,
      heads: 4,
      initialiser: 'kaimingUniform',
    } as const;
    const model = new VisionTransformer({ ...options, seed: 1 }).eval();
    const pixels = normal([4, 3, 32, 32], { seed: 3, stream: 'pixels' });
    const forward = (given: Tensor) => model.forward(given);
    const exact = await (await compile(forward)(pixels)).data();
    const rounded = await (await compile(forward, int8)(pixels)).data();
    const error = relativeError(rounded, exact);
    console.log(`root mean square of the error of tokens: ${error}`);
    expect(error).toBeGreaterThan(1e-4); // it does round
    expect(error).toBeLessThan(0.02);
  });
});

describe('gradients through it', () => {
  const refused = (wrt: 'input' | 'weight' | 'bias') => () => {
    const bias = variable(values(40, 3), { shape: [40], name: 'b' });
    const step = compile((input: Tensor) => {
      const loss = sum(linear(input, weight, bias, int8));
      return grad(loss, [{ input, weight, bias }[wrt]]).get(weight) ?? loss;
    });
    return step(x);
  };
  it.each(['input', 'weight', 'bias'] as const)('with respect to the %s are refused', async (wrt) => {
    await expect(refused(wrt)()).rejects.toMatchObject({
      code: 'ERR_JEPA_NOT_DIFFERENTIABLE',
      message: expect.stringContaining(
        "[linear] expected no gradient through a layer with quantize: 'int8', whose rounding has none",
      ),
      help: [
        "train without it, and give { quantize: 'int8' } to the compile of the forward pass alone",
        "layers that a loss passes through can be left out: { quantize: 'none' }",
      ],
    });
  });

  it('are not asked for behind stopGradient, nor of layers that are left out', async () => {
    const head = new Linear(40, 2, { seed: 1, quantize: 'none' });
    const body = new Sequential(new Linear(63, 40, { seed: 2 }), new MLP(40, 80, 40, { seed: 3 }));
    const step = compile((input: Tensor) => {
      const loss = sum(head.forward(stopGradient(body.forward(input))));
      return grad(loss, [head.weight]).get(head.weight) as Tensor;
    }, int8);
    expect((await step(x)).shape).toEqual([2, 40]);
  });
});

it.each(['int4', '', true, 8])('refuses to quantize to %s', (quantize) => {
  const make = () => compile((given: Tensor) => given, { quantize: quantize as 'int8' });
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT' }));
  expect(make).toThrow(`[compile] expected quantize to be 'int8' or 'none', got '${quantize}'`);
  const layer = () => new Linear(2, 2, { quantize: quantize as 'int8' });
  expect(layer).toThrow(`[Linear] expected quantize to be 'int8' or 'none', got '${quantize}'`);
});
