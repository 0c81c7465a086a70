import { narrowed, rounded } from '../io/narrow.js';
import type { DType, TypedArray } from './dtype.js';
import { opError } from './site.js';

/** What V8 13.1 and later (Node 23) have as Float16Array. */
export interface Float16ArrayLike extends ArrayBufferView {
  readonly length: number;
  readonly [Symbol.toStringTag]: 'Float16Array';
}

/**
 * Typed arrays that values are taken from, on an ArrayBuffer or a SharedArrayBuffer. 64-bit integers and others that no dtype has become
 * int32 if every value fits, Float64Array the nearest float32.
 */
export type HostValues =
  | TypedArray
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float64Array
  | Float16ArrayLike;

type NestedOf<Value> = Value | readonly NestedOf<Value>[];

/** Numbers or booleans in arrays in arrays: row-major, all rows of one length. */
export type NestedValues = NestedOf<number | boolean>;

/** The dtype that values have without being told. */
export type DTypeOf<Values> = Values extends Float32Array | Float64Array | NestedOf<number>
  ? 'float32'
  : Values extends Int32Array | Int16Array | Int8Array | Uint32Array | BigInt64Array | BigUint64Array
    ? 'int32'
    : Values extends Uint8Array | Uint8ClampedArray
      ? 'uint8'
      : Values extends Float16ArrayLike
        ? 'float16'
        : Values extends NestedOf<boolean>
          ? 'bool'
          : DType;

interface Source {
  /** What its values become when nobody says; none for Uint16Array, which may hold bits or whole numbers. */
  readonly dtype?: DType;
  /** What else its elements can be, as they are. */
  readonly also?: readonly DType[];
  readonly convert?: (op: string, values: never) => TypedArray;
}

const bytes: Source = { dtype: 'uint8', also: ['bool'] };
const narrow: Source = { dtype: 'int32', convert: narrowed };
const widen: Source = { dtype: 'int32', convert: (_, values: Int8Array | Int16Array) => Int32Array.from(values) };
const bits = (_: string, { buffer, byteOffset, length }: Float16ArrayLike): Uint16Array =>
  new Uint16Array(buffer, byteOffset, length);

/** By the name that arrays of every realm carry. */
const sources: Readonly<Record<string, Source | undefined>> = {
  Float32Array: { dtype: 'float32' },
  Float64Array: { dtype: 'float32', convert: rounded },
  Float16Array: { dtype: 'float16', convert: bits },
  Uint16Array: { also: ['bfloat16', 'float16'] },
  Int32Array: { dtype: 'int32' },
  Uint8Array: bytes,
  Uint8ClampedArray: bytes,
  Int8Array: widen,
  Int16Array: widen,
  Uint32Array: narrow,
  BigInt64Array: narrow,
  BigUint64Array: narrow,
};

/**
 * A typed array as the library holds it: itself where a dtype has such elements, else a conversion.
 * @param dtype what it shall hold, if the caller has said so
 * @throws JepaError ERR_JEPA_DTYPE for what is no typed array, holds another dtype, or has a value that does not fit
 */
export function hostValues(
  op: string,
  values: HostValues,
  dtype?: DType,
): { readonly dtype: DType; readonly data: TypedArray } {
  const name = String((values as { [Symbol.toStringTag]?: string })?.[Symbol.toStringTag]);
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  const own = dtype ?? source?.dtype;
  if (!source || own === undefined)
    throw opError(
      'ERR_JEPA_DTYPE',
      `[${op}] expected numbers in a typed array, or a dtype in the options, got ${name}`,
      name === 'Uint16Array' ? { help: ["say { dtype: 'bfloat16' } or 'float16' for bits of 16-bit floats"] } : {},
    );
  if (own !== source.dtype && !source.also?.includes(own))
    throw opError('ERR_JEPA_DTYPE', `[${op}] expected an array that holds ${own}, got ${name}`);
  const data = source.convert ? source.convert(op, values as never) : (values as TypedArray);
  return { dtype: own, data: own === 'bool' ? flags(data) : data };
}

/** Zeros and ones: other numbers, as in masks of 255, would count as what they are. */
function flags(values: TypedArray): TypedArray {
  return values.some((value) => value > 1) ? values.map((value) => Number(value !== 0)) : values;
}
