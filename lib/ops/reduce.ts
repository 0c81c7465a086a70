import { type DType, isFloat } from '../tensor/dtype.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { normaliseAxis, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, div, equal, exp, log, mul, square, sub, where } from './elementwise.js';
import type { MeanOf, SumOf } from './promotion.js';
import { broadcastTo, reshape, stopped } from './views.js';

export interface ReduceOptions {
  /** Axes to reduce; all by default. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with extent 1 (default false). */
  readonly keepDims?: boolean;
}

const kinds = ['sum', 'max', 'min', 'argmax', 'argmin', 'sum_square'] as const;
type Kind = (typeof kinds)[number];

interface Attributes {
  readonly kind: Kind;
  readonly axes: readonly number[];
}

const reduceOp: OpDefinition<Attributes> = {
  name: 'reduce',
  outputs: ([{ shape, dtype }], { kind, axes }) => [
    {
      shape: shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
      dtype: kind.startsWith('arg') ? 'int32' : dtype,
    },
  ],
  native: {
    layouts: ['strided'],
    encode: (writer, { kind, axes }) =>
      writer.u32(kinds.indexOf(kind)).u32(axes.reduce((mask, axis) => mask | (1 << axis), 0)),
  },
  gradient: ({ inputs: [x], outputs: [y], attributes: { kind, axes }, cotangents: [cotangent] }) => {
    const dy = cotangent as Tensor;
    switch (kind) {
      case 'sum':
        return [broadcastTo(dy, x.shape)];
      case 'sum_square':
        return [mul(mul(x, 2), dy)];
      case 'max':
      case 'min': {
        // Equal extremes share the gradient.
        const hit = equal(x, y);
        const count = reduce(cast(hit, 'float32'), 'sum', axes);
        return [where(hit, div(dy, count), 0)];
      }
      default:
        return [undefined];
    }
  },
};

/** As values are added up and compared: in float32 or int32. */
function summand<D extends DType>(x: Tensor<D>): Tensor<SumOf<D>> {
  return cast(x, isFloat(x.dtype) ? 'float32' : 'int32') as Tensor as Tensor<SumOf<D>>;
}

function reduce<D extends DType>(x: Tensor<D>, kind: Kind, axes: readonly number[]): Tensor<SumOf<D>> {
  return apply(reduceOp, [summand(x)], { kind, axes })[0] as Tensor<SumOf<D>>;
}

function axesOf(op: string, x: Tensor, axes: readonly number[] | undefined): number[] {
  const result = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => normaliseAxis(op, axis, x.shape));
  if (new Set(result).size !== result.length)
    throw opError('ERR_JEPA_SHAPE', `[${op}] expected every axis once, got ${show(axes ?? [])}`);
  return result.sort((a, b) => a - b);
}

function dropped<D extends DType>(x: Tensor, reduced: Tensor<D>, axes: readonly number[], keepDims = false): Tensor<D> {
  return keepDims
    ? reduced
    : reshape(
        reduced,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

/** Sum over axes. @example await sum(tensor([[1, 2], [3, 4]]), { axes: [0] }).toArray(); // [4, 6] */
export function sum<D extends DType>(x: Tensor<D>, { axes, keepDims }: ReduceOptions = {}): Tensor<SumOf<D>> {
  const over = axesOf('sum', x, axes);
  return over.length === 0 ? summand(x) : dropped(x, reduce(x, 'sum', over), over, keepDims);
}

/** Sum of squares over axes. @example await sumOfSquares(tensor([3, 4])).item(); // 25 */
export function sumOfSquares<D extends DType>(x: Tensor<D>, { axes, keepDims }: ReduceOptions = {}): Tensor<SumOf<D>> {
  const over = axesOf('sumOfSquares', x, axes);
  return over.length === 0
    ? (square(summand(x) as Tensor) as Tensor<SumOf<D>>)
    : dropped(x, reduce(x, 'sum_square', over), over, keepDims);
}

/**
 * Arithmetic mean over axes, in float32.
 * @example await mean(tensor([[1, 2], [3, 4]]), { axes: [1], keepDims: true }).toArray(); // [[1.5], [3.5]]
 */
export function mean<D extends DType>(x: Tensor<D>, { axes, keepDims }: ReduceOptions = {}): Tensor<MeanOf<D>> {
  const over = axesOf('mean', x, axes);
  const count = over.reduce((product, axis) => product * x.shape[axis], 1);
  const total: Tensor = sum(cast(x, 'float32'), { axes: over, keepDims });
  return div(total, count) as Tensor<MeanOf<D>>;
}

function extreme<D extends DType>(
  op: string,
  kind: 'max' | 'min',
  x: Tensor<D>,
  { axes, keepDims }: ReduceOptions,
): Tensor<SumOf<D>> {
  const over = axesOf(op, x, axes);
  if (over.length === 0) return summand(x);
  if (over.some((axis) => x.shape[axis] === 0))
    throw opError('ERR_JEPA_SHAPE', `[${op}] expected at least one element to reduce, got ${show(x.shape)}`);
  return dropped(x, reduce(x, kind, over), over, keepDims);
}
/**
 * Largest element over axes; NaN wins. Equal ones share the gradient.
 * @example await max(tensor([[1, 2], [5, 4]])).item(); // 5
 */
export function max<D extends DType>(x: Tensor<D>, options: ReduceOptions = {}): Tensor<SumOf<D>> {
  return extreme('max', 'max', x, options);
}
/**
 * Smallest element over axes; NaN wins. Equal ones share the gradient.
 * @example await min(tensor([[1, 2], [5, 4]]), { axes: [1] }).toArray(); // [1, 4]
 */
export function min<D extends DType>(x: Tensor<D>, options: ReduceOptions = {}): Tensor<SumOf<D>> {
  return extreme('min', 'min', x, options);
}

/**
 * Position of the largest element along an axis, the first of equals, as int32.
 * @example await argmax(tensor([[1, 2], [5, 4]])).toArray(); // [1, 0]
 */
export function argmax(
  x: Tensor,
  axis = -1,
  { keepDims = false }: { readonly keepDims?: boolean } = {},
): Tensor<'int32'> {
  const at = normaliseAxis('argmax', axis, x.shape);
  if (x.shape[at] === 0)
    throw opError('ERR_JEPA_SHAPE', `[argmax] expected at least one element along axis ${at}, got ${show(x.shape)}`);
  return dropped(x, reduce(x, 'argmax', [at]) as Tensor as Tensor<'int32'>, [at], keepDims);
}

export interface VarianceOptions extends ReduceOptions {
  /** Divides by n − correction: 1 (default) is the unbiased estimate, 0 the mean square. */
  readonly correction?: number;
}

/** Variance over axes, in two passes. @example await variance(tensor([1, 3]), { correction: 1 }).item(); // 2 */
export function variance<D extends DType>(
  x: Tensor<D>,
  { axes, keepDims, correction = 1 }: VarianceOptions = {},
): Tensor<MeanOf<D>> {
  const over = axesOf('variance', x, axes);
  const count = over.reduce((product, axis) => product * x.shape[axis], 1);
  const centred = sub(x as Tensor, mean(x as Tensor, { axes: over, keepDims: true }));
  const squares: Tensor = sum(square(centred), { axes: over, keepDims });
  return div(squares, Math.max(0, count - correction)) as Tensor<MeanOf<D>>;
}

/** log Σ exp x along an axis or several, without overflow. @example await logsumexp(tensor([0, 0])).item(); // 0.69315 */
export function logsumexp<D extends DType>(
  x: Tensor<D>,
  axis: number | readonly number[] = -1,
  { keepDims = false }: { readonly keepDims?: boolean } = {},
): Tensor<MeanOf<D>> {
  const axes = axesOf('logsumexp', x, typeof axis === 'number' ? [axis] : axis);
  const shift = finitePeak(x, axes);
  const total: Tensor = sum(exp(sub(x as Tensor, shift)), { axes, keepDims: true });
  return dropped(x, add(log(total), shift), axes, keepDims) as Tensor<MeanOf<D>>;
}

/** exp x / Σ exp x along an axis. @example await softmax(tensor([0, Math.log(3)])).toArray(); // [0.25, 0.75] */
export function softmax(x: Tensor, axis = -1): Tensor {
  const at = normaliseAxis('softmax', axis, x.shape);
  const e = exp(sub(x, stopPeak(x, [at])));
  return div(e, sum(e, { axes: [at], keepDims: true }));
}

/** log of softmax, without forming it. @example await logSoftmax(tensor([0, 0])).toArray(); // [-0.69315, -0.69315] */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return sub(x, logsumexp(x, axis, { keepDims: true }));
}

function stopPeak(x: Tensor, axes: readonly number[]): Tensor {
  return stopped(max(x, { axes, keepDims: true }));
}

// An infinite peak would turn x − peak into NaN where x is the peak: it is not subtracted.
function finitePeak(x: Tensor, axes: readonly number[]): Tensor {
  const peak = stopPeak(x, axes);
  return where(equal(sub(peak, peak), 0), peak, 0);
}
