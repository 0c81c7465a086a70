// Ops on clips and pictures that are composed of others: convolution over time, pictures that grow, the largest of a window, where the largest is.
import * as ops from '#lib/ops/index.js';
import { at, build, total } from './array.js';
import { argument, normal, type OpCase, type OpCases, shape } from './op-case.js';

type Triple = readonly [number, number, number];
type Pair = readonly [number, number];

function conv3dCase(
  x: readonly number[],
  weight: readonly number[],
  stride: Triple,
  padding: Triple,
  dilation: Triple = [1, 1, 1],
  groups = 1,
): OpCase {
  return {
    name: `conv3d [${x}] by [${weight}], stride ${stride}, padding ${padding}, dilation ${dilation}, ${groups} groups`,
    inputs: { x: normal(x, 1), weight: normal(weight, 2), bias: normal([weight[0]], 3) },
    forward: (given) => ops.conv3d(given.x, given.weight, given.bias, { stride, padding, dilation, groups }),
    reference: (given) => {
      const extents = [0, 1, 2].map((axis) =>
        Math.floor((x[2 + axis] + 2 * padding[axis] - dilation[axis] * (weight[2 + axis] - 1) - 1) / stride[axis] + 1),
      );
      return build([x[0], weight[0], ...extents], ([n, o, ...place]) => {
        const first = Math.floor((o * groups) / weight[0]) * weight[1]; // channel of the output's group
        const products = build(weight.slice(1), ([c, ...inside]) => {
          const from = inside.map((step, axis) => place[axis] * stride[axis] + step * dilation[axis] - padding[axis]);
          if (from.some((position, axis) => position < 0 || position >= x[2 + axis])) return 0;
          return at(given.x, [n, first + c, ...from]) * at(given.weight, [o, c, ...inside]);
        });
        return given.bias.data[o] + total(products.data);
      });
    },
    tolerance: 'scaled',
  };
}

function convTransposeCase(
  x: readonly number[],
  weight: readonly number[],
  stride: Pair,
  padding: Pair,
  more: Pair,
): OpCase {
  return {
    name: `convTranspose2d [${x}] by [${weight}], stride ${stride}, padding ${padding}, output padding ${more}`,
    inputs: { x: normal(x, 1), weight: normal(weight, 2), bias: normal([weight[1]], 3) },
    forward: (given) =>
      ops.convTranspose2d(given.x, given.weight, given.bias, { stride, padding, outputPadding: more }),
    reference: (given) => {
      const extents = [0, 1].map((k) => (x[2 + k] - 1) * stride[k] - 2 * padding[k] + weight[2 + k] + more[k]);
      const y = build([x[0], weight[1], ...extents], ([, o]) => given.bias.data[o]);
      // Every pixel adds its value times the kernel.
      build(x, ([n, c, row, column]) => {
        build(weight.slice(1), ([o, a, b]) => {
          const to = [row * stride[0] + a - padding[0], column * stride[1] + b - padding[1]];
          if (to.every((position, k) => position >= 0 && position < extents[k]))
            y.data[((n * weight[1] + o) * extents[0] + to[0]) * extents[1] + to[1]] +=
              at(given.x, [n, c, row, column]) * at(given.weight, [c, o, a, b]);
          return 0;
        });
        return 0;
      });
      return y;
    },
    tolerance: 'scaled',
  };
}

function maxPoolCase(x: readonly number[], kernel: Pair, stride: Pair, padding: Pair): OpCase {
  return {
    name: `maxPool2d [${x}] by ${kernel}, stride ${stride}, padding ${padding}`,
    inputs: { x: normal(x) },
    forward: (given) => ops.maxPool2d(given.x, kernel, { stride, padding }),
    reference: (given) => {
      const extents = [0, 1].map((k) => Math.floor((x[2 + k] + 2 * padding[k] - kernel[k]) / stride[k] + 1));
      return build([x[0], x[1], ...extents], ([n, c, row, column]) => {
        const seen = build(kernel, ([a, b]) => {
          const [y, z] = [row * stride[0] + a - padding[0], column * stride[1] + b - padding[1]];
          return y < 0 || y >= x[2] || z < 0 || z >= x[3] ? Number.NEGATIVE_INFINITY : at(given.x, [n, c, y, z]);
        });
        return Math.max(...seen.data);
      });
    },
    tolerance: 'exact',
  };
}

function softArgmaxCase(x: readonly number[], temperature: number, coordinates: 'normalized' | 'pixel'): OpCase {
  return {
    name: `softArgmax [${x}], temperature ${temperature}, ${coordinates}`,
    inputs: { x: normal(x) },
    forward: (given) => ops.softArgmax(given.x, { temperature, coordinates }),
    reference: (given) => {
      const place = (at: number, extent: number): number =>
        coordinates === 'pixel' ? at : extent === 1 ? -1 : -1 + (2 * at) / (extent - 1);
      return build([x[0], x[1], 2], ([n, c, which]) => {
        const scores = build(x.slice(2), (pixel) => Math.exp(at(given.x, [n, c, ...pixel]) / temperature));
        const weighted = build(x.slice(2), ([row, column]) => {
          const [position, extent] = which === 0 ? [column, x[3]] : [row, x[2]];
          return scores.data[row * x[3] + column] * place(position, extent);
        });
        return total(weighted.data) / total(scores.data);
      });
    },
    tolerance: 'scaled',
  };
}

export const clipsAndPictures: readonly OpCases[] = [
  {
    ops: ['softArgmax'],
    cases: [
      softArgmaxCase([1, 1, 1, 1], 1, 'normalized'),
      softArgmaxCase([2, 3, 4, 5], 0.5, 'normalized'),
      softArgmaxCase([2, 3, 5, 1], 1, 'pixel'),
      softArgmaxCase([0, 3, 2, 2], 1, 'pixel'),
    ],
    refusals: [
      shape(
        () => ops.softArgmax(ops.zeros([3, 4, 4])),
        '[softArgmax] expected x [N, C, H, W] with pixels, got [3, 4, 4]',
      ),
      shape(
        () => ops.softArgmax(ops.zeros([1, 3, 0, 4])),
        '[softArgmax] expected x [N, C, H, W] with pixels, got [1, 3, 0, 4]',
      ),
      argument(
        () => ops.softArgmax(ops.zeros([1, 1, 2, 2]), { temperature: 0 }),
        '[softArgmax] expected a temperature above 0, got 0',
      ),
      argument(
        () => ops.softArgmax(ops.zeros([1, 1, 2, 2]), { coordinates: 'metres' as 'pixel' }),
        "[softArgmax] expected coordinates 'normalized' or 'pixel', got 'metres'",
      ),
    ],
  },
  {
    ops: ['conv3d'],
    cases: [
      conv3dCase([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1], [0, 0, 0]),
      conv3dCase([2, 3, 4, 4, 4], [5, 3, 2, 2, 2], [2, 2, 2], [0, 0, 0]),
      conv3dCase([1, 2, 5, 4, 3], [3, 2, 3, 3, 2], [2, 1, 1], [1, 1, 0]),
      conv3dCase([0, 2, 3, 3, 3], [2, 2, 2, 2, 2], [1, 1, 1], [0, 0, 0]),
      conv3dCase([1, 2, 5, 5, 4], [3, 2, 2, 2, 3], [1, 2, 1], [1, 0, 1], [3, 2, 1]),
      conv3dCase([2, 4, 3, 4, 3], [6, 2, 2, 3, 2], [1, 1, 1], [0, 1, 0], [1, 1, 2], 2),
    ],
    refusals: [
      shape(
        () => ops.conv3d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 2, 2, 2])),
        '[conv3d] expected x and weight of five axes, got [1, 3, 4, 4] and [2, 3, 2, 2, 2]',
      ),
      shape(
        () => ops.conv3d(ops.zeros([1, 4, 2, 4, 4]), ops.zeros([2, 3, 2, 2, 2])),
        '[conv3d] expected 3 channels and bias [2] (weight [2, 3, 2, 2, 2]), got x [1, 4, 2, 4, 4]',
      ),
      shape(
        () => ops.conv3d(ops.zeros([1, 3, 1, 4, 4]), ops.zeros([2, 3, 2, 2, 2])),
        '[conv3d] expected a clip at least as long as the kernel of 2 frames, got 1 with padding 0',
      ),
      argument(
        () => ops.conv3d(ops.zeros([1, 3, 2, 4, 4]), ops.zeros([2, 3, 2, 2, 2]), undefined, { stride: [0, 1, 1] }),
        '[conv3d] expected whole steps in time, got stride 0, padding 0, dilation 1',
      ),
      argument(
        () => ops.conv3d(ops.zeros([1, 3, 2, 4, 4]), ops.zeros([2, 3, 2, 2, 2]), undefined, { groups: 0 }),
        '[conv3d] expected groups that divide the 2 outputs, got 0',
      ),
    ],
  },
  {
    ops: ['convTranspose2d'],
    cases: [
      convTransposeCase([1, 1, 1, 1], [1, 1, 1, 1], [1, 1], [0, 0], [0, 0]),
      convTransposeCase([2, 3, 3, 4], [3, 2, 4, 4], [2, 2], [1, 1], [0, 0]),
      convTransposeCase([1, 2, 3, 2], [2, 3, 3, 2], [3, 2], [1, 0], [2, 1]),
      convTransposeCase([0, 2, 3, 2], [2, 3, 2, 2], [2, 2], [0, 0], [0, 0]),
    ],
    refusals: [
      shape(
        () => ops.convTranspose2d(ops.zeros([1, 4, 2, 2]), ops.zeros([3, 2, 2, 2])),
        '[convTranspose2d] expected x [N, C, H, W], weight [C, O, kh, kw] and bias [O], got [1, 4, 2, 2], [3, 2, 2, 2]',
      ),
      argument(
        () => ops.convTranspose2d(ops.zeros([1, 3, 2, 2]), ops.zeros([3, 2, 2, 2]), undefined, { outputPadding: 1 }),
        '[convTranspose2d] expected an outputPadding from 0 to below the stride [1, 1], got [1, 1]',
      ),
    ],
  },
  {
    ops: ['maxPool2d'],
    cases: [
      maxPoolCase([1, 1, 1, 1], [1, 1], [1, 1], [0, 0]),
      maxPoolCase([2, 3, 6, 4], [2, 2], [2, 2], [0, 0]),
      maxPoolCase([1, 2, 5, 7], [3, 2], [2, 1], [1, 1]),
    ],
    refusals: [
      shape(() => ops.maxPool2d(ops.zeros([2, 2]), 2), '[maxPool2d] expected x [N, C, H, W], got [2, 2]'),
      argument(
        () => ops.maxPool2d(ops.zeros([1, 1, 4, 4]), 2, { padding: 2 }),
        '[maxPool2d] expected a padding of at most half the kernel [2, 2], got [2, 2]',
      ),
    ],
  },
];
