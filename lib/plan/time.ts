import { JepaError } from '../errors.js';

/** A signal that fires when one of two does. */
export function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}

/** Whether what failed was ended by the time being up, and not given up by its caller. */
export function endedBy(until: AbortSignal | undefined, signal: AbortSignal | undefined, error: unknown): boolean {
  const stopped = error instanceof JepaError && error.code === 'ERR_JEPA_ABORTED';
  return stopped && until?.aborted === true && signal?.aborted !== true;
}
