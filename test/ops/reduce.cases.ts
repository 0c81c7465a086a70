import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, fold, map, total } from './array.js';
import {
  fixed,
  type Given,
  given,
  integers,
  normal,
  type OpCase,
  type OpCases,
  offset,
  type Refusal,
  shape,
} from './op-case.js';
import type { Tolerance } from './tolerance.js';

const matrix = (): Tensor => ops.zeros([2, 3]);

interface Reduction {
  readonly name: 'sum' | 'mean' | 'max' | 'min' | 'sumOfSquares' | 'variance';
  readonly of: (values: readonly number[]) => number;
  readonly tolerance: Tolerance;
  /** Of nothing: its value, or refused. */
  readonly nothing?: number;
}

const nanOr =
  (fn: (...values: number[]) => number) =>
  (values: readonly number[]): number =>
    values.some(Number.isNaN) ? Number.NaN : values.reduce((a, b) => fn(a, b));
const mean = (values: readonly number[]): number => total(values) / values.length;
const variance = (values: readonly number[], correction = 1): number => {
  const middle = mean(values);
  return total(values.map((value) => (value - middle) ** 2)) / (values.length - correction);
};

const table: readonly Reduction[] = [
  // Accumulated in float64 and rounded once: the tolerance of one rounding is for terms that do not cancel.
  { name: 'sum', of: total, tolerance: 'scaled', nothing: 0 },
  { name: 'mean', of: mean, tolerance: 'scaled', nothing: Number.NaN },
  { name: 'max', of: nanOr(Math.max), tolerance: 'exact' },
  { name: 'min', of: nanOr(Math.min), tolerance: 'exact' },
  { name: 'sumOfSquares', of: (values) => total(values.map((value) => value * value)), tolerance: 'units', nothing: 0 },
  { name: 'variance', of: variance, tolerance: 'scaled' },
];

const layouts: readonly (readonly [readonly number[], readonly number[] | undefined, boolean])[] = [
  [[17], undefined, false],
  [[3, 17], [1], false],
  [[3, 17], [-2], true],
  [[2, 3, 4], [0, 2], false],
  [[2, 3, 4], [1], true],
  [[2, 3, 4, 5], [0, 1, 3], true],
  [[4, 64], [0], false],
  [[5, 65], [0], false],
  [[2, 0], [0], false],
  [[150, 517], [1], false],
  [[150, 517], [0], false],
  [[70001], undefined, true],
  // More than sixteen tiles of a reduction.
  [[1100, 517], [1], false],
  [[1100, 517], [0], false],
];

function casesOf({ name, of, tolerance, nothing }: Reduction): OpCase[] {
  const over = (what: string, x: Given, axes: readonly number[] | undefined, keepDims = false): OpCase => ({
    name: `${name} ${what}`,
    inputs: { x },
    forward: (inputs) => ops[name](inputs.x, { axes, keepDims }),
    reference: (inputs) => fold(inputs.x, axes ?? [...x.shape.keys()], of, keepDims),
    tolerance,
  });
  const cases = layouts.map(([size, axes, keepDims]) =>
    over(`[${size}] over ${axes ?? 'all'}${keepDims ? ', kept' : ''}`, normal(size), axes, keepDims),
  );
  if (name !== 'sumOfSquares') cases.push(over('far from zero', fixed(offset([3, 257], 1e4)), [1]));
  if (nothing !== undefined)
    cases.push({
      ...over('of nothing', fixed(normal([3, 0])), [1]),
      reference: () => ({ shape: [3], data: new Float64Array(3).fill(nothing) }),
    });
  const nan = given(
    [3, 20],
    Array.from({ length: 60 }, (_, i) => (i === 27 ? Number.NaN : i === 45 ? Number.NEGATIVE_INFINITY : i)),
  );
  if (name !== 'variance') cases.push(over('with NaN and −∞', fixed(nan), [1]));
  if (name !== 'variance' && name !== 'mean')
    cases.push({ ...over('of int32', integers([3, 17], 50), [1]), tolerance: 'exact' });
  if (name === 'max' || name === 'min') {
    const tied = given([2, 4], name === 'max' ? [1, 3, 3, 0, 5, 5, 5, 5] : [-1, -3, -3, 0, -5, -5, -5, -5]);
    cases.push({ ...over('of equal elements', tied, [1]), gradients: { x: [0, 0.5, 0.5, 0, 0.25, 0.25, 0.25, 0.25] } });
  }
  return cases;
}

const refusalsOf = ({ name, nothing }: Reduction): Refusal[] => [
  shape(() => ops[name](matrix(), { axes: [2] }), `[${name}] expected an axis of [2, 3], from -2 to 1, got 2`),
  shape(() => ops[name](matrix(), { axes: [0, -2] }), `[${name}] expected every axis once, got [0, -2]`),
  ...(nothing === undefined && name !== 'variance'
    ? [
        shape(
          () => ops[name](ops.zeros([2, 0]), { axes: [1] }),
          `[${name}] expected at least one element to reduce, got [2, 0]`,
        ),
      ]
    : []),
];

const logSumExp = (values: readonly number[]): number => {
  const peak = Math.max(...values);
  if (!Number.isFinite(peak)) return values.some(Number.isNaN) ? Number.NaN : peak;
  return peak + Math.log(total(values.map((value) => Math.exp(value - peak))));
};

type Softening = (x: Array64, axis: number) => Array64;
const shares: Softening = (x, axis) => map((value, log) => Math.exp(value - log), x, fold(x, [axis], logSumExp, true));
const logShares: Softening = (x, axis) => map((value, log) => value - log, x, fold(x, [axis], logSumExp, true));

const softenings: readonly (readonly [readonly number[], number])[] = [
  [[7], 0],
  [[1, 1], -1],
  [[3, 17], -1],
  [[3, 17], 0],
  [[2, 5, 3], 1],
  [[0, 5], 1],
  [[150, 517], -1],
];

function soft(name: 'softmax' | 'logSoftmax' | 'logsumexp', reference: Softening): OpCases {
  const over = (what: string, x: Given, axis: number): OpCase => ({
    name: `${name} ${what}`,
    inputs: { x },
    forward: (inputs) => ops[name](inputs.x, axis),
    reference: (inputs) => reference(inputs.x, axis),
    tolerance: 'scaled',
  });
  return {
    ops: [name],
    cases: [
      ...softenings.map(([size, axis]) => over(`[${size}] along ${axis}`, normal(size), axis)),
      over('of large numbers does not overflow', given([2, 3], [1000, 1001, 999, -1000, -1001, -999]), 1),
      over(
        'with −∞ gives it no share',
        fixed(given([2, 3], [0, Number.NEGATIVE_INFINITY, 1, 2, 3, Number.NEGATIVE_INFINITY])),
        1,
      ),
      over('with NaN', fixed(given([2, 3], [0, Number.NaN, 1, 2, 3, 4])), 1),
    ],
    refusals: [
      shape(
        () => ops[name](matrix(), 2),
        `[${name === 'softmax' ? 'softmax' : 'logsumexp'}] expected an axis of [2, 3], from -2 to 1, got 2`,
      ),
    ],
  };
}

export const reductions: readonly OpCases[] = [
  ...table.map((entry): OpCases => ({ ops: [entry.name], cases: casesOf(entry), refusals: refusalsOf(entry) })),
  {
    ops: ['variance'],
    cases: [
      {
        name: 'variance without correction',
        inputs: { x: normal([3, 17]) },
        forward: ({ x }) => ops.variance(x, { axes: [1], correction: 0 }),
        reference: ({ x }) => fold(x, [1], (values) => variance(values, 0)),
        tolerance: 'scaled',
      },
    ],
    refusals: [],
  },
  {
    ops: ['argmax'],
    cases: (
      [
        ['argmax [3, 17]', normal([3, 17]), -1],
        ['argmax [5, 7] along 0', normal([5, 7]), 0],
        ['argmax of equal elements is the first', given([1, 4], [1, 3, 3, 0]), 1],
        ['argmax with NaN is its place', given([1, 4], [1, Number.NaN, 3, Number.NaN]), 1],
        ['argmax of int32', integers([4, 33], 10), 1],
        ['argmax [150, 517]', normal([150, 517]), 1],
      ] as const
    ).map(([name, x, axis]) => ({
      name,
      inputs: { x: fixed(x) },
      forward: (inputs) => ops.argmax(inputs.x, axis),
      reference: (inputs) =>
        fold(inputs.x, [axis], (values) => {
          const nan = values.findIndex(Number.isNaN);
          return nan >= 0 ? nan : values.indexOf(Math.max(...values));
        }),
      tolerance: 'exact',
    })),
    refusals: [
      shape(() => ops.argmax(ops.zeros([2, 0])), '[argmax] expected at least one element along axis 1, got [2, 0]'),
      shape(() => ops.argmax(matrix(), -3), '[argmax] expected an axis of [2, 3], from -2 to 1, got -3'),
      shape(() => ops.argmax(tensor(1)), '[argmax] expected an axis of [], '),
    ],
  },
  soft('softmax', shares),
  soft('logSoftmax', logShares),
  soft('logsumexp', (x, axis) => fold(x, [axis], logSumExp)),
];
