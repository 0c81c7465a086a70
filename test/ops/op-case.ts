import type { JepaErrorCode } from '#lib/errors.js';
import type * as ops from '#lib/ops/index.js';
import type { DType, Tensor } from '#lib/tensor/index.js';
import { type Array64, sizeOf } from './array.js';
import type { Tolerance } from './tolerance.js';

export interface Given extends Array64 {
  readonly dtype: DType;
  /** Whether the gradient with respect to it is checked. */
  readonly differentiate: boolean;
}
export type Named<Value> = Readonly<Record<string, Value>>;

/** One call of an op: what it is given, what it must give. */
export interface OpCase {
  readonly name: string;
  readonly inputs: Named<Given>;
  readonly forward: (inputs: Record<string, Tensor>) => Tensor | Named<Tensor>;
  /** The same in float64. */
  readonly reference: (inputs: Record<string, Array64>) => Array64 | Named<Array64>;
  readonly tolerance: Tolerance;
  /** The gradients of Σ output where the function has a corner and the convention decides; else central differences do. */
  readonly gradients?: Named<readonly number[]>;
  /** Only evaluated outside `compile`: draws that use the default generator. */
  readonly eager?: boolean;
  /** Error of the run, for what only values can show. */
  readonly fails?: { readonly code: JepaErrorCode; readonly message: string };
}

/** A call that must be refused when it is made. */
export interface Refusal {
  readonly call: () => unknown;
  readonly code: JepaErrorCode;
  /** What the message begins with. */
  readonly message: string;
}

export interface OpCases {
  /** The exports of lib/ops/index.ts that these cases are about. */
  readonly ops: readonly (keyof typeof ops)[];
  readonly cases: readonly OpCase[];
  readonly refusals: readonly Refusal[];
}

const known = new Map<string, readonly number[]>();

/** Numbers that look normal, the same in every run: sums of three uniform ones from a multiplicative generator. */
export function noise(count: number, seed = 1): readonly number[] {
  const key = `${count} ${seed}`;
  let values = known.get(key);
  if (!values) {
    values = drawn(count, seed);
    known.set(key, values);
  }
  return values;
}

function drawn(count: number, seed: number): number[] {
  let state = (seed * 48271) % 2147483647;
  const uniform = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return Array.from({ length: count }, () => Math.fround(2 * (uniform() + uniform() + uniform() - 1.5)));
}

export function given(shape: readonly number[], values: ArrayLike<number>, dtype: DType = 'float32'): Given {
  const data = Float64Array.from(values, (value) => (dtype === 'float32' ? Math.fround(value) : value));
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} values for [${shape.join()}]`);
  return { shape, data, dtype, differentiate: dtype === 'float32' };
}

export function normal(shape: readonly number[], seed = 1): Given {
  return given(shape, noise(sizeOf(shape), seed));
}

/** Normal numbers far from zero, where one-pass formulas cancel. */
export function offset(shape: readonly number[], by: number, seed = 1): Given {
  return given(
    shape,
    noise(sizeOf(shape), seed).map((value) => value + by),
  );
}

export function integers(shape: readonly number[], below: number, seed = 1): Given {
  return given(
    shape,
    noise(sizeOf(shape), seed).map((value) => Math.floor(Math.abs(value) * 1000) % below),
    'int32',
  );
}

export function fixed(input: Given): Given {
  return { ...input, differentiate: false };
}

/** What breaks formulas: no number, infinities, both zeros, the smallest and largest numbers. */
export const specialValues = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1e-40,
  -1.17549435e-38,
  1,
  -1,
  3.4028234e38,
  -3.4028234e38,
];
export const special = (): Given => fixed(given([specialValues.length], specialValues));

/** Elements of more than sixteen tiles: threads then claim tiles in chunks whose size depends on their number. */
export const manyTiles = 280_001;

/** Around the widths of vectors (8, 16), of a block of the elementwise machine (256), of a tile (many threads), empty and single. */
export const shapes: readonly (readonly number[])[] = [[], [0], [1], [7], [16], [3, 17], [2, 0, 5], [257], [40001]];

export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Refusals of shapes that do not fit, and of other arguments. */
export const shape = (call: () => unknown, message: string): Refusal => ({ call, code: 'ERR_JEPA_SHAPE', message });
export const argument = (call: () => unknown, message: string): Refusal => ({
  call,
  code: 'ERR_JEPA_INVALID_ARGUMENT',
  message,
});
