/** A binary float format: bits of its significand after the point, exponents of its smallest and largest normal numbers. */
export interface FloatFormat {
  readonly fraction: number;
  readonly least: number;
  readonly most: number;
}
export const bfloat16: FloatFormat = { fraction: 7, least: -126, most: 127 };
export const float16: FloatFormat = { fraction: 10, least: -14, most: 15 };

const view = new DataView(new ArrayBuffer(8));

/** Bits of the nearest number of a format, ties to even (IEEE 754-2019, 4.3.1), from a float64. All steps but the rounding are exact. */
export function nearestBits(value: number, { fraction, least, most }: FloatFormat): number {
  const width = most === 127 ? 8 : 5;
  const infinity = (2 ** width - 1) * 2 ** fraction;
  if (Number.isNaN(value)) return infinity + 2 ** (fraction - 1);
  view.setFloat64(0, value);
  const sign = view.getUint32(0) >>> 31 ? 2 ** (width + fraction) : 0;
  const magnitude = Math.abs(value);
  const exponent = Math.max(((view.getUint32(0) >>> 20) & 0x7ff) - 1023, least);
  const steps = magnitude / 2 ** (exponent - fraction); // infinite for what is beyond float64's own range too
  const below = Math.floor(steps);
  const up = steps - below > 0.5 || (steps - below === 0.5 && below % 2 === 1);
  // A carry out of the fraction runs into the exponent, and out of the largest exponent into infinity.
  const bits = (exponent - least) * 2 ** fraction + below + (up ? 1 : 0);
  return sign + Math.min(bits, infinity);
}

/** The number that bits of a format stand for. */
export function numberOf(bits: number, { fraction, least, most }: FloatFormat): number {
  const width = most === 127 ? 8 : 5;
  const sign = bits & (1 << (width + fraction)) ? -1 : 1;
  const exponent = (bits >> fraction) & (2 ** width - 1);
  const digits = bits & (2 ** fraction - 1);
  if (exponent === 2 ** width - 1) return digits === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * digits * 2 ** (least - fraction)
    : sign * (2 ** fraction + digits) * 2 ** (exponent - 1 + least - fraction);
}
