import { JepaError } from '../errors.js';
import { type DType, dtypes, hostArrays, type TypedArray } from '../io/dtypes.js';

export { type DType, dtypes, type TypedArray };

export function dtypeCode(dtype: DType): number {
  return dtypes.indexOf(dtype);
}

export function bytesPerElement(dtype: DType): number {
  return hostArrays[dtype].BYTES_PER_ELEMENT;
}

/** Whether a dtype is a floating-point one: float32, float16 or bfloat16. @example isFloat('bfloat16'); // true */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'bfloat16' || dtype === 'float16';
}

export function newArray<D extends DType>(dtype: D, length: number): TypedArray<D> {
  return new hostArrays[dtype](length) as TypedArray<D>;
}

/** The array of a dtype over a whole buffer. */
export function arrayOn(dtype: DType, buffer: ArrayBuffer): TypedArray {
  return new hostArrays[dtype](buffer);
}

/** @throws JepaError ERR_JEPA_DTYPE for what is no dtype */
export function checkDType(op: string, dtype: DType): void {
  if (!dtypes.includes(dtype))
    throw new JepaError('ERR_JEPA_DTYPE', `[${op}] expected a dtype among ${dtypes.join(', ')}, got '${dtype}'`);
}

const scratch = new DataView(new ArrayBuffer(4));

/** Nearest bfloat16 of a number, ties to even, as its 16 bits. @example toBfloat16(1); // 16256 */
export function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  let bits = scratch.getUint32(0);
  // Rounding to float32 may have hit the middle between two bfloat16 from one side: then that side decides, not evenness.
  if ((bits & 0xffff) === 0x8000) bits += Math.sign(Math.abs(value) - Math.abs(scratch.getFloat32(0)));
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The number that 16 bits of bfloat16 stand for; exact. @example fromBfloat16(0x3f80); // 1 */
export function fromBfloat16(bits: number): number {
  scratch.setUint32(0, bits * 65536);
  return scratch.getFloat32(0);
}

/** A float16's value from its 16 bits. @example fromFloat16(0x3c00); // 1 */
export function fromFloat16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction
        ? Number.NaN
        : Number.POSITIVE_INFINITY
      : exponent === 0
        ? fraction * 2 ** -24
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Nearest float16 of a number, ties to even, as its 16 bits. @example toFloat16(1); // 15360 */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const scaled = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return sign | (rounded < 1024 ? rounded : ((exponent + 15) << 10) + (rounded - 1024));
}

/** A host element as a number. */
export function numberFrom(dtype: DType, element: number): number {
  if (dtype === 'bfloat16') return fromBfloat16(element);
  if (dtype === 'float16') return fromFloat16(element);
  return element;
}

/** A number as a host element. */
export function elementFrom(dtype: DType, value: number): number {
  if (dtype === 'bfloat16') return toBfloat16(value);
  if (dtype === 'float16') return toFloat16(value);
  return dtype === 'bool' ? Number(value !== 0) : value;
}
