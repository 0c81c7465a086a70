import * as ops from '#lib/ops/index.js';
import { type Array64, map, permuted, product } from './array.js';
import { normal, type OpCase, type OpCases } from './op-case.js';
import { sigmoid } from './special-functions.js';

const linear = (x: Array64, weight: Array64, bias?: Array64): Array64 => {
  const y = product(x, permuted(weight, [1, 0]));
  return bias ? map((a, b) => a + b, y, bias) : y;
};

/** h' = (1 − z)·n + z·h from the products of the input and of the state, gates in the order r, z, n. */
function advanced(projected: Array64, h: Array64, recurrent: Array64): Array64 {
  const [batch, width] = h.shape;
  const data = h.data.map((state, i) => {
    const row = Math.floor(i / width) * 3 * width + (i % width);
    const r = sigmoid(projected.data[row] + recurrent.data[row]);
    const z = sigmoid(projected.data[row + width] + recurrent.data[row + width]);
    const n = Math.tanh(projected.data[row + 2 * width] + r * recurrent.data[row + 2 * width]);
    return (1 - z) * n + z * state;
  });
  return { shape: [batch, width], data };
}

function gruCase(batch: number, inputs: number, width: number, bias: boolean): OpCase {
  return {
    name: `gruCell [${batch}, ${inputs}] to ${width}${bias ? ', biases' : ''}`,
    inputs: {
      x: normal([batch, inputs], 1),
      h: normal([batch, width], 2),
      weightIh: normal([3 * width, inputs], 3),
      weightHh: normal([3 * width, width], 4),
      ...(bias ? { biasIh: normal([3 * width], 5), biasHh: normal([3 * width], 6) } : {}),
    },
    forward: ({ x, h, weightIh, weightHh, biasIh, biasHh }) => ops.gruCell(x, h, weightIh, weightHh, biasIh, biasHh),
    reference: ({ x, h, weightIh, weightHh, biasIh, biasHh }) =>
      advanced(linear(x, weightIh, biasIh), h, linear(h, weightHh, biasHh)),
    tolerance: 'scaled',
  };
}

export const recurrent: readonly OpCases[] = [
  {
    ops: ['gruCell'],
    cases: [
      gruCase(1, 1, 1, true),
      gruCase(3, 5, 7, true),
      gruCase(2, 17, 4, false),
      gruCase(0, 3, 4, true),
      gruCase(64, 40, 96, true),
    ],
    refusals: [
      {
        call: () => ops.gruCell(ops.zeros([2, 3]), ops.zeros([2, 4]), ops.zeros([8, 3]), ops.zeros([12, 4])),
        code: 'ERR_JEPA_SHAPE',
        message: '[gruCell] expected gates [2, 12] for a state [2, 4], got [2, 8]',
      },
      {
        call: () => ops.gruCell(ops.zeros([2, 3]), ops.zeros([2, 4]), ops.zeros([12, 5]), ops.zeros([12, 4])),
        code: 'ERR_JEPA_SHAPE',
        message: '[linear] expected x of width 5 (weight [12, 5]), got [2, 3]',
      },
    ],
  },
  {
    ops: ['gruAdvance'],
    cases: [
      {
        name: 'gruAdvance over three steps, whose weight gradients become one product',
        inputs: { x: normal([3, 4, 15], 1), h: normal([4, 5], 2), weight: normal([15, 5], 3), bias: normal([15], 4) },
        forward: ({ x, h, weight, bias }) => {
          let state = h;
          for (const step of ops.split(x, 3)) state = ops.gruAdvance(ops.squeeze(step, [0]), state, weight, bias);
          return state;
        },
        reference: ({ x, h, weight, bias }) => {
          let state = h;
          for (let t = 0; t < 3; t++)
            state = advanced(
              { shape: [4, 15], data: x.data.subarray(t * 60, (t + 1) * 60) },
              state,
              linear(state, weight, bias),
            );
          return state;
        },
        tolerance: 'scaled',
      },
    ],
    refusals: [
      {
        call: () => ops.gruAdvance(ops.zeros([2, 11]), ops.zeros([2, 4]), ops.zeros([12, 4])),
        code: 'ERR_JEPA_SHAPE',
        message: '[gruCell] expected gates [2, 12] for a state [2, 4], got [2, 11]',
      },
    ],
  },
];
