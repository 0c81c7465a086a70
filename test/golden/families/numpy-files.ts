import { join } from 'node:path';
import { JepaError } from '#lib/errors.js';
import type { HostTensor } from '#lib/io/host-tensor.js';
import { readNpy } from '#lib/io/npy.js';
import { readNpz } from '#lib/io/npz.js';
import { numbersOf, type Verdict } from '../compare.js';
import type { Family } from './index.js';

interface ExpectedArray {
  readonly descr: string;
  readonly shape: readonly number[];
  /** In C order; booleans, and infinities and NaN as words. */
  readonly values: readonly (number | boolean | 'inf' | '-inf' | 'nan')[];
}

interface Expected extends Partial<ExpectedArray> {
  readonly file: string;
  readonly reference: 'accepts' | 'refuses';
  readonly arrays?: Readonly<Record<string, ExpectedArray>>;
}

/** .npy and .npz files to read, and files to refuse. */
export const runNumpyFiles: Family = async (call) => {
  const expected = call.entry as unknown as Expected;
  const path = join(call.folder, expected.file);
  if (expected.reference === 'refuses') {
    const read = path.endsWith('.npz') ? readNpz : readNpy;
    const refusal = await read(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    const typed = refusal instanceof JepaError && refusal.code !== 'ERR_JEPA_IO';
    return { composed: [], tensors: [judged('refused with a typed error', typed)] };
  }
  if (!expected.arrays)
    return { composed: [], tensors: [same('array', await readNpy(path), expected as ExpectedArray)] };
  const arrays = await readNpz(path);
  const wanted = Object.entries(expected.arrays);
  return {
    composed: [],
    tensors: [
      judged('names', arrays.size === wanted.length),
      ...wanted.map(([name, array]) => same(name, arrays.get(name), array)),
    ],
  };
};

/** Equal shape and values; float64 values after rounding to float32, which is what the library holds. */
function same(name: string, found: HostTensor | undefined, { descr, shape, values }: ExpectedArray): Verdict {
  const number = (value: ExpectedArray['values'][number]): number =>
    typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : Number(value);
  const wanted = values.map((value) => (descr.endsWith('f8') ? Math.fround(number(value)) : number(value)));
  const numbers = found && numbersOf(found);
  const equal = wanted.every((value, i) => Object.is(numbers?.[i], value));
  return judged(name, equal && numbers?.length === wanted.length && `${found?.shape}` === `${shape}`);
}

function judged(name: string, pass: boolean): Verdict {
  return { name, error: pass ? 0 : 1, tolerance: 0, pass };
}
