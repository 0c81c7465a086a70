import type { NativeDescription } from '../native/binding.js';
import { loadAddon } from '../native/load.js';

/**
 * What the native side found on this machine: SIMD targets, threads, processor.
 * @throws JepaError ERR_JEPA_NATIVE_LOAD
 */
export function describeMachine(): NativeDescription {
  return loadAddon().describe();
}
