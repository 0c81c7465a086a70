import { JepaError, type JepaErrorOptions } from '../errors.js';

/** What statistics take; each of these throws ERR_JEPA_INVALID_ARGUMENT or ERR_JEPA_SHAPE, saying what was expected and found. */

/** An argument of a statistic that has no meaning. */
export function invalid(where: string, expected: string, got: string, options?: JepaErrorOptions): JepaError {
  return new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected ${expected}, got ${got}`, options);
}

export function checkFinite(where: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw invalid(where, 'finite numbers', `${values[i]} at position ${i}`);
}

export function checkConfidence(where: string, confidence: number): void {
  if (typeof confidence !== 'number' || !(confidence > 0 && confidence < 1))
    throw invalid(where, 'a confidence between 0 and 1', `${confidence}`);
}

/** Two sides of as many values, at least `least`, all finite. */
export function checkPairs(where: string, a: ArrayLike<number>, b: ArrayLike<number>, least: number): void {
  if (a.length !== b.length) throw invalid(where, 'as many values on both sides', `${a.length} and ${b.length}`);
  if (a.length < least) throw invalid(where, `at least ${least} ${least === 1 ? 'pair' : 'pairs'}`, `${a.length}`);
  checkFinite(where, a);
  checkFinite(where, b);
}

/** @returns how many rows of `width` numbers there are, at least one */
export function rowsOf(where: string, values: ArrayLike<number>, width: number): number {
  const rows = values.length / width;
  if (!(Number.isInteger(width) && width >= 1 && Number.isInteger(rows) && rows >= 1))
    throw new JepaError('ERR_JEPA_SHAPE', `[${where}] expected rows of width ${width}, got ${values.length} numbers`);
  return rows;
}
