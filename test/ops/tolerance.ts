import { type Array64, sizeOf } from './array.js';

/** The families of tolerance. */
export type Tolerance =
  /** The same numbers: nothing is computed, or integers are. */
  | 'exact'
  /** One operation that IEEE 754 rounds correctly: the float64 result rounded to float32 once is that result. */
  | 'rounded'
  /** A polynomial of float32 steps: each of about eight roundings costs at most half a unit in the last place. */
  | 'units'
  /** Sums of up to a few thousand products whose terms cancel: error relative to the largest element, 170 half units. */
  | 'scaled'
  /** Results stored with eight bits of precision: half a unit of them. */
  | 'bfloat16';

const smallest = 2 ** -126; // below, results are flushed to zero

/** @returns what is wrong, or nothing */
export function differs(tolerance: Tolerance, actual: ArrayLike<number>, expected: Array64): string | undefined {
  if (actual.length !== sizeOf(expected.shape)) return `${actual.length} elements instead of ${sizeOf(expected.shape)}`;
  const scale = expected.data.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i];
    const b = tolerance === 'exact' ? expected.data[i] : Math.fround(expected.data[i]);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!Number.isFinite(b) || !(Math.abs(a - expected.data[i]) <= bound(tolerance, expected.data[i], scale)))
      return `element ${i} is ${a}, expected ${expected.data[i]} (${tolerance})`;
  }
  return undefined;
}

function bound(tolerance: Tolerance, value: number, scale: number): number {
  const magnitude = Math.abs(value);
  switch (tolerance) {
    case 'exact':
      return 0;
    case 'rounded':
      return magnitude < smallest ? smallest : 0;
    case 'units':
      return Math.max(smallest, 4 * 2 ** (Math.floor(Math.log2(Math.max(magnitude, smallest))) - 23));
    case 'bfloat16':
      return magnitude * 2 ** -8 + smallest;
    case 'scaled':
      return 1e-5 * scale;
  }
}

/** Gradients are sums of products of rounded factors, compared with differences whose own error is below 1e-8. */
export const gradientTolerance = 3e-5;
