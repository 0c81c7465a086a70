import { JepaError } from '../errors.js';

/**
 * What a function returned while it was traced. Only what happens before its first `await` would be traced of an async one.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for a promise
 */
export function synchronous<T>(op: string, returned: T): T {
  if (!(returned instanceof Promise)) return returned;
  returned.catch(() => {}); // what it fails of later is nobody's concern any more
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[${op}] expected a function that returns tensors, got one that returns a promise: await inputs before the call, not inside`,
    { help: ['it must be synchronous: leave out its async, and what it awaits is given to it as an argument'] },
  );
}
