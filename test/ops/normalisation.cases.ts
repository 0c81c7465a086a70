import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, fold, map, reshaped, total } from './array.js';
import { fixed, type Given, given, normal, type OpCase, type OpCases, offset, shape } from './op-case.js';

const mean = (values: readonly number[]): number => total(values) / values.length;
const biased = (values: readonly number[]): number => {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
};

function normalised(x: Array64, axes: readonly number[], epsilon: number): Array64 {
  return map(
    (value, m, v) => (value - m) / Math.sqrt(v + epsilon),
    x,
    fold(x, axes, mean, true),
    fold(x, axes, biased, true),
  );
}

function scaled(x: Array64, weight?: Array64, bias?: Array64): Array64 {
  const y = weight ? map((a, b) => a * b, x, weight) : x;
  return bias ? map((a, b) => a + b, y, bias) : y;
}

function layerNormCase(what: string, x: Given, { epsilon = 1e-5, weight = true, bias = true } = {}): OpCase {
  const width = [x.shape[x.shape.length - 1]];
  return {
    name: `layerNorm ${what}`,
    inputs: { x, ...(weight ? { weight: normal(width, 2) } : {}), ...(bias ? { bias: normal(width, 3) } : {}) },
    forward: (inputs) => ops.layerNorm(inputs.x, inputs.weight, inputs.bias, { epsilon }),
    reference: (inputs) => scaled(normalised(inputs.x, [-1], epsilon), inputs.weight, inputs.bias),
    tolerance: 'scaled',
  };
}

const channels = (values: Array64, rank: number): Array64 =>
  reshaped(values, [values.shape[0], ...new Array<number>(rank - 2).fill(1)]);

function batchNormCase(what: string, x: Given, { training = true, affine = true, epsilon = 1e-5 } = {}): OpCase {
  const rank = x.shape.length;
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1);
  const width = [x.shape[1]];
  return {
    name: `batchNorm ${what}, ${training ? 'training' : 'evaluation'}`,
    inputs: {
      x,
      ...(affine ? { weight: normal(width, 2), bias: normal(width, 3) } : {}),
      ...(training
        ? {}
        : {
            runningMean: normal(width, 4),
            runningVar: given(
              width,
              normal(width, 5).data.map((value) => 0.5 + value * value),
            ),
          }),
    },
    forward: ({ x, ...rest }) => {
      const { y, batchMean, batchVar } = ops.batchNorm(x, { ...rest, training, epsilon });
      const statistics: Record<string, Tensor> = batchMean && batchVar ? { batchMean, batchVar } : {};
      return { y, ...statistics };
    },
    reference: ({ x, weight, bias, runningMean, runningVar }): Record<string, Array64> => {
      const affineOf = (y: Array64): Array64 =>
        scaled(y, weight && channels(weight, rank), bias && channels(bias, rank));
      if (!training)
        return {
          y: affineOf(
            map(
              (value, m, v) => (value - m) / Math.sqrt(v + epsilon),
              x,
              channels(runningMean, rank),
              channels(runningVar, rank),
            ),
          ),
        };
      return {
        y: affineOf(normalised(x, axes, epsilon)),
        batchMean: fold(x, axes, mean),
        batchVar: fold(x, axes, (values) => (biased(values) * values.length) / (values.length - 1)),
      };
    },
    tolerance: 'scaled',
  };
}

export const normalisations: readonly OpCases[] = [
  {
    ops: ['layerNorm'],
    cases: [
      layerNormCase('[3, 17]', normal([3, 17])),
      layerNormCase('[1, 1] is the bias', normal([1, 1])),
      layerNormCase('[5, 192]', normal([5, 192])),
      layerNormCase('[2, 7, 33], without bias', normal([2, 7, 33]), { bias: false }),
      layerNormCase('[2, 8], only bias', normal([2, 8]), { weight: false }),
      layerNormCase('[4, 16], epsilon 0.5, no weights', normal([4, 16]), { epsilon: 0.5, weight: false, bias: false }),
      layerNormCase('[0, 8]', normal([0, 8])),
      layerNormCase('[17]', normal([17])),
      layerNormCase('[3, 257] far from zero', fixed(offset([3, 257], 1e4))),
      layerNormCase('of a constant', fixed(given([2, 16], new Array(32).fill(3)))),
      layerNormCase('with NaN in one row', fixed(given([2, 8], [Number.NaN, ...new Array(15).keys()])), {
        weight: false,
        bias: false,
      }),
      layerNormCase('[1500, 192] over many tiles', normal([1500, 192])),
    ],
    refusals: [
      shape(
        () => ops.layerNorm(ops.zeros([3, 17]), ops.zeros([16])),
        '[layerNorm] expected weight of shape [17] (last axis of x [3, 17]), got [16]',
      ),
      shape(
        () => ops.layerNorm(ops.zeros([3, 17]), undefined, ops.zeros([1, 17])),
        '[layerNorm] expected bias of shape [17] (last axis of x [3, 17]), got [1, 17]',
      ),
      shape(() => ops.layerNorm(tensor(1)), '[layerNorm] expected at least one axis, got []'),
      {
        call: () => ops.layerNorm(ops.zeros([3, 4]), undefined, undefined, { epsilon: -1 }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[layerNorm] expected a non-negative epsilon, got -1',
      },
    ],
  },
  {
    ops: ['batchNorm'],
    cases: [
      batchNormCase('[5, 3]', normal([5, 3])),
      batchNormCase('[2, 3, 4, 5]', normal([2, 3, 4, 5])),
      batchNormCase('[7, 2], no weights', normal([7, 2]), { affine: false }),
      batchNormCase('[2, 3, 4], epsilon 0.1', normal([2, 3, 4]), { epsilon: 0.1 }),
      batchNormCase('[5, 3]', normal([5, 3]), { training: false }),
      batchNormCase('[1, 3, 2, 2]', normal([1, 3, 2, 2]), { training: false }),
      batchNormCase('[0, 3]', normal([0, 3]), { training: false }),
      // Its mean is rounded to float32: 64 · 2⁻²⁴ of an error is within the tolerance.
      batchNormCase('[257, 5] far from zero', fixed(offset([257, 5], 64))),
      batchNormCase('[12, 16, 17, 16]', normal([12, 16, 17, 16])),
    ],
    refusals: [
      shape(() => ops.batchNorm(tensor([1]), { training: true }), '[batchNorm] expected x [N, C, ...], got [1]'),
      shape(
        () => ops.batchNorm(ops.zeros([1, 3]), { training: true }),
        '[batchNorm] expected more than one value per channel in training, got [1, 3]',
      ),
      shape(
        () => ops.batchNorm(ops.zeros([2, 3]), { training: true, weight: ops.zeros([2]) }),
        '[batchNorm] expected weight of shape [3] (axis 1 of x [2, 3]), got [2]',
      ),
      {
        call: () => ops.batchNorm(ops.zeros([2, 3]), { training: false, runningMean: ops.zeros([3]) }),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[batchNorm] expected runningMean and runningVar outside training',
      },
    ],
  },
];
