import * as ops from '#lib/ops/index.js';
import { type Array64, sizeOf } from './array.js';
import { argument, given, integers, manyTiles, type OpCase, type OpCases } from './op-case.js';

const low = 0xffffffffn;

/** Philox 4×32-10 (Salmon et al. 2011, figure 1), on 64-bit integers. */
function philox(counter: readonly bigint[], key: readonly bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const a = c0 * 0xd2511f53n;
    const b = c2 * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, b & low, (a >> 32n) ^ c3 ^ k1, a & low];
    k0 = (k0 + 0x9e3779b9n) & low;
    k1 = (k1 + 0xbb67ae85n) & low;
  }
  return [c0, c1, c2, c3];
}

/** 64-bit FNV-1a of the stream's name. */
function hashed(name: string): bigint {
  return [...Buffer.from(name)].reduce(
    (hash, byte) => ((hash ^ BigInt(byte)) * 0x100000001b3n) & (2n ** 64n - 1n),
    0xcbf29ce484222325n,
  );
}

/** Element i is word i mod 4 of block ⌊i/4⌋. */
function words(count: number, seed: number, step: number, stream: string): number[] {
  const key = hashed(stream);
  const blocks = Array.from({ length: Math.ceil(count / 4) }, (_, block) =>
    philox(
      [BigInt(block), BigInt.asUintN(32, BigInt(step)), key & low, key >> 32n],
      [BigInt.asUintN(32, BigInt(seed)), 0n],
    ),
  );
  return blocks.flat().slice(0, count).map(Number);
}

const fractions = (w: readonly number[]): number[] => w.map((word) => Math.floor(word / 256) / 2 ** 24);

/** Box & Muller 1958 on pairs of words. */
function normals(count: number, seed: number, step: number, stream: string): number[] {
  const u = fractions(words(Math.ceil(count / 4) * 4, seed, step, stream));
  return Array.from({ length: count }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - u[i - (i % 2)]));
    const angle = 2 * Math.PI * u[i - (i % 2) + 1];
    return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
}

const array = (shape: readonly number[], values: readonly number[]): Array64 => ({
  shape,
  data: Float64Array.from(values),
});
const seeds = (seed: number, step: number) => ({ seed: given([], [seed], 'int32'), step: given([], [step], 'int32') });

const sizes: readonly (readonly number[])[] = [[], [0], [1], [7], [3, 17], [20001]];

function drawn(
  what: string,
  forward: OpCase['forward'],
  values: (shape: readonly number[], seed: number, step: number) => Array64,
  tolerance: OpCase['tolerance'],
  shape: readonly number[],
  seed = 7,
  step = 3,
): OpCase {
  return {
    name: `draws ${what} [${shape}], seed ${seed}, step ${step}`,
    inputs: seeds(seed, step),
    forward,
    reference: () => values(shape, seed, step),
    tolerance,
  };
}

export const random: readonly OpCases[] = [
  {
    ops: ['randomBits'],
    cases: [
      ...[...sizes, [manyTiles]].map((shape) =>
        drawn(
          'bits',
          ({ seed, step }) => ops.randomBits(shape, { seed, step, stream: 'a/b' }),
          (size, seed, step) =>
            array(
              size,
              words(sizeOf(size), seed, step, 'a/b').map((word) => word | 0),
            ),
          'exact',
          shape,
        ),
      ),
      drawn(
        'bits',
        ({ seed, step }) => ops.randomBits([9], { seed, step, stream: 'ü' }),
        (size, seed, step) =>
          array(
            size,
            words(9, seed, step, 'ü').map((word) => word | 0),
          ),
        'exact',
        [9],
        -5,
        -1,
      ),
    ],
    refusals: [
      {
        call: () => ops.randomBits([-1]),
        code: 'ERR_JEPA_SHAPE',
        message: '[randomBits] expected non-negative integers as extents, got [-1]',
      },
    ],
  },
  {
    ops: ['uniform'],
    cases: sizes.map((shape) =>
      drawn(
        'uniform',
        ({ seed, step }) => ops.uniform(shape, { seed, step, stream: 'u', low: -2, high: 3 }),
        (size, seed, step) =>
          array(
            size,
            fractions(words(sizeOf(size), seed, step, 'u')).map((u) => 5 * u - 2),
          ),
        'scaled',
        shape,
      ),
    ),
    refusals: [
      {
        call: () => ops.uniform([2], { seed: ops.zeros([2]) }),
        code: 'ERR_JEPA_SHAPE',
        message: '[random] expected seed and step to be scalars, got [2]',
      },
      argument(() => ops.uniform([2], { low: 1, high: 0 }), '[uniform] expected low ≤ high, both finite, got 1 and 0'),
    ],
  },
  {
    ops: ['normal'],
    cases: sizes.map((shape) =>
      drawn(
        'normal',
        ({ seed, step }) => ops.normal(shape, { seed, step, stream: 'n', mean: 1, std: 2 }),
        (size, seed, step) =>
          array(
            size,
            normals(sizeOf(size), seed, step, 'n').map((z) => 1 + 2 * z),
          ),
        'scaled',
        shape,
      ),
    ),
    refusals: [
      {
        call: () => ops.normal([0.5]),
        code: 'ERR_JEPA_SHAPE',
        message: '[normal] expected non-negative integers as extents, got [0.5]',
      },
      argument(
        () => ops.normal([2], { std: -1 }),
        '[normal] expected a finite mean and a non-negative std, got 0 and -1',
      ),
    ],
  },
  {
    ops: ['permutation'],
    cases: [0, 1, 7, 300].map((n) =>
      drawn(
        'a permutation',
        ({ seed, step }) => ops.permutation(n, { seed, step, stream: 'p' }),
        (size, seed, step) => {
          const u = fractions(words(n, seed, step, 'p'));
          return array(
            size,
            [...u.keys()].sort((a, b) => u[b] - u[a] || a - b),
          );
        },
        'exact',
        [n],
      ),
    ),
    refusals: [
      {
        call: () => ops.permutation(-1),
        code: 'ERR_JEPA_SHAPE',
        message: '[permutation] expected non-negative integers as extents, got [-1]',
      },
    ],
  },
  {
    ops: ['manualSeed'],
    cases: [
      {
        name: 'draws outside compile take the default generator, one step each',
        inputs: { unused: integers([1], 1) },
        eager: true,
        forward: () => {
          ops.manualSeed(11);
          const first = ops.randomBits([5]);
          return { first, second: ops.randomBits([5]) };
        },
        reference: () => ({
          first: array(
            [5],
            words(5, 11, 0, 'default').map((word) => word | 0),
          ),
          second: array(
            [5],
            words(5, 11, 1, 'default').map((word) => word | 0),
          ),
        }),
        tolerance: 'exact',
      },
    ],
    refusals: [argument(() => ops.manualSeed(0.5), '[manualSeed] expected an integer, got 0.5')],
  },
];
