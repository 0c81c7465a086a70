// Ops on sequences that are composed of others: a whole GRU, repetition, masks of attention.
import * as ops from '#lib/ops/index.js';
import { at, build } from './array.js';
import { argument, normal, type OpCase, type OpCases, shape } from './op-case.js';
import { sigmoid } from './special-functions.js';

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

export const sequences: readonly OpCases[] = [
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
