// Ops of whole layers that are composed of others: clips, growing pictures, pools, norms, sequences.
import * as ops from '#lib/ops/index.js';
import { type Array64, at, build, fold, map, total } from './array.js';
import { normal, type OpCase, type OpCases, type Refusal } from './op-case.js';
import { sigmoid } from './special-functions.js';

const shape = (call: () => unknown, message: string): Refusal => ({ call, code: 'ERR_JEPA_SHAPE', message });
const argument = (call: () => unknown, message: string): Refusal => ({
  call,
  code: 'ERR_JEPA_INVALID_ARGUMENT',
  message,
});
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

function gruCase(batch: number, steps: number, inputs: number, width: number): OpCase {
  return {
    name: `gru [${batch}, ${steps}, ${inputs}] to ${width}`,
    inputs: {
      x: normal([batch, steps, inputs], 1),
      h: normal([batch, width], 2),
      weightIh: normal([3 * width, inputs], 3),
      weightHh: normal([3 * width, width], 4),
      biasIh: normal([3 * width], 5),
      biasHh: normal([3 * width], 6),
    },
    forward: ({ x, h, weightIh, weightHh, biasIh, biasHh }) => ({
      ...ops.gru(x, h, weightIh, weightHh, biasIh, biasHh),
    }),
    reference: ({ x, h, weightIh, weightHh, biasIh, biasHh }) => {
      const output = build([batch, steps, width], () => 0);
      let state = h;
      for (let t = 0; t < steps; t++) {
        const before = state;
        state = build([batch, width], ([n, j]) => {
          const gate = (k: number): [number, number] => {
            let [a, b] = [biasIh.data[k * width + j], biasHh.data[k * width + j]];
            for (let i = 0; i < inputs; i++) a += at(x, [n, t, i]) * at(weightIh, [k * width + j, i]);
            for (let i = 0; i < width; i++) b += at(before, [n, i]) * at(weightHh, [k * width + j, i]);
            return [a, b];
          };
          const [r, z] = [0, 1].map((k) => sigmoid(gate(k)[0] + gate(k)[1]));
          const [a, b] = gate(2);
          return (1 - z) * Math.tanh(a + r * b) + z * at(before, [n, j]);
        });
        for (let n = 0; n < batch; n++)
          output.data.set(state.data.subarray(n * width, (n + 1) * width), (n * steps + t) * width);
      }
      return { output, state };
    },
    tolerance: 'scaled',
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

export const layers: readonly OpCases[] = [
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
  {
    ops: ['gru'],
    cases: [gruCase(1, 1, 1, 1), gruCase(3, 4, 2, 5)],
    refusals: [
      shape(
        () => ops.gru(ops.zeros([2, 0, 3]), ops.zeros([2, 4]), ops.zeros([12, 3]), ops.zeros([12, 4])),
        '[gru] expected x [B, T, I] of at least one step, got [2, 0, 3]',
      ),
    ],
  },
  {
    ops: ['tile', 'repeatInterleave'],
    cases: [
      ...(
        [
          [[3], [2]],
          [
            [2, 3],
            [1, 4],
          ],
          [
            [2, 3],
            [2, 1, 3],
          ],
          [[2, 3], [2]],
          [
            [2, 3],
            [0, 1],
          ],
        ] as const
      ).map(
        // biome-ignore format: pairs
        ([x, counts]): OpCase => ({
          name: `tile [${x}] by [${counts}]`,
          inputs: { x: normal(x) },
          forward: (given) => ops.tile(given.x, counts),
          reference: (given) => {
            const rank = Math.max(x.length, counts.length);
            const extent = (values: readonly number[], axis: number): number => values[axis - rank + values.length] ?? 1;
            const extents = Array.from({ length: rank }, (_, axis) => extent(x, axis) * extent(counts, axis));
            const inside = (index: readonly number[]): number[] =>
              x.map((size, axis) => index[rank - x.length + axis] % size);
            return build(extents, (index) => at(given.x, inside(index)));
          },
          tolerance: 'exact',
        }),
      ),
      ...(
        [
          [[3], 2, 0],
          [[2, 3], 3, 0],
          [[2, 3], 2, -1],
        ] as const
      ).map(
        // biome-ignore format: triples
        ([x, count, axis]): OpCase => ({
          name: `repeatInterleave [${x}] ${count} times along ${axis}`,
          inputs: { x: normal(x) },
          forward: (given) => ops.repeatInterleave(given.x, count, axis),
          reference: (given) => {
            const along = axis < 0 ? axis + x.length : axis;
            const extents = x.map((extent, k) => (k === along ? extent * count : extent));
            return build(extents, (index) =>
              at(
                given.x,
                index.map((i, k) => (k === along ? Math.floor(i / count) : i)),
              ),
            );
          },
          tolerance: 'exact',
        }),
      ),
    ],
    refusals: [
      argument(() => ops.tile(ops.zeros([2]), [-1]), '[tile] expected counts of at least 0, got [-1]'),
      argument(
        () => ops.repeatInterleave(ops.zeros([2]), 0.5),
        '[repeatInterleave] expected counts of at least 0, got [0.5]',
      ),
    ],
  },
  {
    ops: ['attentionMask'],
    cases: [
      {
        name: 'attentionMask, causal in blocks within a window',
        inputs: {},
        forward: () => ops.attentionMask(4, 6, { queryOffset: 2, window: { left: 3, right: 1 }, block: { size: 2 } }),
        reference: () =>
          build([4, 6], ([i, j]) => {
            const place = i + 2;
            return Number(j >= place - 3 && j <= place + 1 && Math.floor(j / 2) <= Math.floor(place / 2));
          }),
        tolerance: 'exact',
      },
    ],
    refusals: [
      argument(
        () => ops.attentionMask(2, 2, { block: { size: 0 } }),
        '[attention] expected a block size of at least 1, got 0',
      ),
    ],
  },
];
