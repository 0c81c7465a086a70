import { JepaError } from '../errors.js';
import { type DType, dtypes, hostArrays, type TypedArray } from './dtypes.js';

/** A tensor in host memory. bfloat16 and float16 are carried as their bits, bool as 0 and 1. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Product of the extents and the bytes of an element; undefined from 2^53 on, even where a later extent of 0 would hide it. */
export function byteSize(shape: readonly number[], bytesPerElement: number): number | undefined {
  let size = bytesPerElement;
  let overflow = false;
  for (const extent of shape) {
    overflow ||= extent !== 0 && !Number.isSafeInteger(size * extent);
    size *= extent;
  }
  return overflow ? undefined : size;
}

/**
 * Checks what is to be written: dtype, the array that carries it, and as many elements as the shape has.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_SHAPE
 */
export function checkHostTensor(where: string, name: string, tensor: HostTensor): void {
  const invalid = (expected: string, got: string): never => {
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected ${expected}, got ${got}`);
  };
  const { dtype, shape, data } = tensor ?? {};
  if (!dtypes.includes(dtype)) invalid(`a dtype among ${dtypes.join(', ')} for '${name}'`, `'${dtype}'`);
  if (!(data instanceof hostArrays[dtype]))
    invalid(`${hostArrays[dtype].name} as data of '${name}'`, (data as object | undefined)?.constructor.name ?? 'none');
  if (!Array.isArray(shape) || !shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    invalid(`whole numbers from 0 as shape of '${name}'`, `${shape}`);
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (elements === data.length) return;
  const expected = `${elements} elements for '${name}' of shape [${shape.join(', ')}]`;
  throw new JepaError('ERR_JEPA_SHAPE', `[${where}] expected ${expected}, got ${data.length}`);
}
