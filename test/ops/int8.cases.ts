import * as ops from '#lib/ops/index.js';
import type { Array64 } from './array.js';
import { fixed, given, noise, normal, type OpCase, type OpCases } from './op-case.js';
import { gelu, geluTanh, silu } from './special-functions.js';
import type { Tolerance } from './tolerance.js';

const int8 = { quantize: 'int8' } as const;
const activations = { none: (x: number) => x, gelu, geluTanh, silu, relu: (x: number) => Math.max(x, 0) } as const;

/** Nearest whole number, ties to even. */
function nearest(x: number): number {
  const down = Math.floor(x);
  return x - down > 0.5 || (x - down === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** A row as whole numbers in [−127, 127] and what one of them is worth; NaN where a number is not finite. */
function quantised(row: Float64Array): { readonly q: Float64Array; readonly scale: number } {
  if (!row.every(Number.isFinite)) return { q: new Float64Array(row.length), scale: Number.NaN };
  const most = row.reduce((max, x) => Math.max(max, Math.abs(x)), 2 ** -100);
  const factor = Math.fround(127 / most);
  return { q: row.map((x) => nearest(Math.fround(x * factor))), scale: Math.fround(most / 127) };
}

const rowsOf = ({ data, shape }: Array64, width: number): ReturnType<typeof quantised>[] =>
  Array.from({ length: shape.slice(0, -1).reduce((a, b) => a * b, 1) }, (_, i) =>
    quantised(data.subarray(i * width, (i + 1) * width)),
  );

/** The sums are exact integers; what follows them is rounded to float32 step by step, so the same bits are expected. */
function linearInt8(x: Array64, weight: Array64, bias?: Array64): Array64 {
  const [outputs, inputs] = weight.shape;
  const channels = rowsOf(weight, inputs);
  const data = rowsOf(x, inputs).flatMap((row) =>
    channels.map(({ q, scale }, n) => {
      const dot = row.q.reduce((sum, value, k) => sum + value * q[k], 0);
      const y = Math.fround(Math.fround(Math.fround(dot) * row.scale) * scale);
      return bias ? Math.fround(y + bias.data[n]) : y;
    }),
  );
  return { shape: [...x.shape.slice(0, -1), outputs], data: Float64Array.from(data) };
}

function int8Case(
  rows: readonly number[],
  inputs: number,
  outputs: number,
  activation: ops.ActivationKind = 'none',
): OpCase {
  const tolerance: Tolerance = activation === 'none' || activation === 'relu' ? 'exact' : 'scaled';
  return {
    name: `linear [${[...rows, inputs]}] to ${outputs} in 8 bits, ${activation}`,
    inputs: {
      x: fixed(normal([...rows, inputs], 1)),
      weight: fixed(normal([outputs, inputs], 2)),
      bias: fixed(normal([outputs], 3)),
    },
    forward: ({ x, weight, bias }) => ops.linear(x, weight, bias, { ...int8, activation }),
    reference: ({ x, weight, bias }) => {
      const { shape, data } = linearInt8(x, weight, bias);
      return { shape, data: data.map(activations[activation]) };
    },
    tolerance,
  };
}

const odd = noise(5 * 7).map(
  (value, i) => [Number.NaN, value, Infinity, value, 0][i % 7 === 3 ? Math.floor(i / 7) : 1],
);

export const int8Layers: readonly OpCases[] = [
  {
    ops: ['linear'],
    cases: [
      int8Case([3], 17, 5),
      int8Case([], 4, 3),
      int8Case([2, 3], 1, 33),
      int8Case([0], 5, 7, 'gelu'),
      int8Case([200], 100, 130),
      ...(['gelu', 'geluTanh', 'silu', 'relu'] as const).map((kind) => int8Case([2, 15], 8, 33, kind)),
      {
        name: 'linear in 8 bits without bias, whose input is a transpose and whose weight is shared',
        inputs: { x: fixed(normal([20, 12], 1)), weight: fixed(normal([20, 20], 2)) },
        forward: ({ x, weight }) =>
          ops.linear(ops.linear(ops.transpose(x), weight, undefined, int8), weight, undefined, int8),
        reference: ({ x, weight }) => {
          const turned = Float64Array.from({ length: 240 }, (_, i) => x.data[(i % 20) * 12 + Math.floor(i / 20)]);
          return linearInt8(linearInt8({ shape: [12, 20], data: turned }, weight), weight);
        },
        tolerance: 'exact',
      },
      {
        name: 'linear in 8 bits of NaN, ∞ and 0 touches only their rows',
        inputs: { x: fixed(given([5, 7], odd)), weight: fixed(normal([3, 7], 2)) },
        forward: ({ x, weight }) => ops.linear(x, weight, undefined, int8),
        reference: ({ x, weight }) => linearInt8(x, weight),
        tolerance: 'exact',
      },
    ],
    refusals: [
      {
        call: () => ops.linear(ops.zeros([2, 3]), ops.zeros([5, 3]), undefined, { quantize: 'int4' as 'int8' }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: "[linear] expected quantize to be 'int8' or 'none', got 'int4'",
      },
      {
        call: () => ops.linear(ops.zeros([1, 131073]), ops.zeros([1, 131073]), undefined, int8),
        code: 'ERR_JEPA_SHAPE',
        message: "[linear] expected at most 131072 inputs with quantize: 'int8', got weight [1, 131073]",
      },
    ],
  },
];
