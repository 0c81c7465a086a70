import { errorCodes, JepaError, type JepaErrorCode } from '../errors.js';

/** An error of the native side, which carries a code as a property, as a {@link JepaError}. */
export function nativeError(error: unknown): unknown {
  if (error instanceof JepaError || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (!code || !Object.hasOwn(errorCodes, code)) return error;
  return new JepaError(code as JepaErrorCode, error.message, { cause: error });
}
