import type { NativeDescription, NativeMemory } from '../native/binding.js';
import { loadAddon } from '../native/load.js';

/**
 * What the native side found on this machine: SIMD targets, threads, processor.
 * @throws JepaError ERR_JEPA_NATIVE_LOAD; ERR_JEPA_CONFIG for a JEPA_CPU or JEPA_THREADS that has no meaning here
 * @example console.log(describeMachine());
 */
export function describeMachine(): NativeDescription {
  return loadAddon().describe();
}

/**
 * Memory held by the native side: the arena that all programs of the process share, and this thread's variables and programs.
 * @example console.log(memory());
 */
export function memory(): NativeMemory {
  return loadAddon().memory();
}
