import type { HostTensor } from '#lib/io/safetensors.js';
import { numberFrom } from '#lib/tensor/dtype.js';
import type { GoldenCall } from './case.js';

export interface Verdict {
  readonly name: string;
  readonly error: number;
  readonly tolerance: number;
  readonly pass: boolean;
}

export type Numbers = ArrayLike<number>;

/** The values of a host tensor as numbers. */
export function numbersOf({ dtype, data }: HostTensor): Float64Array {
  return Float64Array.from(data as ArrayLike<number>, (element) => numberFrom(dtype, element));
}

const tiny = 2 ** -126;

/** Compares a result with the golden one under the rules of its case. */
export function verdict(
  call: GoldenCall,
  name: string,
  actual: Numbers,
  expected: Numbers,
  kind: 'output' | 'gradient',
): Verdict {
  if (actual.length !== expected.length) return { name, error: Number.POSITIVE_INFINITY, tolerance: 0, pass: false };
  const plain = Math.max(kind === 'output' ? 1e-5 : 1e-4, 4 * (call.referenceError[name] ?? 0));
  const mode = kind === 'output' ? call.compare : undefined;
  if (mode === 'equal')
    return { name, error: unequal(actual, expected), tolerance: 0, pass: unequal(actual, expected) === 0 };
  if (mode === 'ulp') return ulpVerdict(call, name, actual, expected);
  let error = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const b = expected[i];
    if (!Number.isFinite(b)) {
      if (!Object.is(actual[i], b)) error = Number.POSITIVE_INFINITY;
      continue;
    }
    const difference = Math.abs(actual[i] - b);
    scale = Math.max(scale, Math.abs(b));
    if (Number.isNaN(difference)) error = Number.POSITIVE_INFINITY;
    else if (mode === 'relative') error = Math.max(error, Math.max(0, difference - tiny) / Math.max(Math.abs(b), tiny));
    else error = Math.max(error, difference);
  }
  if (mode === 'sum_abs') {
    const total = numbersOf(call.tensors.get('input.x') as HostTensor).reduce((sum, value) => sum + Math.abs(value), 0);
    return { name, error: error / Math.max(total, tiny), tolerance: 1e-6, pass: error <= 1e-6 * Math.max(total, tiny) };
  }
  const scaled = mode === 'relative' || scale === 0 ? error : error / scale;
  return { name, error: scaled, tolerance: plain, pass: scaled <= plain };
}

function unequal(actual: Numbers, expected: Numbers): number {
  let count = 0;
  for (let i = 0; i < expected.length; i++)
    if (!(actual[i] === expected[i] || (Number.isNaN(actual[i]) && Number.isNaN(expected[i])))) count++;
  return count;
}

/** |a − y − remainder| in units of the float32 spacing at y; below the normal range absolute. */
function ulpVerdict(call: GoldenCall, name: string, actual: Numbers, expected: Numbers): Verdict {
  const remainder = numbersOf(call.tensors.get('output.remainder') as HostTensor);
  const reference = (call.attributes.reference_ulp as Record<string, number> | undefined)?.y ?? 0;
  const tolerance = Math.max(4, 2 * reference);
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    const y = expected[i];
    if (!Number.isFinite(y)) {
      if (!Object.is(actual[i], y)) error = Number.POSITIVE_INFINITY;
      continue;
    }
    const difference = Math.abs(actual[i] - y - remainder[i]);
    const spacing = Math.abs(y) >= tiny ? 2 ** (Math.floor(Math.log2(Math.abs(y))) - 23) : 0;
    const own = spacing > 0 ? difference / spacing : difference <= tiny ? 0 : Number.POSITIVE_INFINITY;
    error = Number.isNaN(own) ? Number.POSITIVE_INFINITY : Math.max(error, own);
  }
  return { name, error, tolerance, pass: error <= tolerance };
}
