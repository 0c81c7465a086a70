import { JepaError } from '../errors.js';

/** Whole numbers as int32. @throws JepaError ERR_JEPA_DTYPE for the first that does not fit */
export function narrowed(where: string, values: Uint32Array | BigInt64Array | BigUint64Array): Int32Array {
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    result[i] = Number(values[i]); // wraps beyond int32, which the comparison sees
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number that say the same are loosely equal only
    if (result[i] != values[i]) doesNotFit(where, 'int32', values[i], i);
  }
  return result;
}

/** To the nearest float32, ties to even. Infinities and NaN stay. @throws JepaError ERR_JEPA_DTYPE for a finite value that would become infinite */
export function rounded(where: string, values: Float64Array): Float32Array {
  const result = Float32Array.from(values);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(result[i]) && Number.isFinite(values[i])) doesNotFit(where, 'float32', values[i], i);
  return result;
}

function doesNotFit(where: string, dtype: string, value: number | bigint, at: number): never {
  throw new JepaError(
    'ERR_JEPA_DTYPE',
    `[${where}] expected values that fit into ${dtype}, got ${value} at element ${at}`,
  );
}
