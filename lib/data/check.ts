import { JepaError, shown } from '../errors.js';

export function checkIndex(where: string, index: number): number {
  if (!Number.isInteger(index) || index < 0)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected an index, 0 or more, got ${shown(index)}`);
  return index;
}

/** How many: a whole number, or Infinity for an endless dataset. */
export function checkCount(where: string, count: number): number {
  if (count !== Number.POSITIVE_INFINITY && !(Number.isInteger(count) && count >= 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${where}] expected count to be a whole number, or Infinity, got ${shown(count)}`,
    );
  return count;
}

export function checkPositive(where: string, name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${where}] expected ${name} to be a positive integer, got ${shown(value)}`,
    );
  return value;
}
