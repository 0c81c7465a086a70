import { JepaError } from '../errors.js';
import { nearestRankQuantile } from '../world-model/quantile.js';

/** A signal that fires when one of two does. */
export function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}

/** Half, and nineteen of twenty, of the plans took no longer, ms. */
export function planTimes(milliseconds: readonly number[]): { readonly p50: number; readonly p95: number } {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return { p50: nearestRankQuantile(sorted, 0.5), p95: nearestRankQuantile(sorted, 0.95) };
}

/** Whether what failed was ended by the time being up, and not given up by its caller. */
export function endedBy(until: AbortSignal | undefined, signal: AbortSignal | undefined, error: unknown): boolean {
  const stopped = error instanceof JepaError && error.code === 'ERR_JEPA_ABORTED';
  return stopped && until?.aborted === true && signal?.aborted !== true;
}
