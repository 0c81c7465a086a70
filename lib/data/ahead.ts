import { unlessAborted } from './abort.js';

/**
 * Reads ahead: `next` of the inner iterator is called up to `lookahead` times before its result is asked for. Order is kept.
 * Once the signal has fired, returning does not wait for what is under way: a source that is stuck would not let go.
 * @param lookahead samples that are under way or wait, beside the one delivered
 */
export function ahead<T>(
  where: string,
  iterator: AsyncIterator<T>,
  { lookahead, signal }: { readonly lookahead: number; readonly signal?: AbortSignal },
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
      if (pending > 0 && signal?.aborted) closed?.catch(() => {});
      else await closed;
      return over;
    },
  };
}
