import { JepaError } from '../errors.js';
import { type DType, hostArrays, type TypedArray } from './dtypes.js';
import { narrowed, rounded } from './narrow.js';

/** How the elements of a .npy file become those of a host tensor. */
interface NpyType {
  readonly dtype: DType;
  readonly width: number;
  /** @param bytes little-endian, aligned, and free to be kept */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>) => TypedArray;
}

/** By kind and size, as in a descr without its byte order. Narrow integers widen exactly; wide ones must fit. */
const types: Readonly<Record<string, NpyType>> = {
  b1: { dtype: 'bool', width: 1, decode: flags },
  u1: { dtype: 'uint8', width: 1, decode: (bytes) => bytes },
  i1: { dtype: 'int32', width: 1, decode: ({ buffer }) => Int32Array.from(new Int8Array(buffer)) },
  i2: { dtype: 'int32', width: 2, decode: ({ buffer }) => Int32Array.from(new Int16Array(buffer)) },
  u2: { dtype: 'int32', width: 2, decode: ({ buffer }) => Int32Array.from(new Uint16Array(buffer)) },
  i4: { dtype: 'int32', width: 4, decode: ({ buffer }) => new Int32Array(buffer) },
  u4: { dtype: 'int32', width: 4, decode: ({ buffer }) => narrowed('npy', new Uint32Array(buffer)) },
  i8: { dtype: 'int32', width: 8, decode: ({ buffer }) => narrowed('npy', new BigInt64Array(buffer)) },
  u8: { dtype: 'int32', width: 8, decode: ({ buffer }) => narrowed('npy', new BigUint64Array(buffer)) },
  f2: { dtype: 'float16', width: 2, decode: ({ buffer }) => new Uint16Array(buffer) },
  f4: { dtype: 'float32', width: 4, decode: ({ buffer }) => new Float32Array(buffer) },
  f8: { dtype: 'float32', width: 8, decode: ({ buffer }) => rounded('npy', new Float64Array(buffer)) },
};

/** What NumPy writes and no dtype here can hold. */
const unheld: readonly (readonly [RegExp, string])[] = [
  [/^[|]O\d*$/, 'Python objects, pickles that run code when they are read'],
  [/^[<>]c\d+$/, 'complex numbers'],
  [/^[<>]f(?:12|16)$/, 'extended floating-point numbers'],
  [/^[<>][mM]8(?:\[\w+\])?$/, 'dates or durations'],
  [/^[<>|][US]\d+$/, 'strings'],
  [/^[|]V\d+$/, 'raw bytes without a type (as ml_dtypes writes bfloat16: save .astype(numpy.float32))'],
];

/** The descr under which each dtype is written. NumPy has no bfloat16: it is written as float32, which holds it exactly. */
export const descrs: Readonly<Record<DType, string>> = {
  float32: '<f4',
  bfloat16: '<f4',
  float16: '<f2',
  int32: '<i4',
  uint8: '|u1',
  bool: '|b1',
};

/** @throws JepaError ERR_JEPA_DTYPE for types of NumPy that no dtype can hold, ERR_JEPA_CHECKPOINT_FORMAT for what is no type */
export function npyType(descr: string): NpyType & { readonly bigEndian: boolean } {
  const [order, kind] = [descr[0], descr.slice(1)];
  const type = Object.hasOwn(types, kind) ? types[kind] : undefined;
  if (type && (type.width === 1 ? '<>|' : '<>').includes(order)) return { ...type, bigEndian: order === '>' };
  for (const [pattern, what] of unheld)
    if (pattern.test(descr))
      throw new JepaError('ERR_JEPA_DTYPE', `[npy] expected numbers or booleans, got '${descr}': ${what}`);
  const got = `'${descr.slice(0, 40)}'`;
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[npy] expected a type such as '<f4' as descr, got ${got}`);
}

/** Swaps the bytes of every element in place. */
export function swapBytes({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>, width: number): void {
  const bytes = Buffer.from(buffer, byteOffset, length);
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else if (width === 8) bytes.swap64();
}

/** Values whose first axis runs fastest, put into the order in which the last does. */
export function fromFortranOrder(data: TypedArray, dtype: DType, shape: readonly number[]): TypedArray {
  const result = new hostArrays[dtype](data.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, extent) => product * extent, 1));
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < result.length; to++) {
    result[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

function flags(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((value) => value > 1);
  if (at < 0) return bytes;
  const got = `${bytes[at]} at element ${at}`;
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[npy] expected only 0 and 1 as booleans, got ${got}`);
}
