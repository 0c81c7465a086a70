// Norms that are composed of other ops: by the root mean square, over groups of channels, with a condition.
import * as ops from '#lib/ops/index.js';
import { type Array64, at, build, fold, map, total } from './array.js';
import { argument, normal, type OpCase, type OpCases, shape } from './op-case.js';

const average = (values: readonly number[]): number => total(values) / values.length;
const spread = (values: readonly number[]): number => average(values.map((v) => (v - average(values)) ** 2));

/** Over the last axis. */
function standardised(x: Array64, epsilon: number): Array64 {
  const [means, spreads] = [fold(x, [-1], average, true), fold(x, [-1], spread, true)];
  return map((value, mean, variance) => (value - mean) / Math.sqrt(variance + epsilon), x, means, spreads);
}

function rmsCase(x: readonly number[], epsilon: number): OpCase {
  return {
    name: `rmsNorm [${x}], epsilon ${epsilon}`,
    inputs: { x: normal(x), weight: normal(x.slice(-1), 2) },
    forward: (given) => ops.rmsNorm(given.x, given.weight, { epsilon }),
    reference: (given) => {
      const power = fold(given.x, [-1], (values) => average(values.map((v) => v * v)), true);
      return map((value, p, weight) => (value / Math.sqrt(p + epsilon)) * weight, given.x, power, given.weight);
    },
    tolerance: 'scaled',
  };
}

function groupNormCase(x: readonly number[], groups: number): OpCase {
  return {
    name: `groupNorm [${x}] in ${groups} groups`,
    inputs: { x: normal(x), weight: normal([x[1]], 2), bias: normal([x[1]], 3) },
    forward: (given) => ops.groupNorm(given.x, groups, given.weight, given.bias, { epsilon: 1e-3 }),
    reference: (given) => {
      const rows = { shape: [x[0] * groups, given.x.data.length / (x[0] * groups)], data: given.x.data };
      const y = { shape: x, data: standardised(rows, 1e-3).data };
      return build(x, (index) => at(y, index) * given.weight.data[index[1]] + given.bias.data[index[1]]);
    },
    tolerance: 'scaled',
  };
}

/** Which row of a condition belongs to token s of S, if there are T of them. */
const runOf = (condition: Array64, tokens: number): ((token: number) => number) =>
  condition.shape.length === 2 ? () => 0 : (token) => Math.floor(token / (tokens / condition.shape[1]));

function adaptiveCase(condition: readonly number[]): OpCase {
  const x = [2, 6, 5];
  const pick = (c: Array64, n: number, token: number, k: number): number =>
    c.data[(n * (c.data.length / 10) + runOf(c, 6)(token)) * 5 + k];
  return {
    name: `adaLayerNorm and gatedAdd by [${condition}]`,
    inputs: { x: normal(x), shift: normal(condition, 2), scale: normal(condition, 3), gate: normal(condition, 4) },
    forward: (given) => ops.gatedAdd(given.x, ops.adaLayerNorm(given.x, given.shift, given.scale), given.gate),
    reference: (given) => {
      const y = standardised(given.x, 1e-6);
      return build(x, ([n, token, k]) => {
        const modulated = at(y, [n, token, k]) * (1 + pick(given.scale, n, token, k)) + pick(given.shift, n, token, k);
        return at(given.x, [n, token, k]) + pick(given.gate, n, token, k) * modulated;
      });
    },
    tolerance: 'scaled',
  };
}

export const layerNorms: readonly OpCases[] = [
  {
    ops: ['rmsNorm'],
    cases: [rmsCase([1, 1], 0.1), rmsCase([3, 17], 1e-6), rmsCase([2, 3, 33], 1e-5), rmsCase([0, 8], 1e-6)],
    refusals: [
      shape(
        () => ops.rmsNorm(ops.zeros([3, 17]), ops.zeros([16])),
        '[rmsNorm] expected a last axis, and weight of its extent, got x [3, 17] and weight [16]',
      ),
      argument(
        () => ops.rmsNorm(ops.zeros([3, 4]), undefined, { epsilon: -1 }),
        '[rmsNorm] expected a non-negative epsilon, got -1',
      ),
    ],
  },
  {
    ops: ['groupNorm'],
    cases: [groupNormCase([2, 4], 2), groupNormCase([2, 6, 5], 3), groupNormCase([1, 6, 3, 4], 1)],
    refusals: [
      shape(
        () => ops.groupNorm(ops.zeros([2, 4]), 3),
        '[groupNorm] expected x [N, C, ...] with C a multiple of the 3 groups, got [2, 4]',
      ),
      shape(
        () => ops.groupNorm(ops.zeros([2, 4]), 2, ops.zeros([2])),
        '[groupNorm] expected weight of shape [4] (axis 1 of x [2, 4]), got [2]',
      ),
    ],
  },
  {
    ops: ['adaLayerNorm', 'gatedAdd'],
    cases: [adaptiveCase([2, 5]), adaptiveCase([2, 6, 5]), adaptiveCase([2, 3, 5]), adaptiveCase([2, 1, 5])],
    refusals: [
      shape(
        () => ops.adaLayerNorm(ops.zeros([2, 6, 5]), ops.zeros([2, 4, 5]), ops.zeros([2, 5])),
        '[adaLayerNorm] expected x [B, S, D] and a condition [B, D] or [B, T, D] with S a multiple of T, got [2, 6, 5] and [2, 4, 5]',
      ),
      shape(
        () => ops.gatedAdd(ops.zeros([2, 6, 4]), ops.zeros([2, 6, 5]), ops.zeros([2, 5])),
        '[gatedAdd] expected a residual [2, 6, 5], got [2, 6, 4]',
      ),
    ],
  },
];
