/** Every code a {@link JepaError} can carry, with what it means. */
export const errorCodes = {
  ERR_JEPA_SHAPE: 'shapes of operands do not fit',
  ERR_JEPA_DTYPE: 'a dtype is not accepted here',
  ERR_JEPA_INVALID_ARGUMENT: 'an argument has no meaning here',
  ERR_JEPA_UNKNOWN_OPTION: 'an option is misspelled or does not exist',
  ERR_JEPA_NATIVE_LOAD: 'the native addon cannot be loaded',
  ERR_JEPA_UNSUPPORTED_PLATFORM: 'no binary exists for this platform',
  ERR_JEPA_PROGRAM: 'a compiled program is malformed',
  ERR_JEPA_OUT_OF_MEMORY: 'a program needs more memory than there is',
  ERR_JEPA_DEVICE_UNAVAILABLE: 'the device does not exist on this machine',
  ERR_JEPA_DISPOSED: 'the object has been disposed of',
  ERR_JEPA_ABORTED: 'a signal stopped the work',
  ERR_JEPA_NON_FINITE: 'a guarded value became NaN or infinite',
  ERR_JEPA_INDEX_RANGE: 'an index lies outside its table',
  ERR_JEPA_NOT_DIFFERENTIABLE: 'an op has no gradient',
  ERR_JEPA_ASSIGN_OUTSIDE_COMPILE: 'assign was called outside compile',
  ERR_JEPA_IMPURE_TRACE: 'a compiled function does not trace the same way twice',
  ERR_JEPA_CHECKPOINT_FORMAT: 'a file is not what it should be',
  ERR_JEPA_CHECKPOINT_MISMATCH: 'a checkpoint belongs to another model',
  ERR_JEPA_CHECKPOINT_VERSION: 'a checkpoint is of another version',
  ERR_JEPA_IO: 'the file system refused',
  ERR_JEPA_MISSING_PEER: 'an optional package is not installed',
  ERR_JEPA_CONFIG: 'a configuration is not valid',
  ERR_JEPA_DATASET: 'a dataset did not deliver what was expected',
  ERR_JEPA_CORRUPT_SAMPLE: 'a sample cannot be read or decoded',
} as const;

export type JepaErrorCode = keyof typeof errorCodes;

/** A value as an error tells it: what was meant as a number and came as text is in quotes. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** What a value is, as an error tells it where an object of some kind was expected. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export interface JepaErrorOptions {
  /** What to do about it, one sentence each; shown below the message. */
  readonly help?: readonly string[];
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The error of this library: a stable `code`, a sentence saying what was expected and found, and help where there is any.
 * @example
 * try { await model.save(path); } catch (error) { if (error instanceof JepaError && error.code === 'ERR_JEPA_IO') … }
 */
export class JepaError extends Error {
  readonly code: JepaErrorCode;
  readonly help: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: JepaErrorCode, message: string, { help = [], cause, details = {} }: JepaErrorOptions = {}) {
    super([message, ...help.map((line) => `  → ${line}`)].join('\n'), cause === undefined ? undefined : { cause });
    this.name = code === 'ERR_JEPA_ABORTED' ? 'AbortError' : 'JepaError';
    this.code = code;
    this.help = help;
    this.details = details;
  }
}
