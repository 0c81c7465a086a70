import { checkDType, type DType, elementFrom, newArray } from './dtype.js';
import { type DTypeOf, type HostValues, hostValues, type NestedValues } from './host-values.js';
import { checkShape, type Shape, show, sizeOf } from './shape.js';
import { opError } from './site.js';
import { type Nested, Tensor } from './tensor.js';

export type TensorLike = Tensor | number;

/** What `tensor` says beside the values. */
export interface TensorOptions<D extends DType = DType> {
  /** Default: as nested as the arrays are; one axis for a typed array. */
  readonly shape?: Shape;
  /** Default: what the values have; float32 for numbers, bool for booleans. */
  readonly dtype?: D;
}

/**
 * A tensor of given values. Typed arrays are held, not copied: do not change them afterwards. 64-bit integers become int32 and
 * Float64Array float32; a value that does not fit is refused.
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE
 * @example tensor([[1, 2], [3, 4]])                                // float32 [2, 2]
 * @example tensor(pixels, { shape: [64, 64, 3] })                    // uint8, from a Uint8Array
 * @example tensor(BigInt64Array.of(3n, 1n))                          // int32
 */
export function tensor<V extends HostValues | NestedValues, D extends DType = DTypeOf<V>>(
  values: V,
  options?: TensorOptions<D>,
): Tensor<D>;
export function tensor(values: HostValues | NestedValues, { shape, dtype }: TensorOptions = {}): Tensor {
  if (dtype !== undefined) checkDType('tensor', dtype);
  if (ArrayBuffer.isView(values)) {
    const host = hostValues('tensor', values, dtype);
    const extents = shape ?? [host.data.length];
    checkShape('tensor', extents);
    if (sizeOf(extents) !== host.data.length)
      throw opError(
        'ERR_JEPA_SHAPE',
        `[tensor] expected ${sizeOf(extents)} values for shape ${show(extents)}, got ${host.data.length}`,
      );
    return new Tensor([...extents], host.dtype, undefined, 0, host.data);
  }
  const found = shapeOf(values as Nested);
  const flat: (number | boolean)[] = [];
  flatten(values as Nested, found, 0, flat);
  const kind = dtype ?? (flat.length > 0 && flat.every((value) => typeof value === 'boolean') ? 'bool' : 'float32');
  const data = newArray(kind, flat.length);
  for (let i = 0; i < flat.length; i++) data[i] = elementFrom(kind, Number(flat[i]));
  return tensor(data, { shape: shape ?? found, dtype: kind });
}

/** A tensor of shape []. @example await scalar(3).item(); // 3 */
export function scalar<D extends DType = 'float32'>(value: number, dtype: D = 'float32' as D): Tensor<D> {
  checkDType('scalar', dtype);
  const data = newArray(dtype, 1);
  data[0] = elementFrom(dtype, value);
  return new Tensor([], dtype, undefined, 0, data);
}

/**
 * Whole numbers start, start + 1 … end − 1 as int32 (or float32).
 * @example await arange(0, 4).toArray(); // [0, 1, 2, 3]
 */
export function arange<D extends 'int32' | 'float32' = 'int32'>(
  start: number,
  end: number,
  dtype: D = 'int32' as D,
): Tensor<D> {
  if (!Number.isInteger(start) || !Number.isInteger(end))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[arange] expected whole numbers, got ${start} and ${end}`);
  const length = Math.max(0, end - start);
  const data = newArray(dtype, length);
  for (let i = 0; i < length; i++) data[i] = start + i;
  return new Tensor([length], dtype, undefined, 0, data);
}

function shapeOf(values: Nested): number[] {
  const shape: number[] = [];
  for (let level: Nested = values; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

function flatten(values: Nested, shape: Shape, axis: number, flat: (number | boolean)[]): void {
  if (!Array.isArray(values)) {
    if (axis !== shape.length || (typeof values !== 'number' && typeof values !== 'boolean'))
      throw ragged(shape, values);
    flat.push(values);
    return;
  }
  if (values.length !== shape[axis]) throw ragged(shape, values);
  for (const value of values) flatten(value, shape, axis + 1, flat);
}

function ragged(shape: Shape, values: unknown): Error {
  return opError(
    'ERR_JEPA_SHAPE',
    `[tensor] expected nested arrays of shape ${show(shape)}, got ${JSON.stringify(values)?.slice(0, 60)} in them`,
  );
}
