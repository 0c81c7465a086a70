import type { TypedArray } from './dtypes.js';

/** Arrays of one kind, one or more, one behind the other. */
export function joined<Values extends TypedArray>(list: readonly Values[]): Values {
  const result = new (list[0].constructor as new (length: number) => Values)(
    list.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const values of list) {
    result.set(values, at);
    at += values.length;
  }
  return result;
}
