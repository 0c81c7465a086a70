/** Storage types of tensors; the position in this list is the type's code in compiled programs. */
export const dtypes = ['float32', 'bfloat16', 'float16', 'int32', 'uint8', 'bool'] as const;

export type DType = (typeof dtypes)[number];

/** The array that holds values of each dtype on the host: bfloat16 and float16 as their bits, bool as 0 and 1. */
export interface HostArrays {
  float32: Float32Array;
  bfloat16: Uint16Array;
  float16: Uint16Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Host view of a tensor's values, of one dtype or of any. */
export type TypedArray<D extends DType = DType> = HostArrays[D];

export const hostArrays = {
  float32: Float32Array,
  bfloat16: Uint16Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;
