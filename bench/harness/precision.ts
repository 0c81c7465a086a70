import { type Compiled, compile, type InferenceOptions, JepaError } from '#lib/index.js';
import type { Unavailable } from './match.js';
import type { Precision } from './suite.js';

/** A precision as `compile` takes it; int8 is of linear layers. */
export function compileOptions(precision: Precision): InferenceOptions {
  return precision === 'int8' ? { quantize: 'int8' } : { precision };
}

/** Compiles in a precision. @throws JepaError if the library has not got it, see `unavailable` */
export function compileIn<Arguments extends readonly unknown[], Result>(
  precision: Precision,
  name: string,
  fn: (...args: Arguments) => Result,
): Compiled<Arguments, Result> {
  return compile(fn, { name, ...compileOptions(precision) });
}

/** What a contender answers to 'check' when the library refuses the precision; other errors are passed on. */
export function unavailable(error: unknown): Unavailable {
  const refused = error instanceof JepaError && /precision/.test(error.message);
  if (!refused) throw error;
  return { unavailable: error.message.split('\n')[0] };
}
