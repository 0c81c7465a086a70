import { checkDType, type DType, dtypeOf, elementFrom, fits, newArray, type TypedArray } from './dtype.js';
import { checkShape, type Shape, show, sizeOf } from './shape.js';
import { opError } from './site.js';
import { type Nested, Tensor } from './tensor.js';

export type TensorLike = Tensor | number;

/**
 * A tensor of given values. Typed arrays are held, not copied: do not change them afterwards.
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE
 * @example tensor([[1, 2], [3, 4]])                                // float32 [2, 2]
 * @example tensor(pixels, { shape: [64, 64, 3] })                    // uint8, from a Uint8Array
 */
export function tensor(
  values: TypedArray | readonly Nested[] | Nested,
  { shape, dtype }: { readonly shape?: Shape; readonly dtype?: DType } = {},
): Tensor {
  if (dtype !== undefined) checkDType('tensor', dtype);
  if (ArrayBuffer.isView(values)) {
    const kind = dtype ?? dtypeOf(values);
    if (!fits(kind, values))
      throw opError('ERR_JEPA_DTYPE', `[tensor] expected an array that holds ${kind}, got ${values.constructor.name}`);
    const extents = shape ?? [values.length];
    checkShape('tensor', extents);
    if (sizeOf(extents) !== values.length)
      throw opError(
        'ERR_JEPA_SHAPE',
        `[tensor] expected ${sizeOf(extents)} values for shape ${show(extents)}, got ${values.length}`,
      );
    return new Tensor([...extents], kind, undefined, 0, kind === 'bool' ? flags(values) : values);
  }
  const found = shapeOf(values as Nested);
  const flat: (number | boolean)[] = [];
  flatten(values as Nested, found, 0, flat);
  const kind = dtype ?? (flat.length > 0 && flat.every((value) => typeof value === 'boolean') ? 'bool' : 'float32');
  const data = newArray(kind, flat.length);
  for (let i = 0; i < flat.length; i++) data[i] = elementFrom(kind, Number(flat[i]));
  return tensor(data, { shape: shape ?? found, dtype: kind });
}

/** Zeros and ones: other numbers, as in masks of 255, would count as what they are. */
function flags(values: TypedArray): TypedArray {
  return values.some((value) => value > 1) ? values.map((value) => Number(value !== 0)) : values;
}

/** A tensor of shape []. @example scalar(1e-3) */
export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  checkDType('scalar', dtype);
  const data = newArray(dtype, 1);
  data[0] = elementFrom(dtype, value);
  return new Tensor([], dtype, undefined, 0, data);
}

/** Whole numbers start, start + 1 … end − 1 as int32 (or float32). */
export function arange(start: number, end: number, dtype: 'int32' | 'float32' = 'int32'): Tensor {
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
