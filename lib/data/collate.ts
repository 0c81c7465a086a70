import { JepaError } from '../errors.js';
import { hostArrays, type TypedArray } from '../io/dtypes.js';
import type { HostTensor } from '../io/host-tensor.js';
import { type Tensor, tensor } from '../tensor/index.js';

/** What {@link collate} makes of samples: host tensors with one more axis, numbers as float32 [B], and lists of everything else. */
export type Collated<T> = {
  [Name in keyof T]: T[Name] extends HostTensor | number ? HostTensor : readonly T[Name][];
};

/** The host tensors of a batch as tensors. */
export type TensorsOf<T> = { [Name in keyof T as T[Name] extends HostTensor ? Name : never]: Tensor };

/**
 * Samples of the same fields as one batch: host tensors [...] become [B, ...], numbers float32 [B]; texts and other values are listed.
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE naming the field in which samples differ
 * @example collate([{ x: row0, label: 1 }, { x: row1, label: 0 }]) // { x: [2, …], label: [2] }
 */
export function collate<T extends object>(samples: readonly T[]): Collated<T> {
  const names = Object.keys(samples[0] ?? {}) as (keyof T & string)[];
  const valuesOf = (name: keyof T): unknown[] => samples.map((sample) => sample[name]);
  return Object.fromEntries(names.map((name) => [name, collateField(name, valuesOf(name))])) as Collated<T>;
}

/**
 * The host tensors of a batch as tensors that compiled functions take; other fields are left out.
 * @example
 * const row = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
 * const { x, label } = tensors(collate([{ x: row, label: 1 }, { x: row, label: 0 }]));
 * x.shape; // [2, 2]
 */
export function tensors<T extends object>(batch: T): TensorsOf<T> {
  const found = Object.entries(batch).filter(([, value]) => isHostTensor(value));
  const made = found.map(([name, { data, shape, dtype }]) => [name, tensor(data, { shape, dtype })]);
  return Object.fromEntries(made) as TensorsOf<T>;
}

export function isHostTensor(value: unknown): value is HostTensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;
}

function collateField(name: string, values: readonly unknown[]): HostTensor | readonly unknown[] {
  const [first] = values;
  if (values.every((value) => typeof value === 'number'))
    return { dtype: 'float32', shape: [values.length], data: Float32Array.from(values) };
  if (!isHostTensor(first)) return values;
  const { dtype, shape } = first;
  const size = first.data.length;
  const data: TypedArray = new hostArrays[dtype](values.length * size);
  for (const [place, value] of values.entries()) {
    if (!isHostTensor(value) || value.dtype !== dtype)
      throw new JepaError(
        'ERR_JEPA_DTYPE',
        `[collate] expected '${name}' of every sample to be ${dtype}, got ${isHostTensor(value) ? value.dtype : typeof value} in sample ${place}`,
      );
    if (value.shape.join() !== shape.join())
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[collate] expected '${name}' of every sample to be [${shape.join(', ')}], got [${value.shape.join(', ')}] in sample ${place}`,
      );
    data.set(value.data, place * size);
  }
  return { dtype, shape: [values.length, ...shape], data };
}
