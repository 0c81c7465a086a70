import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, at, build, reshaped } from './array.js';
import { argument, type Given, integers, normal, type OpCase, type OpCases, shape } from './op-case.js';

const matrix = (): Tensor => ops.zeros([2, 3]);

function concatenated(parts: readonly Array64[], axis: number): Array64 {
  const [first] = parts;
  const starts = parts.map((_, k) => parts.slice(0, k).reduce((sum, part) => sum + part.shape[axis], 0));
  const extent = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  return build(
    first.shape.map((size, k) => (k === axis ? extent : size)),
    (index) => {
      const part = parts.findIndex(({ shape }, k) => index[axis] < starts[k] + shape[axis]);
      return at(
        parts[part],
        index.map((position, k) => (k === axis ? position - starts[part] : position)),
      );
    },
  );
}

const joined = (name: string, axis: number, parts: readonly Given[], stacked = false): OpCase => ({
  name,
  inputs: Object.fromEntries(parts.map((part, k) => [`x${k}`, part])),
  forward: (inputs) => (stacked ? ops.stack : ops.concat)(Object.values(inputs), axis),
  reference: (inputs) => {
    const arrays = Object.values(inputs);
    const rank = arrays[0].shape.length + (stacked ? 1 : 0);
    const k = axis < 0 ? axis + rank : axis;
    const opened = stacked ? arrays.map((x) => reshaped(x, [...x.shape.slice(0, k), 1, ...x.shape.slice(k)])) : arrays;
    return concatenated(opened, k);
  },
  tolerance: 'exact',
});

const pads: readonly (readonly [readonly number[], readonly (readonly number[])[], number])[] = [
  [[5], [[2, 3]], 0],
  [
    [3, 4],
    [
      [1, 0],
      [0, 2],
    ],
    -1.5,
  ],
  [
    [2, 3, 4],
    [
      [0, 0],
      [2, 1],
      [1, 1],
    ],
    7,
  ],
  [
    [0, 2],
    [
      [2, 0],
      [1, 1],
    ],
    3,
  ],
  [
    [177, 190],
    [
      [1, 2],
      [3, 4],
    ],
    0.5,
  ],
  [[], [], 1],
];

export const parts: readonly OpCases[] = [
  {
    ops: ['concat'],
    cases: [
      joined('concat [2, 3] and [4, 3]', 0, [normal([2, 3], 1), normal([4, 3], 2)]),
      joined('concat [3, 1], [3, 17] and [3, 0] along the last axis', -1, [
        normal([3, 1], 1),
        normal([3, 17], 2),
        normal([3, 0], 3),
      ]),
      joined('concat of one tensor', 0, [normal([4])]),
      joined('concat of int32 and float32', 0, [normal([3]), integers([2], 9)]),
      joined('concat of the same shape [2, 2, 2] in the middle', 1, [normal([2, 2, 2], 1), normal([2, 2, 2], 2)]),
      joined('concat [131, 150] and [131, 160]', 1, [normal([131, 150], 1), normal([131, 160], 2)]),
    ],
    refusals: [
      argument(() => ops.concat([]), '[concat] expected at least one tensor, got none'),
      shape(
        () => ops.concat([matrix(), ops.zeros([2, 4])]),
        '[concat] expected shapes that agree outside axis 0, got [2, 3] and [2, 4]',
      ),
      shape(
        () => ops.concat([matrix(), tensor([1])]),
        '[concat] expected shapes that agree outside axis 0, got [2, 3] and [1]',
      ),
      shape(() => ops.concat([matrix(), matrix()], 2), '[concat] expected an axis of [2, 3], from -2 to 1, got 2'),
    ],
  },
  {
    ops: ['stack'],
    cases: [
      joined('stack of scalars', 0, [normal([], 1), normal([], 2), normal([], 3)], true),
      joined('stack [3, 2] at −1', -1, [normal([3, 2], 1), normal([3, 2], 2)], true),
      joined('stack [3, 2] at 1', 1, [normal([3, 2], 1), normal([3, 2], 2)], true),
    ],
    refusals: [
      argument(() => ops.stack([]), '[concat] expected at least one tensor, got none'),
      shape(
        () => ops.stack([matrix(), ops.zeros([2, 4])]),
        '[concat] expected shapes that agree outside axis 0, got [1, 2, 3] and [1, 2, 4]',
      ),
    ],
  },
  {
    ops: ['pad'],
    cases: pads.map(([of, widths, value]) => ({
      name: `pad [${of}] by ${JSON.stringify(widths)} of ${value}`,
      inputs: { x: normal(of) },
      forward: ({ x }) => ops.pad(x, widths, value),
      reference: ({ x }) =>
        build(
          of.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]),
          (index) => {
            const inside = index.map((position, axis) => position - widths[axis][0]);
            return inside.every((position, axis) => position >= 0 && position < of[axis]) ? at(x, inside) : value;
          },
        ),
      tolerance: 'exact',
    })),
    refusals: [
      shape(() => ops.pad(matrix(), [[1, 1]]), '[pad] expected 2 pairs of non-negative widths for [2, 3], got [[1,1]]'),
      shape(() => ops.pad(matrix(), [[0, 0], [-1, 0]]), '[pad] expected 2 pairs of non-negative widths for [2, 3], got [[0,0],[-1,0]]'), // biome-ignore format: pairs
    ],
  },
  {
    ops: ['split'],
    cases: [
      {
        name: 'split [2, 6] in three',
        inputs: { x: normal([2, 6]) },
        forward: ({ x }) => {
          const [a, b, c] = ops.split(x, 3, -1);
          return { a, b: ops.mul(b, 2), c: ops.mul(c, 3) };
        },
        reference: ({ x }) =>
          Object.fromEntries(
            ['a', 'b', 'c'].map((name, k) => [
              name,
              build([2, 2], ([row, column]) => (k + 1) * at(x, [row, 2 * k + column])),
            ]),
          ),
        tolerance: 'rounded',
      },
    ],
    refusals: [
      shape(() => ops.split(matrix(), 2, 1), '[split] expected a number of parts that divides 3, got 2'),
      shape(() => ops.split(matrix(), 0), '[split] expected a number of parts that divides 2, got 0'),
      shape(() => ops.split(matrix(), 1, 5), '[split] expected an axis of [2, 3], from -2 to 1, got 5'),
    ],
  },
];
