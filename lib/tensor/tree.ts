import { JepaError } from '../errors.js';
import { tensor } from './create.js';
import type { HostValues } from './host-values.js';
import { Tensor } from './tensor.js';

/** What compiled functions take and give: tensors in arrays and plain objects, beside values that are part of the signature. */
export type Tree =
  | Tensor
  | HostValues
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly Tree[]
  | { readonly [key: string]: Tree };

export interface Flat {
  readonly leaves: Tensor[];
  /** Structure and static values as text. */
  readonly key: string;
}

/** Takes a tree apart: its tensors in order, and a text of everything else. */
export function flatten(op: string, tree: unknown): Flat {
  const leaves: Tensor[] = [];
  const visit = (value: unknown): string => {
    if (value instanceof Tensor) {
      leaves.push(value);
      return `T${value.dtype}[${value.shape.join(',')}]`;
    }
    if (ArrayBuffer.isView(value)) return visit(tensor(value as HostValues));
    if (Array.isArray(value)) return `[${value.map(visit).join(' ')}]`;
    if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
      return Object.is(value, -0) ? '-0' : String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'object' && isPlain(value))
      return `{${Object.entries(value)
        .map(([key, entry]) => `${JSON.stringify(key)}:${visit(entry)}`)
        .join(' ')}}`;
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected tensors, numbers, strings, booleans, arrays or plain objects of them, got ${typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value}`,
    );
  };
  const key = visit(tree);
  return { leaves, key };
}

/** The same tree with its tensors replaced in order. */
export function rebuild<T>(tree: T, replacements: readonly Tensor[]): T {
  let next = 0;
  const visit = (value: unknown): unknown => {
    if (value instanceof Tensor || ArrayBuffer.isView(value)) return replacements[next++];
    if (Array.isArray(value)) return value.map(visit);
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, visit(entry)]));
    return value;
  };
  return visit(tree) as T;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}
