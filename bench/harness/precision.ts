import { type Compiled, type CompileOptions, compile, JepaError } from '#lib/index.js';
import type { Unavailable } from './match.js';
import type { Precision } from './suite.js';

/** Compiles in a precision; int8 is of linear layers. @throws JepaError if the library has not got it, see `unavailable` */
export function compileIn<Arguments extends readonly unknown[], Result>(
  precision: Precision,
  name: string,
  fn: (...args: Arguments) => Result,
): Compiled<Arguments, Result> {
  const options: CompileOptions = precision === 'int8' ? { quantize: 'int8' } : { precision };
  return compile(fn, { name, ...options });
}

/** What a contender answers to 'check' when the library refuses the precision; other errors are passed on. */
export function unavailable(error: unknown): Unavailable {
  const refused = error instanceof JepaError && /precision/.test(error.message);
  if (!refused) throw error;
  return { unavailable: error.message.split('\n')[0] };
}
