import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, at, build, map, permuted, reshaped } from './array.js';
import { argument, type Given, given, integers, normal, type OpCase, type OpCases, shape } from './op-case.js';

function moved(name: string, x: Given, forward: (x: Tensor) => Tensor, reference: (x: Array64) => Array64): OpCase {
  return {
    name,
    inputs: { x },
    forward: (inputs) => forward(inputs.x),
    reference: (inputs) => reference(inputs.x),
    tolerance: 'exact',
  };
}

const matrix = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: [2, 3]

const reshapes: readonly (readonly [readonly number[], readonly number[], readonly number[]])[] = [
  [[6], [2, 3], [2, 3]],
  [[2, 3, 4], [-1], [24]],
  [
    [2, 3, 4],
    [4, -1],
    [4, 6],
  ],
  [[], [1, 1], [1, 1]],
  [
    [0, 3],
    [3, 0, 2],
    [3, 0, 2],
  ],
  [
    [131, 311],
    [311, 131],
    [311, 131],
  ],
];

const slices: readonly (readonly [readonly number[], number, number, number | undefined, number])[] = [
  [[7], 0, 2, 5, 1],
  [[3, 17], 1, 1, undefined, 3],
  [[3, 17], -1, -5, -1, 1],
  [[4, 3], 0, 9, undefined, 1],
  [[4, 3], 0, 0, -4, 1],
  [[2, 9, 3], 1, 0, undefined, 4],
  [[131, 311], 1, 3, 310, 2],
];

function sliced(x: Array64, axis: number, start: number, end: number | undefined, step: number): Array64 {
  const k = axis < 0 ? axis + x.shape.length : axis;
  const positions = Array.from({ length: x.shape[k] }, (_, i) => i)
    .slice(start, end)
    .filter((_, i) => i % step === 0);
  return build(
    x.shape.map((extent, i) => (i === k ? positions.length : extent)),
    (index) =>
      at(
        x,
        index.map((position, i) => (i === k ? positions[position] : position)),
      ),
  );
}

export const shapes: readonly OpCases[] = [
  {
    ops: ['reshape'],
    cases: [
      ...reshapes.map(([from, to, result]) =>
        moved(
          `reshape [${from}] to [${to}]`,
          normal(from),
          (x) => ops.reshape(x, to),
          (x) => reshaped(x, result),
        ),
      ),
      moved(
        'reshape of a transposed matrix copies',
        normal([3, 5]),
        (x) => ops.reshape(ops.transpose(x), [15]),
        (x) => reshaped(permuted(x, [1, 0]), [15]),
      ),
    ],
    refusals: [
      shape(() => ops.reshape(matrix(), [4]), '[reshape] expected a shape of 6 elements for [2, 3], got [4]'),
      shape(() => ops.reshape(matrix(), [4, -1]), '[reshape] expected '),
      shape(() => ops.reshape(matrix(), [-1, -1]), '[reshape] expected '),
      shape(() => ops.reshape(matrix(), [1.5, 4]), '[reshape] expected non-negative integers as extents, got [1.5, 4]'),
      shape(() => ops.reshape(matrix(), [1, 1, 1, 1, 1, 1, 1, 1, 6]), '[reshape] expected at most 8 axes'),
    ],
  },
  {
    ops: ['flatten', 'squeeze', 'unsqueeze'],
    cases: [
      moved('flatten [2, 3, 4]', normal([2, 3, 4]), ops.flatten, (x) => reshaped(x, [24])),
      moved('flatten []', normal([]), ops.flatten, (x) => reshaped(x, [1])),
      moved(
        'squeeze [1, 3, 1]',
        normal([1, 3, 1]),
        (x) => ops.squeeze(x),
        (x) => reshaped(x, [3]),
      ),
      moved(
        'squeeze [1, 3, 1] at −1',
        normal([1, 3, 1]),
        (x) => ops.squeeze(x, [-1]),
        (x) => reshaped(x, [1, 3]),
      ),
      moved(
        'unsqueeze [2, 3] at 1',
        normal([2, 3]),
        (x) => ops.unsqueeze(x, 1),
        (x) => reshaped(x, [2, 1, 3]),
      ),
      moved(
        'unsqueeze [2, 3] at −1',
        normal([2, 3]),
        (x) => ops.unsqueeze(x, -1),
        (x) => reshaped(x, [2, 3, 1]),
      ),
      moved(
        'unsqueeze [0]',
        normal([0]),
        (x) => ops.unsqueeze(x, 0),
        (x) => reshaped(x, [1, 0]),
      ),
    ],
    refusals: [
      shape(() => ops.squeeze(matrix(), [1]), '[squeeze] expected axis 1 of [2, 3] to have extent 1'),
      shape(() => ops.squeeze(matrix(), [2]), '[squeeze] expected an axis of [2, 3], from -2 to 1, got 2'),
      shape(() => ops.unsqueeze(matrix(), 3), '[unsqueeze] expected an axis of '),
      shape(() => ops.flatten(ops.reshape(matrix(), [5])), '[reshape] expected a shape of 6 elements'),
    ],
  },
  {
    ops: ['permute', 'transpose'],
    cases: [
      moved(
        'permute [2, 3, 4]',
        normal([2, 3, 4]),
        (x) => ops.permute(x, [2, 0, 1]),
        (x) => permuted(x, [2, 0, 1]),
      ),
      moved(
        'permute [2, 3, 4, 5] with negative axes',
        normal([2, 3, 4, 5]),
        (x) => ops.permute(x, [-1, 0, -2, 1]),
        (x) => permuted(x, [3, 0, 2, 1]),
      ),
      moved(
        'permute []',
        normal([]),
        (x) => ops.permute(x, []),
        (x) => x,
      ),
      moved(
        'transpose [3, 17]',
        normal([3, 17]),
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
      moved(
        'transpose [1, 5]',
        normal([1, 5]),
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
      moved(
        'transpose [0, 5]',
        normal([0, 5]),
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
      moved(
        'transpose [2, 3, 4] of axes 0 and 2',
        normal([2, 3, 4]),
        (x) => ops.transpose(x, 0, 2),
        (x) => permuted(x, [2, 1, 0]),
      ),
      moved(
        'transpose [203, 177]',
        normal([203, 177]),
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
      moved(
        'transpose [563, 517] over many tiles',
        normal([563, 517]),
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
      moved(
        'transpose uint8 [67, 129]',
        { ...integers([67, 129], 256), dtype: 'uint8' },
        (x) => ops.transpose(x),
        (x) => permuted(x, [1, 0]),
      ),
    ],
    refusals: [
      shape(() => ops.permute(matrix(), [0, 0]), '[permute] expected every axis of [2, 3] once, got [0, 0]'),
      shape(() => ops.permute(matrix(), [0]), '[permute] expected every axis of [2, 3] once, got [0]'),
      shape(() => ops.permute(matrix(), [0, 2]), '[permute] expected an axis of [2, 3], from -2 to 1, got 2'),
      shape(() => ops.transpose(tensor([1, 2])), '[transpose] expected an axis of [2], from -1 to 0, got -2'),
      shape(() => ops.transpose(matrix(), 0.5, 1), '[transpose] expected an axis of [2, 3], from -2 to 1, got 0.5'),
    ],
  },
  {
    ops: ['broadcastTo'],
    cases: (
      [
        [[3], [2, 3]],
        [
          [2, 1],
          [2, 5],
        ],
        [[], [3, 4]],
        [[1], [0]],
        [
          [3, 1, 2],
          [2, 3, 4, 2],
        ],
        [[311], [131, 311]],
      ] as const
    ).map(([from, to]) =>
      moved(
        `broadcastTo [${from}] to [${to}]`,
        normal(from),
        (x) => ops.broadcastTo(x, to),
        (x) => build(to, (index) => at(x, index)),
      ),
    ),
    refusals: [
      shape(
        () => ops.broadcastTo(matrix(), [3, 3]),
        '[broadcastTo] expected shapes that broadcast to one another, got [2, 3] and [3, 3]',
      ),
      shape(() => ops.broadcastTo(matrix(), [3]), '[broadcastTo] expected a shape that [2, 3] broadcasts to, got [3]'),
      shape(
        () => ops.broadcastTo(matrix(), [-1, 3]),
        '[broadcastTo] expected non-negative integers as extents, got [-1, 3]',
      ),
    ],
  },
  {
    ops: ['slice'],
    cases: slices.map(([of, axis, start, end, step]) =>
      moved(
        `slice [${of}] axis ${axis} from ${start} to ${end} by ${step}`,
        normal(of),
        (x) => ops.slice(x, axis, start, end, step),
        (x) => sliced(x, axis, start, end, step),
      ),
    ),
    refusals: [
      shape(() => ops.slice(matrix(), 2, 0), '[slice] expected an axis of [2, 3], from -2 to 1, got 2'),
      argument(
        () => ops.slice(matrix(), 0, 0, 2, 0),
        '[slice] expected whole positions and a step of at least 1, got 0, 2, 0',
      ),
      argument(
        () => ops.slice(matrix(), 0, 0.5),
        '[slice] expected whole positions and a step of at least 1, got 0.5, undefined, 1',
      ),
    ],
  },
  {
    ops: ['full', 'zeros', 'ones'],
    cases: [
      moved(
        'full [3, 17]',
        given([], [0]),
        (x) => ops.add(ops.full([3, 17], 2.5), x),
        (x) =>
          map(
            (v) => v + 2.5,
            build([3, 17], () => x.data[0]),
          ),
      ),
      moved(
        'full int32 [0]',
        integers([1], 1),
        () => ops.full([0], 3, 'int32'),
        () => build([0], () => 3),
      ),
      moved(
        'full [2, 3] int32',
        integers([1], 1),
        () => ops.full([2, 3], -7, 'int32'),
        () => build([2, 3], () => -7),
      ),
      moved(
        'zeros [2, 3]',
        normal([2, 3]),
        (x) => ops.mul(ops.zeros([2, 3]), x),
        (x) => map(() => 0, x),
      ),
      moved(
        'ones [5]',
        normal([5]),
        (x) => ops.mul(ops.ones([5]), x),
        (x) => x,
      ),
      moved(
        'ones bool [4]',
        integers([1], 1),
        () => ops.ones([4], 'bool'),
        () => build([4], () => 1),
      ),
    ],
    refusals: [
      shape(() => ops.full([2, -1], 0), '[full] expected non-negative integers as extents, got [2, -1]'),
      shape(() => ops.zeros([0.5]), '[full] expected non-negative integers as extents, got [0.5]'),
      shape(() => ops.ones([Number.NaN]), '[full] expected non-negative integers as extents, got [NaN]'),
    ],
  },
];
