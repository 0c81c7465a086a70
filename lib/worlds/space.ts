import { isRecord } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { Random } from './random.js';

/** Arrays of numbers between bounds: images, sensor readings, forces. */
export interface BoxSpace {
  readonly type: 'box';
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'uint8';
  /** One bound for all elements, or one per element of the last axis. */
  readonly low: number | readonly number[];
  readonly high: number | readonly number[];
  /** Names and units of the last axis, e.g. ['force x', 'force y'] and ['N', 'N']. */
  readonly names?: readonly string[];
  readonly units?: readonly string[];
}

/** One of `size` choices: 0 … size − 1. */
export interface DiscreteSpace {
  readonly type: 'discrete';
  readonly size: number;
  readonly names?: readonly string[];
}

export type Space = BoxSpace | DiscreteSpace;
export type SpaceValue = Float32Array | Uint8Array | number;

/** Several spaces by name: what is seen of several cameras and sensors at once. */
export interface DictSpace {
  readonly type: 'dict';
  readonly spaces: Readonly<Record<string, Space>>;
}

/** What observations are of, and an observation: of one modality, or of several by name. */
export type ObservationSpace = Space | DictSpace;
export type ObservationValue = SpaceValue | Readonly<Record<string, SpaceValue>>;

/**
 * A space of arrays.
 * @example box({ shape: [2], low: -1.2, high: 1.2, names: ['force x', 'force y'], units: ['N', 'N'] })
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT when shape, bounds, names and units do not fit each other
 */
export function box(options: Omit<BoxSpace, 'type' | 'dtype'> & { readonly dtype?: BoxSpace['dtype'] }): BoxSpace {
  checkOptions('box', options, ['shape', 'dtype', 'low', 'high', 'names', 'units']);
  const space: BoxSpace = { dtype: 'float32', ...options, type: 'box' };
  const problem = spaceProblem(space);
  if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[box] expected ${problem}`);
  return space;
}

/** A space of choices. @example discrete(4, ['up', 'down', 'left', 'right']) */
export function discrete(size: number, names?: readonly string[]): DiscreteSpace {
  const space: DiscreteSpace = { type: 'discrete', size, ...(names ? { names } : {}) };
  const problem = spaceProblem(space);
  if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[discrete] expected ${problem}`);
  return space;
}

/**
 * A space of observations of several modalities.
 * @example dict({ camera: box({ shape: [64, 64, 3], low: 0, high: 255, dtype: 'uint8' }), joints: box({ shape: [7], low: -3, high: 3 }) })
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for no spaces, or for one that is wrong
 */
export function dict(spaces: Readonly<Record<string, Space>>): DictSpace {
  const space: DictSpace = { type: 'dict', spaces };
  const problem = spaceProblem(space);
  if (problem) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[dict] expected ${problem}`);
  return space;
}

/**
 * Number of elements of a value.
 * @example spaceSize(box({ shape: [64, 64, 3], low: 0, high: 255, dtype: 'uint8' })); // 12288
 */
export const spaceSize = (space: Space): number =>
  space.type === 'discrete' ? 1 : space.shape.reduce((a, b) => a * b, 1);

/** What is wrong with a space, as the end of a sentence '… expected'; undefined if nothing. */
export function spaceProblem(space: ObservationSpace): string | undefined {
  if (space.type === 'dict') {
    if (!isRecord(space.spaces) || Object.keys(space.spaces).length === 0) return 'spaces by name';
    return firstProblem(space, (name, of) => spaceProblem(of) && `'${name}' to be ${spaceProblem(of)}`);
  }
  if (space.type === 'discrete') {
    if (!Number.isInteger(space.size) || space.size < 1) return `size to be a positive integer, got ${space.size}`;
    if (space.names && space.names.length !== space.size) return `${space.size} names, got ${space.names.length}`;
    return undefined;
  }
  if (space.type !== 'box') return `a space made by box() or discrete(), got ${JSON.stringify(space)}`;
  const { shape, dtype, low, high, names, units } = space;
  if (!Array.isArray(shape) || shape.length === 0 || shape.some((n) => !Number.isInteger(n) || n < 1))
    return `shape to be positive integers, got [${shape}]`;
  if (dtype !== 'float32' && dtype !== 'uint8') return `dtype to be float32 or uint8, got ${dtype}`;
  const last = shape[shape.length - 1];
  for (const [name, list] of Object.entries({ low, high, names, units })) {
    if (Array.isArray(list) && list.length !== last)
      return `${name} to have ${last} entries (last axis of [${shape}]), got ${list.length}`;
  }
  for (let i = 0; i < last; i++)
    if (!(bound(low, i) <= bound(high, i)))
      return `low ≤ high in every element, got ${bound(low, i)} and ${bound(high, i)} at ${i}`;
  return undefined;
}

/** Why a value is not of a space, as the end of a sentence '… expected'; undefined if it is. */
export function valueProblem(space: ObservationSpace, value: unknown): string | undefined {
  if (space.type === 'dict') {
    if (!isRecord(value)) return `a record of ${Object.keys(space.spaces).join(', ')}, got ${describe(value)}`;
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(space.spaces, name));
    if (unknown) return `a record of ${Object.keys(space.spaces).join(', ')}, got '${unknown}' too`;
    return firstProblem(
      space,
      (name, of) => valueProblem(of, value[name]) && `'${name}': ${valueProblem(of, value[name])}`,
    );
  }
  if (space.type === 'discrete') {
    return Number.isInteger(value) && (value as number) >= 0 && (value as number) < space.size
      ? undefined
      : `an integer from 0 to ${space.size - 1}, got ${String(value)}`;
  }
  const problem = formProblem(space, value);
  if (problem) return problem;
  const array = value as Float32Array | Uint8Array;
  const last = space.shape[space.shape.length - 1];
  for (let i = 0; i < array.length; i++) {
    const low = bound(space.low, i % last);
    const high = bound(space.high, i % last);
    if (!(array[i] >= low && array[i] <= high))
      return `${space.names?.[i % last] ?? `element ${i}`} between ${low} and ${high}, got ${array[i]}`;
  }
  return undefined;
}

/** What is wrong with the type or the length of a box's value, whatever its numbers. */
export function formProblem(space: BoxSpace, value: unknown): string | undefined {
  const kind = space.dtype === 'uint8' ? Uint8Array : Float32Array;
  if (!(value instanceof kind)) return `a ${kind.name} of shape [${space.shape}], got ${describe(value)}`;
  const size = spaceSize(space);
  return value.length === size ? undefined : `${size} elements (shape [${space.shape}]), got ${value.length}`;
}

/**
 * Whether a value lies in a space: its length, its bounds, whole numbers where they are asked for.
 * @example contains(box({ shape: [2], low: -1, high: 1 }), Float32Array.of(0.5, 2)); // false
 */
export const contains = (space: ObservationSpace, value: unknown): boolean => valueProblem(space, value) === undefined;

/**
 * A uniformly drawn value; unbounded sides count as ±1.
 * @example const force = sample(box({ shape: [2], low: -1, high: 1 }), new Random(1));
 */
export function sample(space: Space, random: Random): SpaceValue {
  if (space.type === 'discrete') return random.below(space.size);
  const last = space.shape[space.shape.length - 1];
  const array = space.dtype === 'uint8' ? new Uint8Array(spaceSize(space)) : new Float32Array(spaceSize(space));
  for (let i = 0; i < array.length; i++) {
    const low = Math.max(bound(space.low, i % last), -1e30);
    const high = Math.min(bound(space.high, i % last), 1e30);
    array[i] =
      space.dtype === 'uint8'
        ? low + random.below(high - low + 1)
        : random.uniform(low === -1e30 ? Math.min(-1, high) : low, high === 1e30 ? Math.max(1, low) : high);
  }
  return array;
}

function firstProblem(
  { spaces }: DictSpace,
  problemOf: (name: string, space: Space) => string | undefined,
): string | undefined {
  for (const [name, space] of Object.entries(spaces)) {
    const problem = problemOf(name, space);
    if (problem) return problem;
  }
  return undefined;
}

const bound = (bounds: number | readonly number[], i: number): number =>
  typeof bounds === 'number' ? bounds : bounds[i];
const describe = (value: unknown): string =>
  value === null || typeof value !== 'object' ? String(value) : value.constructor?.name || 'an object';
