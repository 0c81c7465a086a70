import * as ops from '#lib/ops/index.js';
import type { Tensor } from '#lib/tensor/index.js';
import { tensor } from '#lib/tensor/index.js';
import { map, sizeOf } from './array.js';
import {
  fixed,
  type Given,
  given,
  manyTiles,
  noise,
  normal,
  type OpCase,
  type OpCases,
  type Refusal,
  shapes,
  show,
  special,
} from './op-case.js';
import { erf, gelu, geluTanh, sigmoid, silu } from './special-functions.js';
import type { Tolerance } from './tolerance.js';

interface Unary {
  readonly name: keyof typeof ops;
  readonly label?: string;
  readonly forward: (x: Tensor) => Tensor;
  readonly reference: (x: number) => number;
  readonly tolerance: Tolerance;
  /** Where it is defined; all numbers by default. */
  readonly inputs?: (shape: readonly number[]) => Given;
  /** [inputs, gradients] at corners. */
  readonly corners?: readonly [readonly number[], readonly number[]];
  /** What it does with integers: keeps them, or makes them float32. */
  readonly integers?: 'kept' | 'floats';
  /** Leaves out the special values, where a limit is a matter of convention. */
  readonly noSpecials?: boolean;
}

const positive = (shape: readonly number[]): Given =>
  given(
    shape,
    noise(sizeOf(shape), 5).map((value) => Math.abs(value) + 0.05),
  );
const table: readonly Unary[] = [
  { name: 'neg', forward: ops.neg, reference: (x) => -x, tolerance: 'rounded', integers: 'kept' },
  {
    name: 'abs',
    forward: ops.abs,
    reference: Math.abs,
    tolerance: 'rounded',
    integers: 'kept',
    corners: [
      [-2, 0, 3],
      [-1, 0, 1],
    ],
  },
  {
    name: 'sign',
    forward: ops.sign,
    reference: (x) => Math.sign(x),
    tolerance: 'exact',
    integers: 'kept',
    noSpecials: true,
  },
  { name: 'floor', forward: ops.floor, reference: Math.floor, tolerance: 'exact', noSpecials: true },
  { name: 'exp', forward: ops.exp, reference: Math.exp, tolerance: 'units', integers: 'floats' },
  { name: 'log', forward: ops.log, reference: Math.log, tolerance: 'units', inputs: positive },
  { name: 'sqrt', forward: ops.sqrt, reference: Math.sqrt, tolerance: 'rounded', inputs: positive },
  { name: 'rsqrt', forward: ops.rsqrt, reference: (x) => 1 / Math.sqrt(x), tolerance: 'units', inputs: positive },
  { name: 'sin', forward: ops.sin, reference: Math.sin, tolerance: 'units', noSpecials: true },
  { name: 'cos', forward: ops.cos, reference: Math.cos, tolerance: 'units', noSpecials: true },
  { name: 'tanh', forward: ops.tanh, reference: Math.tanh, tolerance: 'units', integers: 'floats' },
  { name: 'sigmoid', forward: ops.sigmoid, reference: sigmoid, tolerance: 'units' },
  { name: 'erf', forward: ops.erf, reference: erf, tolerance: 'units' },
  { name: 'silu', forward: ops.silu, reference: silu, tolerance: 'units', noSpecials: true },
  {
    name: 'relu',
    forward: ops.relu,
    reference: (x) => (Number.isNaN(x) ? x : Math.max(x, 0)),
    tolerance: 'rounded',
    corners: [
      [-2, 0, 3],
      [0, 0, 1],
    ],
  },
  { name: 'gelu', forward: (x) => ops.gelu(x), reference: gelu, tolerance: 'scaled', noSpecials: true },
  {
    name: 'gelu',
    label: 'gelu by tanh',
    forward: (x) => ops.gelu(x, { approximate: 'tanh' }),
    reference: geluTanh,
    tolerance: 'scaled',
    noSpecials: true,
  },
  { name: 'square', forward: ops.square, reference: (x) => x * x, tolerance: 'rounded' },
  { name: 'reciprocal', forward: ops.reciprocal, reference: (x) => 1 / x, tolerance: 'rounded', inputs: positive },
  {
    name: 'pow',
    label: 'pow 0',
    forward: (x) => ops.pow(x, 0),
    reference: () => 1,
    tolerance: 'exact',
    noSpecials: true,
  },
  { name: 'pow', label: 'pow 5', forward: (x) => ops.pow(x, 5), reference: (x) => x ** 5, tolerance: 'units' },
  {
    name: 'pow',
    label: 'pow -3',
    forward: (x) => ops.pow(x, -3),
    reference: (x) => x ** -3,
    tolerance: 'units',
    inputs: positive,
    noSpecials: true,
  },
  {
    name: 'pow',
    label: 'pow 0.5',
    forward: (x) => ops.pow(x, 0.5),
    reference: Math.sqrt,
    tolerance: 'rounded',
    inputs: positive,
  },
  {
    name: 'clamp',
    forward: (x) => ops.clamp(x, -0.5, 0.75),
    reference: (x) => (Number.isNaN(x) ? x : Math.min(Math.max(x, -0.5), 0.75)),
    tolerance: 'rounded',
    corners: [
      [-0.6, -0.5, 0, 0.75, 0.8],
      [0, 1, 1, 1, 0],
    ],
  },
  {
    name: 'isFinite',
    forward: ops.isFinite,
    reference: (x) => Number(Number.isFinite(x)),
    tolerance: 'exact',
    inputs: (shape) => fixed(normal(shape)),
  },
];

function casesOf({
  label,
  name,
  forward,
  reference,
  tolerance,
  inputs,
  corners,
  integers,
  noSpecials,
}: Unary): OpCase[] {
  const over = (what: string, x: Given, kind = tolerance): OpCase => ({
    name: `${label ?? name} ${what}`,
    inputs: { x },
    forward: ({ x }) => forward(x),
    reference: ({ x }) => map(reference, x),
    tolerance: kind,
  });
  const cases = shapes.map((shape) => over(show(shape), (inputs ?? normal)(shape)));
  // Differences across the corners of floor and sign would be jumps.
  if (!noSpecials) cases.push(over('special values', special()));
  if (tolerance === 'units' && !inputs)
    cases.push(
      over(
        'of wide range',
        fixed(
          given(
            [41],
            noise(41, 9).map((v) => v * 12),
          ),
        ),
      ),
    );
  if (integers) {
    const whole = given([5], [-7, -1, 0, 3, 9], 'int32');
    cases.push(over(integers === 'kept' ? 'int32' : 'int32 becomes float32', whole));
  }
  if (name === 'exp') cases.push(over('over many tiles', normal([manyTiles])));
  if (name === 'exp' || name === 'neg')
    cases.push(
      over(
        'bfloat16',
        fixed({ ...given([9], [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]), dtype: 'bfloat16' }),
        'bfloat16',
      ),
    );
  if (corners) {
    const [x, dx] = corners;
    cases.push({ ...over('at its corners', given([x.length], x)), gradients: { x: dx } });
  }
  return cases;
}

function disposed(): Tensor {
  const x = tensor([1, 2, 3]);
  x.dispose();
  return x;
}

const refusalsOf = ({ name, forward }: Unary): Refusal[] => [
  {
    call: () => forward(disposed()),
    code: 'ERR_JEPA_DISPOSED',
    message: '[tensor] expected a tensor in use, got a disposed one of shape [3]',
  },
  ...(name === 'square' || name === 'isFinite' || name === 'pow' || name === 'clamp' || name === 'reciprocal'
    ? []
    : [
        {
          call: () => forward([1, 2] as unknown as Tensor),
          code: 'ERR_JEPA_INVALID_ARGUMENT' as const,
          message: `[${name === 'gelu' ? 'gelu' : name}`,
        },
      ]),
];

const refusals: Partial<Record<keyof typeof ops, Refusal[]>> = {
  pow: [
    {
      call: () => ops.pow(tensor([1]), 1.5),
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[pow] expected a whole exponent or 0.5, got 1.5',
    },
  ],
  clamp: [
    {
      call: () => ops.clamp(tensor([1]), 2, 1),
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[clamp] expected min ≤ max, got 2 and 1',
    },
    {
      call: () => ops.clamp(tensor([1]), Number.NaN, 1),
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[clamp] expected min ≤ max, got NaN and 1',
    },
  ],
};

export const unary: readonly OpCases[] = table.map((entry) => ({
  ops: [entry.name],
  cases: casesOf(entry),
  refusals: [...refusalsOf(entry), ...(refusals[entry.name] ?? [])],
}));
