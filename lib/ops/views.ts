import { broadcastView, isDense } from '../tensor/compiler/ir.js';
import type { DType } from '../tensor/dtype.js';
import { apply, type OpDefinition, type StridedView } from '../tensor/op.js';
import {
  broadcastShapes,
  checkShape,
  denseStrides,
  normaliseAxis,
  type Shape,
  sameShape,
  show,
  sizeOf,
} from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { pad } from './parts.js';
import { unbroadcast } from './unbroadcast.js';

const reshapeOp: OpDefinition<Shape> = {
  name: 'reshape',
  outputs: ([{ dtype }], shape) => [{ shape, dtype }],
  view: (view, shape) => reshaped(view, shape),
  gradient: ({ inputs: [x], cotangents: [dy] }) => [reshape(dy as Tensor, x.shape)],
};

/**
 * The same elements in another shape; one extent may be −1. @throws JepaError ERR_JEPA_SHAPE
 * @example await reshape(tensor([1, 2, 3, 4]), [2, -1]).toArray(); // [[1, 2], [3, 4]]
 */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const known = shape.filter((extent) => extent !== -1).reduce((product, extent) => product * extent, 1);
  const free = shape.filter((extent) => extent === -1).length;
  const result = shape.map((extent) => (extent === -1 ? (known === 0 ? 0 : x.size / known) : extent));
  checkShape(
    'reshape',
    free > 1
      ? shape
      : result
          .map((extent) => (Number.isInteger(extent) ? extent : -1))
          .map((extent, axis) => (extent === -1 ? shape[axis] : extent)),
  );
  if (free > 1 || sizeOf(result) !== x.size)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[reshape] expected a shape of ${x.size} elements for ${show(x.shape)}, got ${show(shape)}`,
    );
  return sameShape(result, x.shape) ? x : (apply(reshapeOp, [x], result)[0] as Tensor<D>);
}

/** Strides of a reshaped view where groups of axes stay dense among themselves; undefined where a copy is needed. */
function reshaped(view: StridedView, shape: Shape): StridedView | undefined {
  if (isDense(view)) return { shape, strides: denseStrides(shape), offset: view.offset };
  if (sizeOf(shape) === 0) return { shape, strides: denseStrides(shape), offset: view.offset };
  const from = view.shape
    .map((extent, axis) => ({ extent, stride: view.strides[axis] }))
    .filter(({ extent }) => extent !== 1);
  const strides = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let axis = 0; axis < shape.length; ) {
    if (shape[axis] === 1) {
      axis++;
      continue;
    }
    // The shortest run of old axes and of new axes with the same number of elements.
    const firstOld = at;
    const firstNew = axis;
    let old = from[at++]?.extent ?? 1;
    let fresh = shape[axis++];
    while (old !== fresh) {
      if (old < fresh) old *= from[at++].extent;
      else fresh *= shape[axis++];
    }
    for (let k = firstOld; k + 1 < at; k++)
      if (from[k].stride !== from[k + 1].stride * from[k + 1].extent) return undefined;
    let stride = from[at - 1]?.stride ?? 1;
    for (let k = axis - 1; k >= firstNew; k--) {
      strides[k] = stride;
      stride *= shape[k];
    }
  }
  return { shape, strides, offset: view.offset };
}

const permuteOp: OpDefinition<readonly number[]> = {
  name: 'permute',
  outputs: ([{ shape, dtype }], order) => [{ shape: order.map((axis) => shape[axis]), dtype }],
  view: ({ shape, strides, offset }, order) => ({
    shape: order.map((axis) => shape[axis]),
    strides: order.map((axis) => strides[axis]),
    offset,
  }),
  gradient: ({ attributes, cotangents: [dy] }) => [
    permute(
      dy as Tensor,
      attributes.map((_, axis) => attributes.indexOf(axis)),
    ),
  ],
};

/**
 * Axes in another order: axis i of the result is axis order[i] of x.
 * @example permute(zeros([2, 3, 4]), [2, 0, 1]).shape; // [4, 2, 3]
 */
export function permute<D extends DType>(x: Tensor<D>, order: readonly number[]): Tensor<D> {
  const axes = order.map((axis) => normaliseAxis('permute', axis, x.shape));
  if (new Set(axes).size !== x.rank || axes.length !== x.rank)
    throw opError('ERR_JEPA_SHAPE', `[permute] expected every axis of ${show(x.shape)} once, got ${show(order)}`);
  return axes.every((axis, index) => axis === index) ? x : (apply(permuteOp, [x], axes)[0] as Tensor<D>);
}

/**
 * Two axes exchanged, by default the last two.
 * @example await transpose(tensor([[1, 2], [3, 4]])).toArray(); // [[1, 3], [2, 4]]
 */
export function transpose<D extends DType>(x: Tensor<D>, axisA = -2, axisB = -1): Tensor<D> {
  const order = x.shape.map((_, axis) => axis);
  const a = normaliseAxis('transpose', axisA, x.shape);
  const b = normaliseAxis('transpose', axisB, x.shape);
  [order[a], order[b]] = [order[b], order[a]];
  return permute(x, order);
}

const broadcastOp: OpDefinition<Shape> = {
  name: 'broadcast',
  outputs: ([{ dtype }], shape) => [{ shape, dtype }],
  view: (view, shape) => broadcastView(view, shape),
  gradient: ({ inputs: [x], cotangents: [dy] }) => [unbroadcast(dy as Tensor, x.shape)],
};

/**
 * x repeated along axes of extent 1 and new leading axes, without copying. @throws JepaError ERR_JEPA_SHAPE
 * @example await broadcastTo(tensor([1, 2]), [2, 2]).toArray(); // [[1, 2], [1, 2]]
 */
export function broadcastTo<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  checkShape('broadcastTo', shape);
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[broadcastTo] expected a shape that ${show(x.shape)} broadcasts to, got ${show(shape)}`,
    );
  return sameShape(x.shape, shape) ? x : (apply(broadcastOp, [x], shape)[0] as Tensor<D>);
}

interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

const sliceOp: OpDefinition<SliceAttributes> = {
  name: 'slice',
  outputs: ([{ shape, dtype }], attributes) => [{ shape: sliced(shape, attributes), dtype }],
  view: ({ shape, strides, offset }, attributes) => ({
    shape: sliced(shape, attributes),
    strides: strides.map((stride, axis) => (axis === attributes.axis ? stride * attributes.step : stride)),
    offset: sizeOf(sliced(shape, attributes)) === 0 ? offset : offset + attributes.start * strides[attributes.axis],
  }),
  gradient: ({ inputs: [x], attributes: { axis, start, step }, cotangents: [dy] }) => {
    const cotangent = dy as Tensor;
    const spread = step === 1 ? cotangent : spaced(cotangent, axis, step);
    const after = x.shape[axis] - start - spread.shape[axis];
    return [
      pad(
        spread,
        x.shape.map((_, k) => (k === axis ? [start, after] : [0, 0])),
      ),
    ];
  },
};

function sliced(shape: Shape, { axis, start, end, step }: SliceAttributes): number[] {
  return shape.map((extent, k) => (k === axis ? Math.max(0, Math.ceil((end - start) / step)) : extent));
}

/** Elements `step` apart along an axis with zeros between them. */
function spaced(x: Tensor, axis: number, step: number): Tensor {
  const opened = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const padded = pad(
    reshape(x, opened),
    opened.map((_, k) => (k === axis + 1 ? [0, step - 1] : [0, 0])),
  );
  const joined = reshape(
    padded,
    x.shape.map((extent, k) => (k === axis ? extent * step : extent)),
  );
  return slice(joined, axis, 0, Math.max(0, (x.shape[axis] - 1) * step + 1));
}

/**
 * Elements start, start + step … before end along an axis; negative positions count from the end. Free of copies.
 * @example await slice(tensor([1, 2, 3, 4, 5]), 0, 1, 4).toArray(); // [2, 3, 4]
 */
export function slice<D extends DType>(x: Tensor<D>, axis: number, start: number, end?: number, step = 1): Tensor<D> {
  const at = normaliseAxis('slice', axis, x.shape);
  const extent = x.shape[at];
  const position = (value: number): number => Math.min(extent, Math.max(0, value < 0 ? value + extent : value));
  if (!Number.isInteger(start) || !Number.isInteger(end ?? 0) || !Number.isInteger(step) || step < 1)
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[slice] expected whole positions and a step of at least 1, got ${start}, ${end}, ${step}`,
    );
  const attributes = {
    axis: at,
    start: position(start),
    end: Math.max(position(start), position(end ?? extent)),
    step,
  };
  return attributes.start === 0 && attributes.end === extent && step === 1
    ? x
    : (apply(sliceOp, [x], attributes)[0] as Tensor<D>);
}

/** Axes of extent 1 removed: all of them, or the given ones. @example squeeze(zeros([1, 3, 1])).shape; // [3] */
export function squeeze<D extends DType>(x: Tensor<D>, axes?: readonly number[]): Tensor<D> {
  const drop = new Set(
    axes?.map((axis) => normaliseAxis('squeeze', axis, x.shape)) ??
      x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : [])),
  );
  for (const axis of drop)
    if (x.shape[axis] !== 1)
      throw opError('ERR_JEPA_SHAPE', `[squeeze] expected axis ${axis} of ${show(x.shape)} to have extent 1`);
  return reshape(
    x,
    x.shape.filter((_, axis) => !drop.has(axis)),
  );
}

/** A new axis of extent 1 before position `axis`. @example unsqueeze(zeros([3]), 0).shape; // [1, 3] */
export function unsqueeze<D extends DType>(x: Tensor<D>, axis: number): Tensor<D> {
  const at = normaliseAxis('unsqueeze', axis, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** All elements in one axis. @example await flatten(tensor([[1, 2], [3, 4]])).toArray(); // [1, 2, 3, 4] */
export function flatten<D extends DType>(x: Tensor<D>): Tensor<D> {
  return reshape(x, [x.size]);
}

const stopOp: OpDefinition<null> = {
  name: 'stop_gradient',
  outputs: ([{ shape, dtype }]) => [{ shape, dtype }],
  view: (view) => view,
  gradient: null,
};
/** The same values; no gradient flows through. */
export function stopped<D extends DType>(x: Tensor<D>): Tensor<D> {
  return apply(stopOp, [x], null)[0] as Tensor<D>;
}
