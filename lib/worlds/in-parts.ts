import { unlessAborted } from '../data/abort.js';

/** Made before timers and signals have their turn. */
const part = 32;

/**
 * Makes `count` of something that takes milliseconds each, without holding up the rest of the program.
 * @param where for the error   @throws JepaError ERR_JEPA_ABORTED
 */
export async function inParts<T>(
  where: string,
  count: number,
  make: (index: number) => T,
  signal?: AbortSignal,
): Promise<T[]> {
  const made: T[] = [];
  for (let index = 0; index < count; index++) {
    if (index % part === 0) await unlessAborted(where, new Promise<void>((resolve) => setTimeout(resolve)), signal);
    made.push(make(index));
  }
  return made;
}
