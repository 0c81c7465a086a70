import { JepaError } from '../errors.js';

/**
 * What a promise resolves to, unless the signal fires first: the wait ends, the work behind the promise goes on.
 * @throws JepaError ERR_JEPA_ABORTED
 */
export async function unlessAborted<T>(
  where: string,
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return promise;
  const aborted = (): JepaError =>
    new JepaError('ERR_JEPA_ABORTED', `[${where}] stopped by its signal`, { cause: signal.reason });
  if (signal.aborted) throw aborted();
  let stop = (): void => {};
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        stop = () => reject(aborted());
        signal.addEventListener('abort', stop, { once: true });
      }),
    ]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
