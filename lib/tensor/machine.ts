import { JepaError } from '../errors.js';
import type { NativeDescription, NativeMemory } from '../native/binding.js';
import { loadAddon } from '../native/load.js';

/**
 * What the native side found on this machine: SIMD targets, threads, processor.
 * @throws JepaError ERR_JEPA_NATIVE_LOAD
 */
export function describeMachine(): NativeDescription {
  return loadAddon().describe();
}

/** Memory held by the native side: the arena all programs share, variables, and copies of inputs in flight. */
export function memory(): NativeMemory {
  return loadAddon().memory();
}

/**
 * Threads that kernels use, the calling one included; `JEPA_THREADS` sets it at the start. Results are the same bits for any number.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT
 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[setThreads] expected a positive integer, got ${count}`);
  loadAddon().setThreads(count);
}
