import * as ops from '#lib/ops/index.js';
import type { Tensor } from '#lib/tensor/index.js';
import type { Table } from './tables.js';

interface Reduction {
  readonly dim: readonly number[];
  readonly keepdim?: boolean;
  readonly correction?: number;
}
const reduction =
  (fn: (x: Tensor, options: { axes: readonly number[]; keepDims: boolean; correction?: number }) => Tensor) =>
  ({ x }: { x: Tensor }, attributes: unknown) => {
    const { dim, keepdim = false, correction } = attributes as Reduction;
    return { y: fn(x, { axes: dim, keepDims: keepdim, ...(correction === undefined ? {} : { correction }) }) };
  };

export const shapes: Table = {
  direct: {
    sum: reduction(ops.sum) as never,
    mean: reduction(ops.mean) as never,
    amax: reduction(ops.max) as never,
    variance: reduction(ops.variance) as never,
    argmax: ({ x }, { dim, keepdim }) => ({ y: ops.argmax(x, dim, { keepDims: keepdim }) }),
    logsumexp: ({ x }, { dim, keepdim }) => ({ y: ops.logsumexp(x, dim, { keepDims: keepdim }) }),
    repeat: ({ x }, { kind, repeats, dim }) => ({
      y: (kind as string) === 'tile' ? ops.tile(x, repeats) : ops.repeatInterleave(x, repeats, dim),
    }),
    softmax: ({ x }, { dim }) => ({ y: ops.softmax(x, dim) }),
    log_softmax: ({ x }, { dim }) => ({ y: ops.logSoftmax(x, dim) }),
    top_k: ({ x }, { k }) => ops.topK(x, k),
    reshape: ({ x }, { shape }) => ({ y: ops.reshape(x, shape) }),
    broadcast: ({ x }, { shape }) => ({ y: ops.broadcastTo(x, shape) }),
    transpose: ({ x }, { permutation }) => ({ y: ops.permute(x, permutation) }),
    concat: (inputs, { dim, operands }) => ({
      y: ops.concat(
        (operands as unknown as string[]).map((name) => inputs[name]),
        dim,
      ),
    }),
    gather_rows: ({ x, index }, { batched }) => ({
      y: batched ? ops.gatherTokens(x, index) : ops.gatherRows(x, index),
    }),
    soft_argmax: ({ x }, attributes) => ({ y: ops.softArgmax(x, attributes as ops.SoftArgmaxOptions) }),
    pad: ({ x }, { before, after, value }) => ({
      y: ops.pad(
        x,
        (before as unknown as number[]).map((width, axis) => [width, (after as unknown as number[])[axis]]),
        value,
      ),
    }),
    slice: ({ x }, { start, stop, step }) => ({
      y: (start as unknown as number[]).reduce(
        (part, first, axis) =>
          ops.slice(part, axis, first, (stop as unknown as number[])[axis], (step as unknown as number[])[axis]),
        x,
      ),
    }),
  },
  composed: {
    scatter_add_rows: ({ base, index, source }, { batched }) => ({
      y: ops.add(
        base,
        batched ? ops.scatterAddTokens(source, index, base.shape[1]) : ops.scatterAddRows(source, index, base.shape[0]),
      ),
    }),
  },
};
