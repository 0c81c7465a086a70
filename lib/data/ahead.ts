import { setTimeout as after } from 'node:timers/promises';
import { unlessAborted } from './abort.js';

/**
 * Reads ahead: `next` of the inner iterator is called up to `lookahead` times before its result is asked for. Order is kept.
 * Returning waits for what is under way, so that a source is closed before it is opened anew; but not once the signal has fired, and not
 * longer than `patience`: a source that is stuck would not let go.
 * @param lookahead samples that are under way or wait, beside the one delivered   @param patience milliseconds (default 5,000)
 */
export function ahead<T>(
  where: string,
  iterator: AsyncIterator<T>,
  {
    lookahead,
    signal,
    patience = 5000,
  }: { readonly lookahead: number; readonly signal?: AbortSignal; readonly patience?: number },
): AsyncIterator<T> {
  const queue: Promise<IteratorResult<T>>[] = [];
  let ended = false;
  let pending = 0;
  const fill = (): void => {
    while (!ended && queue.length < lookahead) {
      const next = iterator.next();
      pending++;
      // A failure is reported when its turn comes.
      next.then(
        ({ done }) => {
          pending--;
          ended ||= done === true;
        },
        () => {
          pending--;
        },
      );
      queue.push(next);
    }
  };
  const over: IteratorReturnResult<undefined> = { done: true, value: undefined };
  return {
    next: async () => {
      fill();
      const result = await unlessAborted(where, queue.shift() ?? Promise.resolve(over), signal);
      fill();
      return result;
    },
    return: async () => {
      ended = true;
      const closed = iterator.return?.();
      if (pending === 0) await closed;
      else if (signal?.aborted) closed?.catch(() => {});
      else if (closed && !(await settles(closed, patience)))
        process.emitWarning(
          `[${where}] expected the source to end within ${patience} ms of the last sample that is wanted, got nothing: it is left to itself`,
          { code: 'JEPA_STUCK_SOURCE' },
        );
      return over;
    },
  };
}

/** Whether a promise settles in time; what it fails with is thrown. After that, its failure is nobody's. */
async function settles(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const stop = new AbortController();
  const late = after(milliseconds, false, { signal: stop.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    stop.abort();
    promise.catch(() => {});
  }
}
