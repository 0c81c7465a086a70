import * as ops from '#lib/ops/index.js';
import { fold, map, permuted, product, total } from './array.js';
import { normal, type OpCases } from './op-case.js';
import { gelu } from './special-functions.js';

/** Expressions of several ops, for the compiler's rewrites: what is fused, shared, merged or packed has the same bits without. */
export const expressions: readonly OpCases[] = [
  {
    ops: [],
    cases: [
      {
        name: 'a long chain with constants and repeated parts',
        inputs: { a: normal([37, 19], 1), b: normal([19], 2) },
        forward: ({ a, b }) => {
          const shared = ops.exp(ops.mul(a, b));
          const again = ops.exp(ops.mul(a, b));
          return ops.div(ops.add(ops.mul(shared, 2), ops.tanh(again)), ops.add(ops.square(a), 1));
        },
        reference: ({ a, b }) => map((x, y) => (2 * Math.exp(x * y) + Math.tanh(Math.exp(x * y))) / (x * x + 1), a, b),
        tolerance: 'scaled',
      },
      {
        name: 'a chain of a hundred ops, more than one pass holds',
        inputs: { x: normal([513]) },
        forward: ({ x }) => {
          let y = x;
          for (let k = 0; k < 50; k++) y = ops.add(ops.mul(y, 0.96875), ops.sin(x));
          return y;
        },
        reference: ({ x }) =>
          map((value) => {
            let y = value;
            for (let k = 0; k < 50; k++) y = y * 0.96875 + Math.sin(value);
            return y;
          }, x),
        tolerance: 'scaled',
      },
      {
        name: 'many results alive at once, more than there are registers',
        inputs: { x: normal([65]) },
        forward: ({ x }) => {
          const parts = Array.from({ length: 45 }, (_, k) => ops.sin(ops.mul(x, (k + 1) / 16)));
          const products = parts.map((part, k) => ops.mul(part, parts[parts.length - 1 - k]));
          return products.reduce((sum, part) => ops.add(sum, part));
        },
        reference: ({ x }) =>
          map(
            (value) =>
              total(
                Array.from(
                  { length: 45 },
                  (_, k) => Math.sin((value * (k + 1)) / 16) * Math.sin((value * (45 - k)) / 16),
                ),
              ),
            x,
          ),
        tolerance: 'scaled',
      },
      {
        name: 'slices that touch, leave gaps, overlap and take the whole, whose gradients are laid side by side',
        inputs: { x: normal([3, 11, 4]) },
        forward: ({ x }) => {
          const ranges = [
            [1, 4],
            [4, 5],
            [7, 10],
            [2, 9],
            [0, 11],
          ];
          const sums = ranges.map(([start, end], k) => ops.sum(ops.sin(ops.mul(ops.slice(x, 1, start, end), k + 1))));
          const across = ops.sum(ops.square(ops.slice(x, 2, 1, 3)));
          return sums.reduce((sum, part) => ops.add(sum, part), across);
        },
        reference: ({ x }) => {
          let sum = 0;
          x.data.forEach((value, index) => {
            const place = Math.floor(index / 4) % 11;
            const within = (start: number, end: number, factor: number): number =>
              place >= start && place < end ? Math.sin(value * factor) : 0;
            sum += within(1, 4, 1) + within(4, 5, 2) + within(7, 10, 3) + within(2, 9, 4) + within(0, 11, 5);
            if (index % 4 === 1 || index % 4 === 2) sum += value * value;
          });
          return { shape: [], data: Float64Array.of(sum) };
        },
        tolerance: 'scaled',
      },
      {
        name: 'views of views between elementwise ops',
        inputs: { x: normal([4, 6, 5]) },
        forward: ({ x }) => {
          const turned = ops.slice(ops.permute(x, [2, 0, 1]), 2, 1, 6, 2);
          return ops.sub(ops.reshape(ops.mul(turned, 2), [5, 12]), ops.reshape(ops.square(turned), [5, 12]));
        },
        reference: ({ x }) => {
          const turned = permuted(x, [2, 0, 1]);
          const kept = Float64Array.from(
            { length: 60 },
            (_, i) => turned.data[Math.floor(i / 3) * 6 + 1 + 2 * (i % 3)],
          );
          return { shape: [5, 12], data: kept.map((value) => 2 * value - value * value) };
        },
        tolerance: 'scaled',
      },
      {
        name: 'a recurrence with one weight, whose gradients are merged and operands packed',
        inputs: { x: normal([33, 34], 1), weight: normal([34, 34], 2) },
        forward: ({ x, weight }) => {
          let h = x;
          for (let step = 0; step < 4; step++) h = ops.tanh(ops.mul(ops.matmul(h, weight), 0.1));
          return h;
        },
        reference: ({ x, weight }) => {
          let h = x;
          for (let step = 0; step < 4; step++) h = map((value) => Math.tanh(0.1 * value), product(h, weight));
          return h;
        },
        tolerance: 'scaled',
      },
      {
        name: 'a perceptron with standardised columns',
        inputs: { x: normal([21, 9], 1), w1: normal([9, 17], 2), w2: normal([17, 4], 3) },
        forward: ({ x, w1, w2 }) => {
          const hidden = ops.gelu(ops.matmul(x, w1));
          const centred = ops.sub(hidden, ops.mean(hidden, { axes: [0], keepDims: true }));
          const spread = ops.rsqrt(ops.add(ops.mean(ops.square(centred), { axes: [0], keepDims: true }), 0.01));
          return ops.matmul(ops.mul(centred, spread), w2);
        },
        reference: ({ x, w1, w2 }) => {
          const hidden = map(gelu, product(x, w1));
          const average = (values: readonly number[]): number => total(values) / values.length;
          const centred = map((a, b) => a - b, hidden, fold(hidden, [0], average, true));
          const variance = fold(
            map((value) => value * value, centred),
            [0],
            average,
            true,
          );
          return product(
            map((a, v) => a / Math.sqrt(v + 0.01), centred, variance),
            w2,
          );
        },
        tolerance: 'scaled',
      },
    ],
    refusals: [],
  },
];
