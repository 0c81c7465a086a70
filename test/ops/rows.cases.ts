import * as ops from '#lib/ops/index.js';
import { tensor } from '#lib/tensor/index.js';
import { type Array64, at, build, sizeOf } from './array.js';
import { fixed, type Given, given, integers, normal, type OpCase, type OpCases } from './op-case.js';

const indices = (values: readonly number[]): Given => given([values.length], values, 'int32');

function gathered(what: string, table: Given, index: Given): OpCase {
  const rest = table.shape.slice(1);
  const width = sizeOf(rest);
  return {
    name: `gatherRows ${what}`,
    inputs: { table, index },
    forward: (inputs) => ops.gatherRows(inputs.table, inputs.index),
    reference: (inputs) => ({
      shape: [...index.shape, ...rest],
      data: Float64Array.from(
        { length: sizeOf(index.shape) * width },
        (_, i) => inputs.table.data[inputs.index.data[Math.floor(i / width)] * width + (i % width)],
      ),
    }),
    tolerance: 'exact',
  };
}

function chosen(what: string, x: Given, index: Given): OpCase {
  const [, tokens, ...rest] = x.shape;
  const kept = index.shape[1];
  const width = sizeOf(rest);
  return {
    name: `gatherTokens ${what}`,
    inputs: { x, index },
    forward: (inputs) => ops.gatherTokens(inputs.x, inputs.index),
    reference: (inputs) => ({
      shape: [...index.shape, ...rest],
      data: Float64Array.from({ length: sizeOf(index.shape) * width }, (_, i) => {
        const place = Math.floor(i / width);
        return inputs.x.data[(Math.floor(place / kept) * tokens + inputs.index.data[place]) * width + (i % width)];
      }),
    }),
    tolerance: 'exact',
  };
}

function scattered(what: string, rows: Given, index: Given, count: number): OpCase {
  const rest = rows.shape.slice(index.shape.length);
  const width = sizeOf(rest);
  return {
    name: `scatterAddRows ${what}`,
    inputs: { rows, index },
    forward: (inputs) => ops.scatterAddRows(inputs.rows, inputs.index, count),
    reference: (inputs) => {
      const data = new Float64Array(count * width);
      inputs.rows.data.forEach((value, i) => {
        data[inputs.index.data[Math.floor(i / width)] * width + (i % width)] += value;
      });
      return { shape: [count, ...rest], data };
    },
    tolerance: 'scaled',
  };
}

function scatteredTokens(what: string, x: Given, index: Given, count: number): OpCase {
  const rest = x.shape.slice(2);
  const width = sizeOf(rest);
  return {
    name: `scatterAddTokens ${what}`,
    inputs: { x, index },
    forward: (inputs) => ops.scatterAddTokens(inputs.x, inputs.index, count),
    reference: (inputs) => {
      const data = new Float64Array(x.shape[0] * count * width);
      inputs.x.data.forEach((value, i) => {
        const place = Math.floor(i / width);
        data[(Math.floor(place / x.shape[1]) * count + inputs.index.data[place]) * width + (i % width)] += value;
      });
      return { shape: [x.shape[0], count, ...rest], data };
    },
    tolerance: 'scaled',
  };
}

/** Positions along an axis in order of value, ties by position, NaN as the largest. */
function ranked(x: Array64, axis: number, largest: boolean): (index: readonly number[]) => readonly number[] {
  const stride = sizeOf(x.shape.slice(axis + 1));
  const known = new Map<number, readonly number[]>();
  return (index) => {
    let start = 0;
    x.shape.forEach((size, k) => {
      start = start * size + (k === axis ? 0 : index[k]);
    });
    const found = known.get(start);
    if (found) return found;
    const above = (a: number, b: number): number => (Number.isNaN(a) ? Number(!Number.isNaN(b)) : Number(a > b));
    const value = (position: number): number => x.data[start + position * stride];
    const order = [...new Array(x.shape[axis]).keys()].sort(
      (a, b) => (largest ? 1 : -1) * (above(value(b), value(a)) - above(value(a), value(b))) || a - b,
    );
    known.set(start, order);
    return order;
  };
}

function topCase(what: string, x: Given, count: number, { axis = -1, largest = true } = {}): OpCase {
  const k = axis < 0 ? axis + x.shape.length : axis;
  const result = x.shape.map((extent, a) => (a === k ? count : extent));
  return {
    name: `topK ${what}`,
    inputs: { x },
    forward: (inputs) => ops.topK(inputs.x, count, { axis, largest }),
    reference: (inputs) => {
      const order = ranked(inputs.x, k, largest);
      const found = build(result, (index) => order(index)[index[k]]);
      const values = build(result, (index) =>
        at(
          inputs.x,
          index.map((position, a) => (a === k ? order(index)[index[k]] : position)),
        ),
      );
      return { values, indices: found };
    },
    tolerance: 'exact',
  };
}

export const rows: readonly OpCases[] = [
  {
    ops: ['gatherRows'],
    cases: [
      gathered('of [5, 3]', normal([5, 3]), indices([4, 0, 0, 2])),
      gathered('of [1, 17]', normal([1, 17]), indices([0])),
      gathered('of [7], a vector', normal([7]), indices([6, 1])),
      gathered('of [5, 2, 3] by [2, 2]', normal([5, 2, 3]), given([2, 2], [1, 3, 3, 0], 'int32')),
      gathered('by nothing', normal([5, 3]), indices([])),
      gathered('by uint8', normal([5, 3]), { ...indices([1, 4]), dtype: 'uint8' }),
      gathered('of int32', fixed(integers([5, 3], 100)), indices([2, 2])),
      gathered('of [700, 130] over many tiles', normal([700, 130]), integers([2200], 700)),
      {
        ...gathered('outside the table', fixed(normal([5, 3])), indices([0, 5])),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[gather_rows] expected ' },
      },
      {
        ...gathered('before the table', fixed(normal([5, 3])), indices([-1])),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[gather_rows] expected ' },
      },
    ],
    refusals: [
      {
        call: () => ops.gatherRows(ops.zeros([2, 3]), tensor([0.5])),
        code: 'ERR_JEPA_DTYPE',
        message: '[gatherRows] expected int32 indices, got float32',
      },
      {
        call: () => ops.gatherRows(tensor(1), ops.zeros([1], 'int32')),
        code: 'ERR_JEPA_SHAPE',
        message: '[gatherRows] expected a table with rows, got []',
      },
    ],
  },
  {
    ops: ['gatherTokens'],
    cases: [
      chosen('of [2, 4, 3]', normal([2, 4, 3]), given([2, 2], [3, 0, 1, 1], 'int32')),
      chosen('of [3, 2], numbers', normal([3, 2]), given([3, 1], [1, 0, 1], 'int32')),
      chosen('of [2, 5, 2, 3]', normal([2, 5, 2, 3]), given([2, 3], [4, 0, 2, 2, 1, 0], 'int32')),
      chosen('of nothing', normal([2, 4, 3]), given([2, 0], [], 'int32')),
      {
        ...chosen('of a later sequence', fixed(normal([2, 4, 3])), given([2, 1], [4, 0], 'int32')),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[gather_rows] expected ' },
      },
      {
        ...chosen('of an earlier sequence', fixed(normal([2, 4, 3])), given([2, 1], [0, -1], 'int32')),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[gather_rows] expected ' },
      },
    ],
    refusals: [
      {
        call: () => ops.gatherTokens(ops.zeros([2, 3, 4]), ops.zeros([3, 1], 'int32')),
        code: 'ERR_JEPA_SHAPE',
        message: '[gatherTokens] expected x [B, N, ...] and indices [B, K], got [2, 3, 4] and [3, 1]',
      },
      {
        call: () => ops.gatherTokens(ops.zeros([2, 3, 4]), tensor([[0.5], [1]])),
        code: 'ERR_JEPA_DTYPE',
        message: '[gatherTokens] expected int32 indices, got float32',
      },
    ],
  },
  {
    ops: ['scatterAddRows'],
    cases: [
      scattered('[4, 3] into 5', normal([4, 3]), indices([4, 0, 0, 2]), 5),
      scattered('[3] into 2', normal([3]), indices([1, 1, 1]), 2),
      scattered('[2, 2, 3] by [2, 2] into 4', normal([2, 2, 3]), given([2, 2], [1, 3, 3, 0], 'int32'), 4),
      scattered('nothing into 3', normal([0, 2]), indices([]), 3),
      scattered('[2200, 130] into 170 over many tiles', normal([2200, 130]), integers([2200], 170), 170),
      {
        ...scattered('outside the table', fixed(normal([2, 3])), indices([0, 5]), 5),
        reference: () => build([5, 3], () => 0),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[scatter_add_rows] expected ' },
      },
    ],
    refusals: [
      {
        call: () => ops.scatterAddRows(ops.zeros([2, 3]), ops.zeros([3], 'int32'), 4),
        code: 'ERR_JEPA_SHAPE',
        message: '[scatterAddRows] expected a row for each of the indices [3], got [2, 3]',
      },
      {
        call: () => ops.scatterAddRows(ops.zeros([2, 3]), ops.zeros([2]), 4),
        code: 'ERR_JEPA_DTYPE',
        message: '[scatterAddRows] expected int32 indices, got float32',
      },
      {
        call: () => ops.scatterAddRows(ops.zeros([2, 3]), ops.zeros([2], 'int32'), -1),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[scatterAddRows] expected a non-negative number of rows, got -1',
      },
    ],
  },
  {
    ops: ['scatterAddTokens'],
    cases: [
      scatteredTokens('[2, 3, 4] into 3', normal([2, 3, 4]), given([2, 3], [2, 0, 2, 1, 1, 1], 'int32'), 3),
      scatteredTokens('[3, 2], numbers, into 5', normal([3, 2]), given([3, 2], [0, 4, 3, 3, 1, 0], 'int32'), 5),
      scatteredTokens('[2, 0, 3] into 2', normal([2, 0, 3]), given([2, 0], [], 'int32'), 2),
      {
        ...scatteredTokens('into a later sequence', fixed(normal([2, 1, 3])), given([2, 1], [4, 0], 'int32'), 4),
        reference: () => build([2, 4, 3], () => 0),
        fails: { code: 'ERR_JEPA_INDEX_RANGE', message: '[scatter_add_rows] expected ' },
      },
    ],
    refusals: [
      {
        call: () => ops.scatterAddTokens(ops.zeros([2, 3, 4]), ops.zeros([2, 2], 'int32'), 4),
        code: 'ERR_JEPA_SHAPE',
        message: '[scatterAddTokens] expected x [B, K, ...] and indices [B, K], got [2, 3, 4] and [2, 2]',
      },
      {
        call: () => ops.scatterAddTokens(ops.zeros([2, 3]), ops.zeros([2, 3]), 4),
        code: 'ERR_JEPA_DTYPE',
        message: '[scatterAddTokens] expected int32 indices, got float32',
      },
      {
        call: () => ops.scatterAddTokens(ops.zeros([2, 3]), ops.zeros([2, 3], 'int32'), 1.5),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[scatterAddTokens] expected a non-negative number of tokens, got 1.5',
      },
    ],
  },
  {
    ops: ['topK'],
    cases: [
      topCase('3 of [4, 17]', normal([4, 17]), 3),
      topCase('1 of [1]', normal([1]), 1),
      topCase('0 of [2, 5]', fixed(normal([2, 5])), 0),
      topCase('all of [2, 33]', normal([2, 33]), 33),
      topCase('smallest 4 of [3, 9]', normal([3, 9]), 4, { largest: false }),
      topCase('2 of [6, 3] along 0', normal([6, 3]), 2, { axis: 0 }),
      topCase('2 of [2, 4, 3] along 1', normal([2, 4, 3]), 2, { axis: 1 }),
      topCase('with ties by position', fixed(given([6], [1, 3, 3, 0, 3, 1])), 5),
      topCase(
        'with NaN as the largest',
        fixed(given([5], [1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NaN])),
        4,
      ),
      topCase('7 of [2200, 130] over many tiles', normal([2200, 130]), 7),
    ],
    refusals: [
      {
        call: () => ops.topK(ops.zeros([2, 3]), 4),
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: '[topK] expected a count from 0 to 3 (axis 1 of [2, 3]), got 4',
      },
      {
        call: () => ops.topK(ops.zeros([2, 3]), 1, { axis: 2 }),
        code: 'ERR_JEPA_SHAPE',
        message: '[topK] expected an axis of [2, 3], from -2 to 1, got 2',
      },
    ],
  },
];
