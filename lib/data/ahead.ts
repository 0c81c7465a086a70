import { unlessAborted } from './abort.js';

/**
 * Reads ahead: `next` of the inner iterator is called up to `lookahead` times before its result is asked for. Order is kept.
 * @param lookahead samples that are under way or wait, beside the one delivered
 */
export function ahead<T>(
  where: string,
  iterator: AsyncIterator<T>,
  { lookahead, signal }: { readonly lookahead: number; readonly signal?: AbortSignal },
): AsyncIterator<T> {
  const queue: Promise<IteratorResult<T>>[] = [];
  let ended = false;
  const fill = (): void => {
    while (!ended && queue.length < lookahead) {
      const next = iterator.next();
      // A failure is reported when its turn comes.
      next.then(
        ({ done }) => {
          ended ||= done === true;
        },
        () => {},
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
      await iterator.return?.();
      return over;
    },
  };
}
