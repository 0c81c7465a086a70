import { philox4x32 } from '#lib/nn/philox.js';
import * as ops from '#lib/ops/index.js';
import { type DType, grad, type Tensor, tensor } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import { given, values } from './differentiate.js';
import type { Family } from './index.js';

const golden = (call: GoldenCall, name: string): Float64Array => {
  const words = call.words.get(name);
  if (words) return Float64Array.from(words);
  const host = call.tensors.get(name);
  if (!host) throw new Error(`the case has no tensor '${name}'`);
  return numbersOf(host);
};

/** Conversions between dtypes, bit for bit. */
export const runCast: Family = async (call) => {
  const { to, then } = call.attributes as { to: DType; then?: DType };
  const bits = call.tensors.get('input.x_bits') ?? call.tensors.get('input.bits');
  const x = call.tensors.has('input.x')
    ? sourceOf(call, bits?.data as Int32Array | undefined)
    : tensor(Uint16Array.from(bits?.data as Int32Array), { dtype: 'bfloat16' });
  const y = ops.cast(x, to);
  const verdicts: Verdict[] = [];
  for (const name of call.outputs) {
    let actual: ArrayLike<number>;
    if (name === 'output.bits') actual = (await y.data()) as Uint16Array;
    else if (name === 'output.y_bits') actual = new Int32Array(((await y.data()) as Float32Array).buffer);
    else if (name === 'output.grad') {
      const gradients = grad(ops.sum(ops.mul(ops.cast(y, then as DType), given(call, 'input.cotangent'))), [x]);
      const gradient = await values(gradients.get(x) as Tensor);
      const expected = golden(call, name);
      // Passing the gradient on in float32 is accepted within 2^-8.
      const error = expected.reduce(
        (worst, value, i) => Math.max(worst, Math.abs(gradient[i] - value) / Math.max(Math.abs(value), 2 ** -126)),
        0,
      );
      verdicts.push({ name, error, tolerance: 2 ** -8, pass: error <= 2 ** -8 });
      continue;
    } else actual = await values(then ? ops.cast(y, then) : y);
    const expected = golden(call, name);
    verdicts.push(
      name === 'output.bits' ? anyNan(name, actual, expected) : verdict(call, name, actual, expected, 'output'),
    );
  }
  return { composed: [], tensors: verdicts };
};

/** Float inputs come with their bits, which a number cannot carry for every NaN. */
function sourceOf(call: GoldenCall, bits: Int32Array | undefined): Tensor {
  const x = given(call, 'input.x');
  return bits && x.dtype === 'float32' ? tensor(new Float32Array(Int32Array.from(bits).buffer), { shape: x.shape }) : x;
}

/** Any NaN bits are right where a NaN is expected. */
function anyNan(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): Verdict {
  const isNan = (b: number): boolean => (b & 0x7fff) > 0x7f80;
  let wrong = 0;
  for (let i = 0; i < expected.length; i++)
    if (actual[i] !== expected[i] && !(isNan(actual[i]) && isNan(expected[i]))) wrong++;
  return { name, error: wrong, tolerance: 0, pass: wrong === 0 };
}

export const runPhilox: Family = async (call) => {
  const counters = golden(call, 'input.counter');
  const keys = golden(call, 'input.key');
  const words = Array.from({ length: counters.length / 4 }, (_, row) =>
    philox4x32([...counters.subarray(4 * row, 4 * row + 4)], [...keys.subarray(2 * row, 2 * row + 2)]),
  ).flat();
  return {
    composed: [],
    tensors: [
      verdict(
        call,
        'output.words',
        words.map((word) => word >>> 0),
        golden(call, 'output.words'),
        'output',
      ),
    ],
  };
};

const f32 = Math.fround;
/** The library's own conversion is high24; the others are computed here. */
const formulas: Record<string, ((u: number) => number) | undefined> = {
  high24: (u) => (u >>> 8) * 2 ** -24,
  low24: (u) => (u & 0xffffff) * 2 ** -24,
  high23_bits: (u) => f32(f32(1 + (u >>> 9) * 2 ** -23) - 1),
  curand: (u) => f32(f32(f32(u) * f32(2 ** -32)) + f32(2 ** -33)),
  triton: (u) => f32(f32((u | 0) < 0 ? -(u | 0) - 1 : u | 0) * f32(4.6566127342e-10)),
};

export const runUniform: Family = async (call) => {
  const formula = call.attributes.formula as string;
  const convert = formulas[formula];
  if (!convert) throw new Error(`formula '${formula}' is not known to this library`);
  const words = golden(call, 'input.u');
  return {
    composed: [`uint32_to_uniform ${formula}`],
    tensors: [
      verdict(
        call,
        'output.y',
        words.map((u) => convert(u)),
        golden(call, 'output.y'),
        'output',
      ),
    ],
  };
};

export const runBoxMuller: Family = async (call) => {
  const radius = ops.sqrt(ops.mul(ops.log(given(call, 'input.u1')), -2));
  const angle = ops.mul(given(call, 'input.u2'), 2 * Math.PI);
  const outputs = { z0: ops.mul(radius, ops.cos(angle)), z1: ops.mul(radius, ops.sin(angle)) };
  return {
    composed: ['box_muller'],
    tensors: [
      verdict(call, 'output.z0', await values(outputs.z0), golden(call, 'output.z0'), 'output'),
      verdict(call, 'output.z1', await values(outputs.z1), golden(call, 'output.z1'), 'output'),
    ],
  };
};
