import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, bfloat16, map, permuted, product, reshaped, sizeOf } from './array.js';
import { fixed, given, normal, type OpCase, type OpCases, shape } from './op-case.js';
import { gelu, geluTanh, silu } from './special-functions.js';

function turned(x: Array64): Array64 {
  const last = x.shape.length - 1;
  return permuted(
    x,
    x.shape.map((_, axis) => (axis === last ? last - 1 : axis === last - 1 ? last : axis)),
  );
}

type Options = { readonly transposeA?: boolean; readonly transposeB?: boolean };
const products: readonly (readonly [readonly number[], readonly number[], Options?])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [3, 17],
    [17, 5],
  ],
  [[17, 3], [17, 5], { transposeA: true }],
  [[3, 17], [5, 17], { transposeB: true }],
  [[17, 3], [5, 17], { transposeA: true, transposeB: true }],
  [
    [33, 1],
    [1, 65],
  ],
  [
    [1, 257],
    [257, 1],
  ],
  [
    [31, 33],
    [33, 63],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 3, 4],
    [4, 5],
  ],
  [
    [3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [3, 4, 5],
  ],
  [
    [0, 4],
    [4, 5],
  ],
  [
    [3, 0],
    [0, 5],
  ],
  [
    [0, 3, 4],
    [0, 4, 2],
  ],
  [
    [129, 200],
    [200, 131],
  ],
  [
    [40, 33, 20],
    [40, 20, 35],
  ],
];

const activations = {
  none: (x: number) => x,
  gelu,
  geluTanh,
  silu,
  relu: (x: number) => Math.max(x, 0),
} as const;

function linearCase(
  rows: readonly number[],
  inputs: number,
  outputs: number,
  activation: ops.ActivationKind,
  extras: { readonly bias: boolean; readonly residual: boolean },
): OpCase {
  return {
    name: `linear [${[...rows, inputs]}] to ${outputs}, ${activation}${extras.bias ? ', bias' : ''}${extras.residual ? ', residual' : ''}`,
    inputs: {
      x: normal([...rows, inputs], 1),
      weight: normal([outputs, inputs], 2),
      ...(extras.bias ? { bias: normal([outputs], 3) } : {}),
      ...(extras.residual ? { residual: normal([...rows, outputs], 4) } : {}),
    },
    forward: ({ x, weight, bias, residual }) => ops.linear(x, weight, bias, { activation, residual }),
    reference: ({ x, weight, bias, residual }) => {
      const flat = reshaped(x, [sizeOf(rows), inputs]);
      let y = reshaped(product(flat, turned(weight)), [...rows, outputs]);
      if (bias) y = map((a, b) => a + b, y, bias);
      y = map(activations[activation], y);
      return residual ? map((a, b) => a + b, y, residual) : y;
    },
    tolerance: 'scaled',
  };
}

const rounded = (x: Array64): Array64 => map(bfloat16, x);

/** Gradients of Σ y where every dy is 1, a bfloat16 itself: sums over the rounded other operand. */
function roundedCase(
  m: number,
  k: number,
  n: number,
  { transposeA = false, transposeB = false }: Options = {},
): OpCase {
  const a = normal(transposeA ? [k, m] : [m, k], 1);
  const b = normal(transposeB ? [n, k] : [k, n], 2);
  const left = rounded(transposeA ? turned(a) : a);
  const right = rounded(transposeB ? turned(b) : b);
  const da = product({ shape: [m, n], data: new Float64Array(m * n).fill(1) }, turned(right));
  const db = product(turned(left), { shape: [m, n], data: new Float64Array(m * n).fill(1) });
  return {
    name: `matmul of ${m} × ${k} and ${k} × ${n} with bfloat16 operands ${JSON.stringify({ transposeA, transposeB })}`,
    inputs: { a, b },
    forward: (inputs) => ops.matmul(inputs.a, inputs.b, { transposeA, transposeB, precision: 'bfloat16' }),
    reference: (inputs) =>
      product(rounded(transposeA ? turned(inputs.a) : inputs.a), rounded(transposeB ? turned(inputs.b) : inputs.b)),
    gradients: { a: [...(transposeA ? turned(da) : da).data], b: [...(transposeB ? turned(db) : db).data] },
    tolerance: 'scaled',
  };
}

export const linearAlgebra: readonly OpCases[] = [
  {
    ops: ['matmul'],
    cases: [
      ...products.map(
        ([a, b, options = {}]): OpCase => ({
          name: `matmul [${a}] and [${b}] ${JSON.stringify(options)}`,
          inputs: { a: normal(a, 1), b: normal(b, 2) },
          forward: (inputs) => ops.matmul(inputs.a, inputs.b, options),
          reference: (inputs) =>
            product(options.transposeA ? turned(inputs.a) : inputs.a, options.transposeB ? turned(inputs.b) : inputs.b),
          tolerance: 'scaled',
        }),
      ),
      {
        name: 'matmul of bfloat16 is computed in float32',
        inputs: {
          a: fixed({ ...given([2, 2], [1, 0.5, -2, 3]), dtype: 'bfloat16' }),
          b: fixed(given([2, 2], [1 + 2 ** -20, 0, 0, 1])),
        },
        forward: ({ a, b }) => ops.matmul(a, b),
        reference: ({ a, b }) => product(a, b),
        tolerance: 'scaled',
      },
      roundedCase(31, 33, 63),
      roundedCase(5, 17, 40, { transposeA: true }),
      roundedCase(40, 64, 5, { transposeB: true }),
      roundedCase(7, 9, 33, { transposeA: true, transposeB: true }),
      roundedCase(200, 129, 131, { transposeB: true }),
      {
        name: 'matmul with bfloat16 operands and a weight used twice',
        inputs: { x: fixed(normal([3, 9, 40], 1)), weight: fixed(normal([40, 40], 2)) },
        forward: ({ x, weight }) => {
          const options = { precision: 'bfloat16' } as const;
          const y = ops.sign(ops.matmul(x, weight, options));
          return ops.add(ops.matmul(y, weight, options), ops.matmul(y, weight));
        },
        reference: ({ x, weight }) => {
          const flat = { shape: [27, 40], data: x.data };
          const y = map(Math.sign, product(rounded(flat), rounded(weight)));
          return reshaped(
            map((a, b) => a + b, product(y, rounded(weight)), product(y, weight)),
            [3, 9, 40],
          );
        },
        tolerance: 'scaled',
      },
      {
        name: 'matmul with NaN and ∞ touches only their rows',
        inputs: {
          a: fixed(given([3, 2], [Number.NaN, 1, 2, 3, Number.POSITIVE_INFINITY, 1])),
          b: fixed(given([2, 2], [1, 2, 3, 4])),
        },
        forward: ({ a, b }) => ops.matmul(a, b),
        reference: ({ a, b }) => product(a, b),
        tolerance: 'scaled',
      },
      {
        name: 'matmul with a weight used twice packs it once',
        inputs: { x: normal([9, 40], 1), weight: normal([40, 40], 2) },
        forward: ({ x, weight }) => ops.matmul(ops.tanh(ops.matmul(x, weight)), weight),
        reference: ({ x, weight }) => product(map(Math.tanh, product(x, weight)), weight),
        tolerance: 'scaled',
      },
    ],
    refusals: [
      shape(
        () => ops.matmul(ops.zeros([2, 3]), ops.zeros([2, 3])),
        '[matmul] expected inner axes that agree, got [2, 3] and [2, 3]',
      ),
      shape(
        () => ops.matmul(ops.zeros([2, 3]), ops.zeros([3, 2]), { transposeB: true }),
        '[matmul] expected inner axes that agree, got [2, 3] and [3, 2] (transposeA false, transposeB true)',
      ),
      {
        call: () => ops.matmul(ops.zeros([2, 3]), ops.zeros([3, 2]), { precision: 'float16' as 'bfloat16' }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: "[matmul] expected a precision of 'float32' or 'bfloat16', got 'float16'",
      },
      shape(
        () => ops.matmul(tensor([1, 2]), ops.zeros([2, 3])),
        '[matmul] expected at least two axes each, got [2] and [2, 3]',
      ),
      shape(
        () => ops.matmul(ops.zeros([2, 3, 4]), ops.zeros([5, 4, 3])),
        '[matmul] expected shapes that broadcast to one another, got [2] and [5]',
      ),
    ],
  },
  {
    ops: ['linear'],
    cases: [
      linearCase([3], 17, 5, 'none', { bias: true, residual: false }),
      linearCase([], 4, 3, 'none', { bias: true, residual: false }),
      linearCase([2, 3], 5, 7, 'none', { bias: false, residual: true }),
      linearCase([0], 5, 7, 'gelu', { bias: true, residual: false }),
      ...(Object.keys(activations) as ops.ActivationKind[]).map((kind) =>
        linearCase([2, 3], 8, 33, kind, { bias: true, residual: true }),
      ),
      linearCase([200], 100, 130, 'gelu', { bias: true, residual: true }),
      {
        name: 'linear with bfloat16 operands, whose bias is not one',
        inputs: { x: fixed(normal([2, 3, 19], 1)), weight: fixed(normal([7, 19], 2)), bias: fixed(normal([7], 3)) },
        forward: ({ x, weight, bias }) => ops.linear(x, weight, bias, { precision: 'bfloat16', activation: 'silu' }),
        reference: ({ x, weight, bias }) =>
          reshaped(
            map((y, b) => silu(y + b), product(rounded(reshaped(x, [6, 19])), turned(rounded(weight))), {
              shape: [6, 7],
              data: Float64Array.from({ length: 42 }, (_, i) => bias.data[i % 7]),
            }),
            [2, 3, 7],
          ),
        tolerance: 'scaled',
      },
    ],
    refusals: [
      {
        call: () => ops.linear(ops.zeros([2, 3]), ops.zeros([5, 3]), undefined, { precision: 'half' as 'bfloat16' }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: "[linear] expected a precision of 'float32' or 'bfloat16', got 'half'",
      },
      shape(
        () => ops.linear(ops.zeros([2, 3]), ops.zeros([5, 4])),
        '[linear] expected x of width 4 (weight [5, 4]), got [2, 3]',
      ),
      shape(
        () => ops.linear(ops.zeros([2, 4]), ops.zeros([5, 4]), ops.zeros([4])),
        '[linear] expected bias of shape [5] (weight [5, 4]), got [4]',
      ),
      shape(
        () => ops.linear(ops.zeros([2, 4]), ops.zeros([5, 4]), undefined, { residual: ops.zeros([3, 5]) }),
        '[add] expected shapes that broadcast to one another, got [2, 5] and [3, 5]',
      ),
      {
        call: () => ops.linear(ops.zeros([2, 4]), ops.zeros([5, 4]), undefined, { activation: 'swish' as 'silu' }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[activation] expected none, gelu, geluTanh, silu or relu, got swish',
      },
    ],
  },
  {
    ops: ['activate'],
    cases: (Object.keys(activations) as ops.ActivationKind[]).map((kind) => ({
      name: `activate ${kind}`,
      inputs: { x: normal([3, 17]) },
      forward: ({ x }) => ops.activate(x, kind),
      reference: ({ x }) => map(activations[kind], x),
      tolerance: 'scaled',
    })),
    refusals: [
      {
        call: () => ops.activate(ops.zeros([1]) as Tensor, 'tanh' as 'none'),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[activation] expected none, gelu, geluTanh, silu or relu, got tanh',
      },
    ],
  },
];
