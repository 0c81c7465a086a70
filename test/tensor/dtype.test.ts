import { describe, expect, it } from 'vitest';
import { cast } from '#lib/ops/index.js';
import {
  bytesPerElement,
  dtypes,
  fromBfloat16,
  fromFloat16,
  scalar,
  tensor,
  toBfloat16,
  toFloat16,
} from '#lib/tensor/index.js';
import { bfloat16, float16, nearestBits, numberOf } from './rounding.js';

const halves = [
  { name: 'bfloat16' as const, format: bfloat16, to: toBfloat16, from: fromBfloat16 },
  { name: 'float16' as const, format: float16, to: toFloat16, from: fromFloat16 },
];
const finite = (format: typeof float16): number[] =>
  Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => Number.isFinite(numberOf(bits, format)));

/** The float32 next to one, away from zero. */
function after(value: number): number {
  const [word] = new Uint32Array(Float32Array.of(value).buffer);
  return new Float32Array(Uint32Array.of(word + 1).buffer)[0];
}

describe.each(halves)('$name', ({ name, format, to, from }) => {
  it('reads all its 65536 bit patterns', () => {
    const all = Array.from({ length: 65536 }, (_, bits) => bits);
    expect(all.filter((bits) => !Object.is(from(bits), numberOf(bits, format)))).toEqual([]);
  });

  it('rounds numbers to the nearest, ties to even, from float64 without passing through float32', () => {
    const beside = 1e-12; // less than float32 resolves
    for (const bits of finite(format)) {
      const value = numberOf(bits, format);
      const next = numberOf(bits + 1, format);
      if (to(value) !== bits) expect([value, to(value)]).toEqual([value, bits]);
      if (!Number.isFinite(next)) continue;
      const middle = value + (next - value) / 2;
      for (const near of [middle, middle * (1 + beside), middle * (1 - beside)]) {
        if (to(near) !== nearestBits(near, format)) expect([near, to(near)]).toEqual([near, nearestBits(near, format)]);
      }
    }
    for (const extreme of [0, -0, 5e-324, -1e-300, 65504, 65519.999, 65520, -65520, 3.4e38, 1e39, -1e308, Number.NaN]) {
      expect([extreme, to(extreme)]).toEqual([extreme, nearestBits(extreme, format)]);
    }
    expect(to(Number.POSITIVE_INFINITY)).toBe(nearestBits(Number.POSITIVE_INFINITY, format));
  });

  it('is cast from float32 by the kernels as by the formula, and back exactly', async () => {
    const inputs: number[] = [];
    for (const bits of finite(format)) {
      const value = numberOf(bits, format);
      const next = numberOf(bits + 1, format);
      const middle = Number.isFinite(next) ? value + (next - value) / 2 : value;
      inputs.push(value, middle, after(middle));
    }
    // Results below float32's normal range may be flushed to zero: kernels' threads run with FTZ.
    const given = Float32Array.from(inputs).filter((value) => value === 0 || Math.abs(value) >= 2 ** -126);
    const bits = await cast(tensor(given), name).data();
    const wrong = [...bits.keys()].filter((i) => bits[i] !== nearestBits(given[i], format));
    expect(wrong.slice(0, 5).map((i) => [given[i], bits[i], nearestBits(given[i], format)])).toEqual([]);

    const patterns = Uint16Array.from(finite(format).filter((b) => numberOf(b, format) === 0 || b & 0x7f80));
    const back = await cast(tensor(patterns, { dtype: name }), 'float32').data();
    const differ = [...patterns.keys()].filter((i) => !Object.is(back[i], numberOf(patterns[i], format)));
    expect(differ.slice(0, 5).map((i) => [patterns[i], back[i]])).toEqual([]);
  });

  it('keeps NaN and infinities through storage and casts', async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const stored = tensor(values, { dtype: name });
    expect(await stored.toArray()).toEqual(values);
    expect(await cast(stored, 'float32').toArray()).toEqual(values);
    expect(await cast(tensor(values), name).toArray()).toEqual(values);
  });
});

describe('dtypes', () => {
  it('have the sizes of their names', () => {
    const bits = dtypes.map((dtype) => Number(/\d+$/.exec(dtype)?.[0] ?? 8));
    expect(dtypes.map((dtype) => 8 * bytesPerElement(dtype))).toEqual(bits);
  });

  it('are stored in the array type of their bits', async () => {
    const kinds = { float32: Float32Array, bfloat16: Uint16Array, float16: Uint16Array, int32: Int32Array };
    const all = { ...kinds, uint8: Uint8Array, bool: Uint8Array };
    for (const dtype of dtypes) expect(await tensor([1, 0], { dtype }).data()).toBeInstanceOf(all[dtype]);
  });

  it('convert between integers, bool and float32 as documented', async () => {
    const from = tensor([-2.75, -0.5, 0, 0.99, 2.5, 127.9]);
    expect(await cast(from, 'int32').toArray()).toEqual([-2, -0, 0, 0, 2, 127].map((v) => v + 0));
    expect(await cast(from, 'bool').toArray()).toEqual([true, true, false, true, true, true]);
    expect(await cast(tensor([0, 0.9, 255.9]), 'uint8').toArray()).toEqual([0, 0, 255]);
    expect(await cast(tensor([true, false]), 'float32').toArray()).toEqual([1, 0]);
    const large = [2 ** 24 + 1, -(2 ** 31), 2 ** 31 - 1]; // int32 that float32 cannot hold
    expect(await cast(tensor(large, { dtype: 'int32' }), 'float32').toArray()).toEqual(large.map(Math.fround));
    expect(await cast(tensor([Number.NaN]), 'bool').toArray()).toEqual([true]);
  });

  it('outside the list are refused', () => {
    const wrong = 'float64' as 'float32';
    for (const make of [() => tensor([1], { dtype: wrong }), () => scalar(1, wrong)])
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_JEPA_DTYPE' }));
    expect(() => tensor([1], { dtype: wrong })).toThrow(
      "[tensor] expected a dtype among float32, bfloat16, float16, int32, uint8, bool, got 'float64'",
    );
  });
});
