import { scalar } from '../tensor/create.js';
import type { DType } from '../tensor/dtype.js';
import { checkShape, type Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { broadcastTo } from './views.js';

/**
 * A tensor that is one number everywhere; takes no memory until something needs it to.
 * @example await full([2], 7).toArray(); // [7, 7]
 */
export function full<D extends DType = 'float32'>(shape: Shape, value: number, dtype: D = 'float32' as D): Tensor<D> {
  checkShape('full', shape);
  return broadcastTo(scalar(value, dtype), shape);
}
/** A tensor of zeros. @example zeros([2, 3]) */
export function zeros<D extends DType = 'float32'>(shape: Shape, dtype: D = 'float32' as D): Tensor<D> {
  return full(shape, 0, dtype);
}
/** A tensor of ones. @example await ones([2], 'int32').toArray(); // [1, 1] */
export function ones<D extends DType = 'float32'>(shape: Shape, dtype: D = 'float32' as D): Tensor<D> {
  return full(shape, 1, dtype);
}
