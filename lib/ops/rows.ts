import { arange } from '../tensor/create.js';
import type { DType } from '../tensor/dtype.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { normaliseAxis, sameShape, show, sizeOf } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, greaterEqual, less, logicalAnd, mul, where } from './elementwise.js';
import { permute, reshape } from './views.js';

const gatherOp: OpDefinition<null> = {
  name: 'gather_rows',
  outputs: ([table, indices]) => [{ shape: [indices.shape[0], table.shape[1]], dtype: table.dtype }],
  native: { layouts: ['rows', 'contiguous'], fallible: true, encode: () => {} },
  gradient: ({ inputs: [table, indices], cotangents: [dy] }) => [
    scatterAddRows(dy as Tensor, indices, table.shape[0]),
    undefined,
  ],
};

/**
 * Rows of a table by index. An index outside the table fails the step.
 * @param table [R, ...]   @param indices int32 [...n]   @returns [...n, ...]
 * @example
 * const rows = tensor([1, 0, 1], { dtype: 'int32' });
 * await gatherRows(tensor([[1, 2], [3, 4]]), rows).toArray(); // [[3, 4], [1, 2], [3, 4]]
 */
export function gatherRows<D extends DType>(table: Tensor<D>, indices: Tensor): Tensor<D> {
  if (table.rank < 1)
    throw opError('ERR_JEPA_SHAPE', `[gatherRows] expected a table with rows, got ${show(table.shape)}`);
  const rest = table.shape.slice(1);
  const flat = apply(
    gatherOp,
    [reshape(table, [table.shape[0], sizeOf(rest)]), reshape(int32('gatherRows', indices), [indices.size])],
    null,
  )[0];
  return reshape(flat as Tensor<D>, [...indices.shape, ...rest]);
}

/**
 * The tokens of each sequence that an index names, as I-JEPA's masks pick them. An index outside its sequence fails the step.
 * @param x [B, N, ...]   @param indices int32 [B, K], from 0 to N − 1   @returns [B, K, ...]
 * @throws JepaError ERR_JEPA_SHAPE
 * @example const context = gatherTokens(tokens, kept); // [8, 196, 384], [8, 90] → [8, 90, 384]
 */
export function gatherTokens<D extends DType>(x: Tensor<D>, indices: Tensor): Tensor<D> {
  const [batch, tokens, ...rest] = x.shape;
  if (x.rank < 2 || indices.rank !== 2 || indices.shape[0] !== batch)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[gatherTokens] expected x [B, N, ...] and indices [B, K], got ${show(x.shape)} and ${show(indices.shape)}`,
    );
  return gatherRows(reshape(x, [batch * tokens, ...rest]), inBatch('gatherTokens', indices, tokens));
}

const scatterOp: OpDefinition<{ readonly count: number }> = {
  name: 'scatter_add_rows',
  outputs: ([rows], { count }) => [{ shape: [count, rows.shape[1]], dtype: 'float32' }],
  native: { layouts: ['rows', 'contiguous'], fallible: true, encode: () => {} },
  gradient: ({ inputs: [, indices], cotangents: [dy] }) => [gatherRows(dy as Tensor, indices), undefined],
};

/**
 * Adds rows into a table of zeros, in the order of the indices.
 * @param rows [...n, ...]   @param indices int32 [...n]   @param count rows R of the table   @returns [R, ...]
 * @example
 * const places = tensor([0, 2, 0], { dtype: 'int32' });
 * await scatterAddRows(tensor([[1], [2], [3]]), places, 3).toArray(); // [[4], [0], [2]]
 */
export function scatterAddRows(rows: Tensor, indices: Tensor, count: number): Tensor<'float32'> {
  const rest = rows.shape.slice(indices.rank);
  if (rows.shape.slice(0, indices.rank).some((extent, axis) => extent !== indices.shape[axis])) {
    throw opError(
      'ERR_JEPA_SHAPE',
      `[scatterAddRows] expected a row for each of the indices ${show(indices.shape)}, got ${show(rows.shape)}`,
    );
  }
  if (!Number.isInteger(count) || count < 0)
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[scatterAddRows] expected a non-negative number of rows, got ${count}`);
  const flat = apply(
    scatterOp,
    [
      reshape(cast(rows, 'float32'), [indices.size, sizeOf(rest)]),
      reshape(int32('scatterAddRows', indices), [indices.size]),
    ],
    { count },
  )[0] as Tensor<'float32'>;
  return reshape(flat, [count, ...rest]);
}

/**
 * Adds tokens into sequences of zeros, each into its own: the adjoint of {@link gatherTokens}. An index outside its sequence fails the step.
 * @param x [B, K, ...]   @param indices int32 [B, K], from 0 to count − 1   @param count tokens N of a sequence   @returns [B, N, ...]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example
 * const places = tensor([[1, 1], [0, 2]], { dtype: 'int32' });
 * await scatterAddTokens(tensor([[1, 2], [3, 4]]), places, 3).toArray(); // [[0, 3, 0], [3, 0, 4]]
 */
export function scatterAddTokens(x: Tensor, indices: Tensor, count: number): Tensor<'float32'> {
  const [batch, tokens, ...rest] = x.shape;
  if (x.rank < 2 || !sameShape(indices.shape, [batch, tokens]))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[scatterAddTokens] expected x [B, K, ...] and indices [B, K], got ${show(x.shape)} and ${show(indices.shape)}`,
    );
  if (!Number.isInteger(count) || count < 0)
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[scatterAddTokens] expected a non-negative number of tokens, got ${count}`,
    );
  const rows = inBatch('scatterAddTokens', indices, count);
  return reshape(scatterAddRows(x, rows, batch * count), [batch, count, ...rest]);
}

/** Rows of a table of whole sequences that tokens [B, K] name, each in its own; −1, which fails, for one outside. */
function inBatch(op: string, indices: Tensor, tokens: number): Tensor {
  const own = int32(op, indices);
  const first = mul(reshape(arange(0, indices.shape[0]), [indices.shape[0], 1]), tokens);
  return where(logicalAnd(greaterEqual(own, 0), less(own, tokens)), add(own, first), -1);
}

const topKOp: OpDefinition<{ readonly count: number; readonly largest: boolean }> = {
  name: 'top_k',
  outputs: ([{ shape }], { count }) => [
    { shape: [...shape.slice(0, -1), count], dtype: 'float32' },
    { shape: [...shape.slice(0, -1), count], dtype: 'int32' },
  ],
  native: { layouts: ['rows'], encode: (writer, { largest }) => writer.u32(Number(largest)) },
  gradient: ({ inputs: [x], outputs: [, indices], attributes: { count }, cotangents: [dy] }) => {
    if (!dy) return [undefined];
    const n = x.shape[x.rank - 1];
    const rows = x.size / Math.max(n, 1);
    const offsets = mul(reshape(arange(0, rows), [rows, 1]), n);
    const positions = reshape(add(reshape(indices, [rows, count]), offsets), [rows * count]);
    return [reshape(scatterAddRows(reshape(dy, [rows * count, 1]), positions, rows * n), x.shape)];
  },
};

/**
 * The largest (or smallest) elements along an axis, best first; ties by lower position; NaN counts as largest.
 * @example
 * const { values, indices } = topK(tensor([3, 1, 2]), 2);
 * await values.toArray(); // [3, 2]
 * await indices.toArray(); // [0, 2]
 */
export function topK(
  x: Tensor,
  count: number,
  { largest = true, axis = -1 }: { readonly largest?: boolean; readonly axis?: number } = {},
): { values: Tensor<'float32'>; indices: Tensor<'int32'> } {
  const at = normaliseAxis('topK', axis, x.shape);
  if (!Number.isInteger(count) || count < 0 || count > x.shape[at])
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[topK] expected a count from 0 to ${x.shape[at]} (axis ${at} of ${show(x.shape)}), got ${count}`,
    );
  const order = [...x.shape.keys()].filter((k) => k !== at).concat(at);
  const [values, indices] = apply(topKOp, [permute(cast(x, 'float32'), order)], { count, largest });
  const back = order.map((_, k) => order.indexOf(k));
  return {
    values: permute(values as Tensor<'float32'>, back),
    indices: permute(indices as Tensor<'int32'>, back),
  };
}

function int32(op: string, indices: Tensor): Tensor<'int32'> {
  if (indices.dtype !== 'int32' && indices.dtype !== 'uint8')
    throw opError('ERR_JEPA_DTYPE', `[${op}] expected int32 indices, got ${indices.dtype}`);
  return cast(indices, 'int32');
}
