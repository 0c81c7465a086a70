import * as ops from '#lib/ops/index.js';
import { arange, type Tensor } from '#lib/tensor/index.js';
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

/** b·R + index: rows of a batch in one table. */
function offset(index: Tensor, rows: number): Tensor {
  return ops.add(index, ops.reshape(ops.mul(arange(0, index.shape[0]), rows), [index.shape[0], 1]));
}

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
    gather_rows: ({ x, index }, { batched }) => {
      if (!batched) return { y: ops.gatherRows(x, index) };
      const [batch, rows, ...rest] = x.shape;
      return { y: ops.gatherRows(ops.reshape(x, [batch * rows, ...rest]), offset(index, rows)) };
    },
    scatter_add_rows: ({ base, index, source }, { batched }) => {
      if (!batched) return { y: ops.add(base, ops.scatterAddRows(source, index, base.shape[0])) };
      const [batch, rows] = base.shape;
      return {
        y: ops.add(base, ops.reshape(ops.scatterAddRows(source, offset(index, rows), batch * rows), base.shape)),
      };
    },
    soft_argmax: ({ x }, { temperature, coordinates }) => {
      const [batch, channels, height, width] = x.shape;
      const p = ops.reshape(
        ops.softmax(ops.reshape(ops.div(x, temperature), [batch, channels, height * width]), -1),
        x.shape,
      );
      const line = (n: number): Tensor =>
        (coordinates as string) === 'pixel'
          ? arange(0, n, 'float32')
          : n === 1
            ? ops.full([1], -1)
            : ops.sub(ops.mul(arange(0, n, 'float32'), 2 / (n - 1)), 1);
      const across = ops.sum(ops.mul(p, ops.reshape(line(width), [1, 1, 1, width])), { axes: [2, 3] });
      const down = ops.sum(ops.mul(p, ops.reshape(line(height), [1, 1, height, 1])), { axes: [2, 3] });
      return { y: ops.stack([across, down], 2) };
    },
  },
};
