/** Whether something can be iterated with `for await` because it is made for it: a dataset, a stream, an async generator. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    value !== null && value !== undefined && typeof Reflect.get(Object(value), Symbol.asyncIterator) === 'function'
  );
}
