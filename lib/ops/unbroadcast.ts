import type { Shape } from '../tensor/shape.js';
import { sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { sum } from './reduce.js';
import { reshape } from './views.js';

/** The adjoint of broadcasting: sums a cotangent over the axes along which an operand was repeated. */
export function unbroadcast(cotangent: Tensor, shape: Shape): Tensor {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const lead = cotangent.shape.length - shape.length;
  const axes = cotangent.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && cotangent.shape[axis] !== 1));
  return reshape(sum(cotangent, { axes, keepDims: true }), shape);
}
