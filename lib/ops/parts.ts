import type { DType } from '../tensor/dtype.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { denseStrides, normaliseAxis, type Shape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { cast } from './elementwise.js';
import { type Promoted, promote } from './promotion.js';
import { broadcastTo, reshape, slice, unsqueeze } from './views.js';

const concatOp: OpDefinition<number> = {
  name: 'concat',
  outputs: (inputs, axis) => {
    const [first] = inputs;
    for (const { shape } of inputs) {
      if (shape.length !== first.shape.length || shape.some((extent, k) => k !== axis && extent !== first.shape[k])) {
        throw opError(
          'ERR_JEPA_SHAPE',
          `[concat] expected shapes that agree outside axis ${axis}, got ${inputs.map((input) => show(input.shape)).join(' and ')}`,
        );
      }
    }
    return [
      {
        shape: first.shape.map((extent, k) =>
          k === axis ? inputs.reduce((total, { shape }) => total + shape[k], 0) : extent,
        ),
        dtype: first.dtype,
      },
    ];
  },
  parts: (inputs, axis) => {
    const shape = inputs[0].shape.map((extent, k) =>
      k === axis ? inputs.reduce((total, input) => total + input.shape[k], 0) : extent,
    );
    const strides = denseStrides(shape);
    let at = 0;
    return inputs.map((input, index) => {
      const part = { input: index, at: { shape: input.shape, strides, offset: at * strides[axis] } };
      at += input.shape[axis];
      return part;
    });
  },
  gradient: ({ inputs, attributes: axis, cotangents: [dy], needs }) => {
    let at = 0;
    return inputs.map((input, index) => {
      const start = at;
      at += input.shape[axis];
      return needs[index] ? slice(dy as Tensor, axis, start, at) : undefined;
    });
  },
};

type Joined<D extends DType> = Promoted<D, D>;

/**
 * Tensors one after another along an axis. @throws JepaError ERR_JEPA_SHAPE
 * @example await concat([tensor([[1, 2]]), tensor([[3, 4]])], 1).toArray(); // [[1, 2, 3, 4]]
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<Joined<D>> {
  if (tensors.length === 0)
    throw opError('ERR_JEPA_INVALID_ARGUMENT', '[concat] expected at least one tensor, got none');
  const at = normaliseAxis('concat', axis, tensors[0].shape);
  if (tensors.length === 1) return tensors[0] as Tensor<Joined<D>>;
  const dtype = tensors.map((tensor): DType => tensor.dtype).reduce((a, b) => promote('concat', a, b));
  return apply(
    concatOp,
    tensors.map((tensor) => cast(tensor, dtype)),
    at,
  )[0] as Tensor<Joined<D>>;
}

/**
 * Tensors of one shape along a new axis.
 * @example await stack([tensor([1, 2]), tensor([3, 4])]).toArray(); // [[1, 2], [3, 4]]
 */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<Joined<D>> {
  return concat(
    tensors.map((tensor) => unsqueeze(tensor, axis)),
    axis,
  );
}

interface PadAttributes {
  readonly widths: readonly (readonly number[])[];
  readonly value: number;
}

const padOp: OpDefinition<PadAttributes> = {
  name: 'pad',
  outputs: ([{ shape, dtype }], { widths }) => [
    { shape: shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]), dtype },
  ],
  parts: ([{ shape }], { widths, value }) => {
    const full = shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]);
    const strides = denseStrides(full);
    const parts = [
      {
        input: 0,
        at: { shape, strides, offset: shape.reduce((offset, _, axis) => offset + widths[axis][0] * strides[axis], 0) },
      },
    ];
    // Borders axis by axis: outer axes over everything, inner ones over what the outer ones leave.
    const borders = shape.flatMap((extent, axis) => {
      const window = full.map((size, k) => (k < axis ? shape[k] : size));
      const inner = shape.reduce((offset, _, k) => (k < axis ? offset + widths[k][0] * strides[k] : offset), 0);
      const border = (
        width: number,
        at: number,
      ): { fill: number; at: { shape: number[]; strides: number[]; offset: number } } => ({
        fill: value,
        at: {
          shape: window.map((size, k) => (k === axis ? width : size)),
          strides,
          offset: inner + at * strides[axis],
        },
      });
      return [border(widths[axis][0], 0), border(widths[axis][1], widths[axis][0] + extent)];
    });
    return [...parts, ...borders];
  },
  gradient: ({ inputs: [x], attributes: { widths }, cotangents: [dy] }) => [
    x.shape.reduce(
      (cotangent, extent, axis) => slice(cotangent, axis, widths[axis][0], widths[axis][0] + extent),
      dy as Tensor,
    ),
  ],
};

/**
 * A border of a constant: widths [before, after] for each axis. @throws JepaError ERR_JEPA_SHAPE
 * @example await pad(tensor([1, 2]), [[1, 2]]).toArray(); // [0, 1, 2, 0, 0]
 */
export function pad<D extends DType>(x: Tensor<D>, widths: readonly (readonly number[])[], value = 0): Tensor<D> {
  if (
    widths.length !== x.rank ||
    widths.some((pair) => pair.length !== 2 || pair.some((width) => !Number.isInteger(width) || width < 0))
  ) {
    throw opError(
      'ERR_JEPA_SHAPE',
      `[pad] expected ${x.rank} pairs of non-negative widths for ${show(x.shape)}, got ${JSON.stringify(widths)}`,
    );
  }
  return widths.every(([before, after]) => before === 0 && after === 0)
    ? x
    : (apply(padOp, [x], { widths, value })[0] as Tensor<D>);
}

/** What `pad` has put zeros around, and where it lies, if that was along one axis only. */
export function paddedPart({ node }: Tensor): { x: Tensor; axis: number; start: number } | undefined {
  if (node?.op !== (padOp as OpDefinition<unknown>)) return undefined;
  const { widths, value } = node.attributes as PadAttributes;
  const axes = widths.flatMap(([before, after], axis) => (before > 0 || after > 0 ? [axis] : []));
  return value === 0 && axes.length === 1 ? { x: node.inputs[0], axis: axes[0], start: widths[axes[0]][0] } : undefined;
}

/**
 * The whole tensor again and again along each axis (NumPy's and PyTorch's `tile`).
 * @param counts how often, for the last axes; more of them than axes put new ones in front
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT   @example tile(tensor([[1, 2]]), [2, 2]) // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function tile<D extends DType>(x: Tensor<D>, counts: readonly number[]): Tensor<D> {
  checkCounts('tile', counts);
  const front = Math.max(0, counts.length - x.rank);
  const shape = [...new Array<number>(front).fill(1), ...x.shape];
  const times = [...new Array<number>(shape.length - counts.length).fill(1), ...counts];
  const opened = shape.flatMap((extent) => [1, extent]);
  const wide = shape.flatMap((extent, axis) => [times[axis], extent]);
  return merged(
    x,
    opened,
    wide,
    shape.map((extent, axis) => extent * times[axis]),
  );
}

/** Each element again and again along an axis (PyTorch's `repeat_interleave`). @example repeatInterleave(tensor([1, 2]), 2) // [1, 1, 2, 2] */
export function repeatInterleave<D extends DType>(x: Tensor<D>, count: number, axis = -1): Tensor<D> {
  const at = normaliseAxis('repeatInterleave', axis, x.shape);
  checkCounts('repeatInterleave', [count]);
  const [before, after] = [x.shape.slice(0, at + 1), x.shape.slice(at + 1)];
  return merged(
    x,
    [...before, 1, ...after],
    [...before, count, ...after],
    x.shape.map((extent, k) => (k === at ? extent * count : extent)),
  );
}

/** A view with repeated axes, which reshape copies once. */
function merged<D extends DType>(x: Tensor<D>, opened: Shape, wide: Shape, shape: Shape): Tensor<D> {
  return reshape(broadcastTo(reshape(x, opened), wide), shape);
}

function checkCounts(op: string, counts: readonly number[]): void {
  if (!counts.every((count) => Number.isInteger(count) && count >= 0))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected counts of at least 0, got ${show(counts)}`);
}

/**
 * Equal parts of an axis. @throws JepaError ERR_JEPA_SHAPE if they do not come out even
 * @example
 * const [, right] = split(tensor([[1, 2, 3, 4]]), 2, 1);
 * await right.toArray(); // [[3, 4]]
 */
export function split<D extends DType>(x: Tensor<D>, count: number, axis = 0): Tensor<D>[] {
  const at = normaliseAxis('split', axis, x.shape);
  if (!Number.isInteger(count) || count < 1 || x.shape[at] % count !== 0)
    throw opError('ERR_JEPA_SHAPE', `[split] expected a number of parts that divides ${x.shape[at]}, got ${count}`);
  const width = x.shape[at] / count;
  return Array.from({ length: count }, (_, index) => slice(x, at, index * width, (index + 1) * width));
}
