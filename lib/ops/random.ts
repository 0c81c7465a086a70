import { scalar, type TensorLike } from '../tensor/create.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { checkShape, type Shape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import { Tensor } from '../tensor/tensor.js';
import { currentTrace } from '../tensor/trace.js';
import { cast } from './elementwise.js';
import { topK } from './rows.js';
import { reshape } from './views.js';

/** What random numbers depend on, and nothing else: the same key gives the same numbers on every device, at any place in a program. */
export interface RandomKey {
  /** 32-bit seed. Outside `compile` the default generator of {@link manualSeed} is used without one. */
  readonly seed?: TensorLike;
  /** Number of the training step or draw (default 0). */
  readonly step?: TensorLike;
  /** Names the use, as a parameter's path does: two draws of one name and step are equal. Required inside `compile`. */
  readonly stream?: string;
}

const kinds = ['bits', 'uniform', 'normal'] as const;

interface Attributes {
  readonly kind: (typeof kinds)[number];
  readonly stream: string;
  readonly shape: Shape;
  readonly a: number;
  readonly b: number;
}

const randomOp: OpDefinition<Attributes> = {
  name: 'random',
  outputs: (_, { shape, kind }) => [{ shape, dtype: kind === 'bits' ? 'int32' : 'float32' }],
  native: {
    layouts: ['contiguous'],
    encode: (writer, { kind, stream, a, b }) => writer.u32(kinds.indexOf(kind)).bits64(streamKey(stream)).f32(a).f32(b),
  },
  gradient: null,
};

let defaultSeed = 0;
let draws = 0;

/**
 * Seeds the default generator of draws outside `compile`.
 * @example
 * manualSeed(1);
 * const once = await uniform([3]).toArray();
 * manualSeed(1);
 * const again = await uniform([3]).toArray(); // equal to once
 */
export function manualSeed(seed: number): void {
  if (!Number.isInteger(seed))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[manualSeed] expected an integer, got ${seed}`);
  defaultSeed = seed | 0;
  draws = 0;
}

function draw(
  op: string,
  kind: Attributes['kind'],
  shape: Shape,
  { seed, step, stream }: RandomKey,
  a: number,
  b: number,
): Tensor<never> {
  checkShape(op, shape);
  if (currentTrace() && (stream === undefined || seed === undefined)) {
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected a seed and a stream inside compile, got ${stream === undefined ? 'no stream' : 'no seed'}`,
      { help: ["pass the seed and the step as tensors and name the stream, e.g. { seed, step, stream: 'dropout' }"] },
    );
  }
  const inputs = [intScalar(seed ?? defaultSeed), intScalar(step ?? (seed === undefined ? draws++ : 0))];
  return apply(randomOp, inputs, { kind, stream: stream ?? 'default', shape, a, b })[0] as Tensor<never>;
}

/**
 * Normally distributed numbers (Box–Muller on Philox 4×32-10, Salmon et al. 2011).
 * @example const noise = normal([2, 3], { std: 0.1, seed: 1, step: 0, stream: 'noise' }); // same key, same numbers
 */
export function normal(
  shape: Shape,
  { mean = 0, std = 1, ...key }: RandomKey & { readonly mean?: number; readonly std?: number } = {},
): Tensor<'float32'> {
  if (!(Number.isFinite(mean) && Number.isFinite(std) && std >= 0))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[normal] expected a finite mean and a non-negative std, got ${mean} and ${std}`,
    );
  return draw('normal', 'normal', shape, key, mean, std);
}

/**
 * Uniform numbers in [low, high).
 * @example const angles = uniform([100], { low: -Math.PI, high: Math.PI, seed: 1 });
 */
export function uniform(
  shape: Shape,
  { low = 0, high = 1, ...key }: RandomKey & { readonly low?: number; readonly high?: number } = {},
): Tensor<'float32'> {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[uniform] expected low ≤ high, both finite, got ${low} and ${high}`);
  return draw('uniform', 'uniform', shape, key, low, high);
}

/** Random 32-bit words as int32. @example const words = randomBits([4], { seed: 1 }); */
export function randomBits(shape: Shape, key: RandomKey = {}): Tensor<'int32'> {
  return draw('randomBits', 'bits', shape, key, 0, 0);
}

/**
 * The numbers 0 … n − 1 in random order, as int32 [n].
 * @example
 * const order = permutation(10, { seed: 1 });
 * await sum(order).item(); // 45
 */
export function permutation(n: number, key: RandomKey = {}): Tensor<'int32'> {
  checkShape('permutation', [n]);
  return topK(uniform([n], key), n).indices;
}

function intScalar(value: TensorLike): Tensor {
  if (!(value instanceof Tensor)) return reshape(scalar(value | 0, 'int32'), [1]);
  if (value.size !== 1)
    throw opError('ERR_JEPA_SHAPE', `[random] expected seed and step to be scalars, got ${show(value.shape)}`);
  return reshape(cast(value, 'int32'), [1]);
}

/** FNV-1a, 64 bits, of a stream's name. */
export function streamKey(stream: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(stream))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
