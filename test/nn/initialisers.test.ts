import { describe, expect, it } from 'vitest';
import { kaimingUniform, normal, truncatedNormal, uniform } from '#lib/nn/initialisers.js';
import { Linear } from '#lib/nn/linear.js';
import { inverseNormal, PhiloxStream, philox4x32 } from '#lib/nn/philox.js';
import { sincos1d, sincos2d } from '#lib/nn/positions.js';

describe('Philox4x32-10', () => {
  // Random123's published vectors (kat_vectors, 'philox4x32 10').
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published words', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });

  it('keeps streams and seeds apart', () => {
    const draw = (seed: number, stream: string): number[] =>
      Array.from(
        { length: 8 },
        (
          (random) => () =>
            random.word()
        )(new PhiloxStream(seed, stream)),
      );
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1 + 2 ** 32, 'a'));
  });

  it('inverts the normal distribution function', () => {
    // Abramowitz & Stegun, table 26.1: Φ(1) and Φ(3), 15 digits.
    expect(inverseNormal(0.841344746068543)).toBeCloseTo(1, 13);
    expect(inverseNormal(0.99865010196837)).toBeCloseTo(3, 11);
    expect(inverseNormal(0.5)).toBe(0);
    expect(inverseNormal(0.25)).toBe(-inverseNormal(0.75));
  });
});

describe('initialisers', () => {
  const count = 20_000;
  const draw = (initialiser: typeof kaimingUniform): Float32Array =>
    initialiser({ shape: [200, 100], fanIn: 100, random: new PhiloxStream(7, 'test') });
  const moments = (values: Float32Array): { mean: number; std: number; max: number } => {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return {
      mean,
      std: Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length),
      max: values.reduce((max, value) => Math.max(max, Math.abs(value)), 0),
    };
  };

  // Standard errors: mean std/√n, standard deviation about std/√(2n); five of them.
  it.each([
    ['kaimingUniform', kaimingUniform, 0.1 / Math.sqrt(3), 0.1],
    ['uniform', uniform(2), 2 / Math.sqrt(3), 2],
    ['normal', normal(0.5), 0.5, 6],
    ['truncatedNormal', truncatedNormal(), 0.02, 2],
  ] as const)('%s has its moments', (_, initialiser, std, bound) => {
    const found = moments(draw(initialiser));
    expect(Math.abs(found.mean)).toBeLessThan((5 * std) / Math.sqrt(count));
    expect(Math.abs(found.std / std - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
    expect(found.max).toBeLessThanOrEqual(bound);
  });

  it('truncated normal is cut where it says', () => {
    const found = moments(draw(truncatedNormal(1, -0.5, 0.5)));
    expect(found.max).toBeLessThanOrEqual(0.5);
    expect(found.max).toBeGreaterThan(0.49);
  });
});

describe('sincos positions', () => {
  it('are all sines, then all cosines', () => {
    const table = sincos1d(4, 3);
    const expected = [0, 1, 2].flatMap((p) => [Math.sin(p), Math.sin(p / 100), Math.cos(p), Math.cos(p / 100)]);
    expect([...table]).toEqual([...Float32Array.from(expected)]);
    expect([...sincos1d(4, [2])]).toEqual([...table.subarray(8)]);
  });

  it('put either axis first', () => {
    const [row, column] = [1, 2];
    const at = (order: 'column-row' | 'row-column'): number[] => [
      ...sincos2d(8, [2, 3], order).subarray((row * 3 + column) * 8, (row * 3 + column + 1) * 8),
    ];
    const [r, c] = [[...sincos1d(4, [row])], [...sincos1d(4, [column])]];
    expect(at('column-row')).toEqual([...c, ...r]);
    expect(at('row-column')).toEqual([...r, ...c]);
    expect(() => sincos2d(6, [2, 2], 'row-column')).toThrow(
      '[sincos2d] expected a width that is a multiple of 4, got 6',
    );
  });
});

it.each([[0], [-3], [2.5], [Number.NaN], [{ out: 3 } as unknown as number]])('a layer refuses %s as a size', (size) => {
  expect(() => new Linear(size, 4, { name: 'head' })).toThrow(
    expect.objectContaining({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringContaining('[head.weight] expected sizes that are positive integers, got [4,'),
    }),
  );
});
