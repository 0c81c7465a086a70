import * as ops from '#lib/ops/index.js';
import { type DType, type Tensor, tensor } from '#lib/tensor/index.js';
import { map } from './array.js';
import {
  fixed,
  type Given,
  given,
  integers,
  noise,
  normal,
  type OpCase,
  type OpCases,
  specialValues,
} from './op-case.js';

interface Binary {
  readonly name: keyof typeof ops;
  readonly forward: (a: Tensor, b: Tensor | number) => Tensor;
  readonly reference: (a: number, b: number) => number;
  /** In float32 only: integers become floats. */
  readonly floats?: boolean;
  readonly comparison?: boolean;
  /** Gradients of a and b at [−1, 2, 2] and [1, 2, −3], where two are equal. */
  readonly ties?: readonly [readonly number[], readonly number[]];
}

const nanOr =
  (fn: (a: number, b: number) => number) =>
  (a: number, b: number): number =>
    Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : fn(a, b);
const holds =
  (fn: (a: number, b: number) => boolean) =>
  (a: number, b: number): number =>
    Number(fn(a, b));

const table: readonly Binary[] = [
  { name: 'add', forward: ops.add, reference: (a, b) => a + b },
  { name: 'sub', forward: ops.sub, reference: (a, b) => a - b },
  { name: 'mul', forward: ops.mul, reference: (a, b) => a * b },
  { name: 'div', forward: ops.div, reference: (a, b) => a / b, floats: true },
  {
    name: 'minimum',
    forward: ops.minimum,
    reference: nanOr(Math.min),
    ties: [
      [1, 0.5, 0],
      [0, 0.5, 1],
    ],
  },
  {
    name: 'maximum',
    forward: ops.maximum,
    reference: nanOr(Math.max),
    ties: [
      [0, 0.5, 1],
      [1, 0.5, 0],
    ],
  },
  { name: 'less', forward: ops.less, reference: holds((a, b) => a < b), comparison: true },
  { name: 'lessEqual', forward: ops.lessEqual, reference: holds((a, b) => a <= b), comparison: true },
  { name: 'equal', forward: ops.equal, reference: holds((a, b) => a === b), comparison: true },
  { name: 'notEqual', forward: ops.notEqual, reference: holds((a, b) => a !== b), comparison: true },
  { name: 'greater', forward: ops.greater, reference: holds((a, b) => a > b), comparison: true },
  { name: 'greaterEqual', forward: ops.greaterEqual, reference: holds((a, b) => a >= b), comparison: true },
];

const broadcasts: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[1], [7]],
  [[3, 17], [17]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[0, 3], [3]],
  [
    [2, 3, 1],
    [2, 1, 0],
  ],
  [[257], [257]],
  [
    [131, 311],
    [131, 1],
  ],
];

function casesOf({ name, forward, reference, floats, comparison, ties }: Binary): OpCase[] {
  const tolerance = comparison ? 'exact' : 'rounded';
  const over = (what: string, a: Given, b: Given): OpCase => ({
    name: `${name} ${what}`,
    inputs: { a, b },
    forward: ({ a, b }) => forward(a, b),
    reference: ({ a, b }) => map(reference, a, b),
    tolerance,
  });
  // Away from zero, where a quotient and its differences are tame.
  const away = (shape: readonly number[]): Given => {
    const values = noise(
      shape.reduce((p, e) => p * e, 1),
      3,
    );
    return given(
      shape,
      values.map((value) => value + Math.sign(value)),
    );
  };
  const cases = broadcasts.map(([a, b]) => over(`[${a.join()}] and [${b.join()}]`, normal(a), away(b)));
  const pairs = specialValues.flatMap((a) => specialValues.map((b) => [a, b] as const));
  const column = (side: 0 | 1): Given =>
    fixed(
      given(
        [pairs.length],
        pairs.map((pair) => pair[side]),
      ),
    );
  cases.push(over('special values', column(0), column(1)));
  const small = integers([2, 9], 5, 3);
  cases.push(
    over('of float32 and int32', normal([2, 9]), floats ? given([9], [1, 2, 3, 4, 5, 6, 7, 8, 9], 'int32') : small),
  );
  if (!floats) {
    cases.push(over('of int32', small, integers([9], 5, 4)));
    cases.push(over('of int32 and uint8', small, { ...integers([9], 200, 4), dtype: 'uint8' }));
    cases.push(over('of bool', { ...integers([9], 2, 4), dtype: 'bool' }, { ...integers([9], 2, 5), dtype: 'bool' }));
  } else cases.push(over('of int32, in float32', small, given([9], [1, 2, 3, 4, 5, 6, 7, 8, 9], 'int32')));
  cases.push({
    ...over('with a number', normal([5]), fixed(given([], [0.7]))),
    forward: ({ a }) => forward(a, Math.fround(0.7)),
  });
  if (ties)
    cases.push({
      ...over('of equal elements', given([3], [-1, 2, 2]), given([3], [1, 2, -3])),
      gradients: { a: ties[0], b: ties[1] },
    });
  return cases;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const pairwise: readonly OpCases[] = table.map((entry) => ({
  ops: [entry.name],
  cases: casesOf(entry),
  refusals: [
    {
      call: () => entry.forward(tensor([1, 2]), tensor([1, 2, 3])),
      code: 'ERR_JEPA_SHAPE',
      message: `[${snake(entry.name)}] expected shapes that broadcast to one another, got [2] and [3]`,
    },
    {
      call: () => entry.forward(tensor([1, 2]), 'many' as unknown as number),
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: `[${snake(entry.name)}] expected tensors or numbers, got string`,
    },
  ],
}));

const truth = (shape: readonly number[], seed: number): Given => ({ ...integers(shape, 2, seed), dtype: 'bool' });
const logical = (name: 'logicalAnd' | 'logicalOr', reference: (a: number, b: number) => number): OpCases => ({
  ops: [name],
  cases: [
    [[3, 5], [5]],
    [[0], [1]],
    [[1], [257]],
    [[131, 311], [311]],
  ].map(([a, b]) => ({
    name: `${name} [${a}] and [${b}]`,
    inputs: { a: truth(a, 1), b: truth(b, 2) },
    forward: (inputs) => ops[name](inputs.a, inputs.b),
    reference: (inputs) => map(reference, inputs.a, inputs.b),
    tolerance: 'exact',
  })),
  refusals: [
    {
      call: () => ops[name](tensor([true, false]), tensor([true, false, true])),
      code: 'ERR_JEPA_SHAPE',
      message: `[${snake(name)}] expected shapes that broadcast to one another, got [2] and [3]`,
    },
  ],
});

const conversions: readonly (readonly [DType, DType, readonly number[], readonly number[]])[] = [
  ['float32', 'int32', [-2.7, -0.5, 0.5, 2.7, 1e6], [-2, 0, 0, 2, 1e6]],
  ['float32', 'uint8', [0, 0.9, 1.5, 254.9], [0, 0, 1, 254]],
  ['float32', 'bool', [0, -0, 0.1, Number.NaN], [0, 0, 1, 1]],
  ['int32', 'float32', [-5, 0, 16777217, 2147483647], [-5, 0, 16777216, 2147483648]],
  ['int32', 'bool', [-5, 0, 1], [1, 0, 1]],
  ['uint8', 'int32', [0, 200, 255], [0, 200, 255]],
  ['bool', 'float32', [0, 1], [0, 1]],
  // 1 + 2⁻⁸ and 1 + 3·2⁻⁸ lie halfway between two bfloat16 numbers: the even one wins.
  [
    'float32',
    'bfloat16',
    [1.00390625, 1.01171875, 3.4e38, -0.1],
    [1, 1.015625, Number.POSITIVE_INFINITY, -0.10009765625],
  ],
  ['float32', 'float16', [1.00048828125, 65519, 65520, 2 ** -25], [1, 65504, Number.POSITIVE_INFINITY, 0]],
  ['bfloat16', 'float32', [1.015625, -0.10009765625], [1.015625, -0.10009765625]],
];

export const binary: readonly OpCases[] = [
  ...pairwise,
  logical('logicalAnd', (a, b) => a & b),
  logical('logicalOr', (a, b) => a | b),
  {
    ops: ['logicalNot'],
    cases: [[], [0], [17], [3, 13001]].map((shape) => ({
      name: `logicalNot [${shape}]`,
      inputs: { x: truth(shape, 3) },
      forward: ({ x }) => ops.logicalNot(x),
      reference: ({ x }) => map((value) => 1 - value, x),
      tolerance: 'exact',
    })),
    refusals: [
      {
        call: () => ops.logicalNot(true as unknown as Tensor),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[logical_not] expected a tensor, got boolean',
      },
    ],
  },
  {
    ops: ['where'],
    cases: [
      [[5], [5], [5]],
      [[3, 1], [1, 7], []],
      [[1], [3, 17], [3, 1]],
      [[0], [1], [1]],
      [[131, 1], [131, 311], [311]],
    ].map(([condition, a, b]) => ({
      name: `where [${condition}], [${a}], [${b}]`,
      inputs: { condition: truth(condition, 7), a: normal(a, 1), b: normal(b, 2) },
      forward: (inputs) => ops.where(inputs.condition, inputs.a, inputs.b),
      reference: (inputs) => map((c, x, y) => (c ? x : y), inputs.condition, inputs.a, inputs.b),
      tolerance: 'exact',
    })),
    refusals: [
      {
        call: () => ops.where(tensor([true, false]), tensor([1, 2, 3]), 0),
        code: 'ERR_JEPA_SHAPE',
        message: '[where] expected shapes that broadcast to one another, got [2] and [3] and []',
      },
    ],
  },
  {
    ops: ['cast'],
    cases: [
      ...conversions.map(
        ([from, to, x, y]): OpCase => ({
          name: `cast ${from} to ${to}`,
          inputs: { x: fixed(given([x.length], x, from)) },
          forward: (inputs) => ops.cast(inputs.x, to),
          reference: () => ({ shape: [y.length], data: Float64Array.from(y) }),
          tolerance: 'exact',
        }),
      ),
      {
        name: 'cast through bfloat16 and back passes the gradient on',
        inputs: { x: normal([6]) },
        forward: ({ x }) => ops.cast(ops.cast(x, 'bfloat16'), 'float32'),
        reference: ({ x }) => x,
        tolerance: 'bfloat16',
        gradients: { x: [1, 1, 1, 1, 1, 1] },
      },
    ],
    refusals: [
      {
        call: () => ops.cast(tensor([1]), 'float64' as DType),
        code: 'ERR_JEPA_DTYPE',
        message: "[cast] expected float32, bfloat16, float16, int32, uint8 or bool, got 'float64'",
      },
    ],
  },
];
