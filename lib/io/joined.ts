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

/** Some rows of `width` numbers, one behind the other. */
export function gatheredRows(data: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const result = new Float32Array(rows.length * width);
  for (const [index, row] of rows.entries()) result.set(data.subarray(row * width, (row + 1) * width), index * width);
  return result;
}
