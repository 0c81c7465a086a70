// The parts of the benchmark harness that decide what a number means: the command line, statistics, ratios.
import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseArguments, UsageError } from '../../bench/harness/arguments.js';
import { inTurns } from '../../bench/harness/contender.js';
import { every97th, opDifference } from '../../bench/harness/ops.js';
import { better, peakOf } from '../../bench/harness/peaks.js';
import { compareSteps } from '../../bench/harness/steps.js';
import { type Measured, type Suite, statistics, withRatios } from '../../bench/harness/suite.js';
import { suiteTable } from '../../bench/harness/table.js';
import { element } from '../../bench/suites/gemm.js';

const suites: Suite[] = ['gemm', 'tiny-train'].map((name) => ({ name, summary: `about ${name}`, run: async () => [] }));

describe('the command line', () => {
  test('chooses suites in their own order, threads ascending and once', () => {
    const parsed = parseArguments(['tiny-train', 'gemm', '--threads', '2,1,2', '--rounds=3', '--json', 'f'], suites);
    expect(parsed.chosen.map(({ name }) => name)).toEqual(['gemm', 'tiny-train']);
    expect(parsed).toMatchObject({ threads: [1, 2], rounds: 3, json: 'f', only: '' });
    const { threads } = parseArguments(['gemm'], suites);
    expect(threads).toEqual([...new Set([1, availableParallelism()])]);
  });

  test.each([
    [['gem'], 'there is no suite gem, did you mean gemm? There are: gemm, tiny-train'],
    [['nothing-like-it'], 'there is no suite nothing-like-it. There are: gemm, tiny-train'],
    [['gemm', '--thread', '1'], 'there is no option --thread, did you mean --threads? There are: --json, '],
    [['gemm', '--rounds', '0'], "expected --rounds to be whole numbers above 0, got '0'"],
    [['gemm', '--threads', 'two'], "expected --threads to be whole numbers above 0, got 'two'"],
    [[], 'usage: npm run bench -- SUITE… [options]\n  gemm         about gemm'],
  ])('%j says what there is', (args, sentence) => {
    expect(() => parseArguments(args, suites)).toThrow(UsageError);
    expect(() => parseArguments(args, suites)).toThrow(sentence);
  });
});

test('statistics are the median, the least and the distance of the quartiles', () => {
  expect(statistics([4, 1, 3, 2])).toEqual({ medianMs: 2.5, minMs: 1, spreadPercent: 60 });
  expect(statistics([7])).toEqual({ medianMs: 7, minMs: 7, spreadPercent: 0 });
});

const row = (contender: string, medianMs: number | null, verified = true): Measured => ({
  case: 'one',
  contender,
  threads: 1,
  precision: 'float32',
  medianMs,
  minMs: medianMs,
  spreadPercent: 0,
  flops: null,
  gflops: null,
  perSecond: null,
  ratio: null,
  verified,
});

test('ratios say how many times as fast jepa is, against the fastest in its own row; nobody unverified counts', () => {
  const ratios = (rows: Measured[]): (number | null)[] => withRatios(rows).map(({ ratio }) => ratio);
  expect(ratios([row('jepa', 2), row('a', 6), row('b', 3), row('wrong', null, false)])).toEqual([1.5, 3, 1.5, null]);
  expect(ratios([row('jepa', 2)])).toEqual([null]);
  expect(ratios([row('jepa', null, false), row('a', 6)])).toEqual([null, null]);
});

test('contenders take turns in alternating order', async () => {
  const order: string[] = [];
  const samples = await inTurns(['a', 'b'], 3, async (contender) => {
    order.push(contender);
    return [order.length];
  });
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect([...samples]).toEqual([
    ['a', [1, 4, 5]],
    ['b', [2, 3, 6]],
  ]);
});

const rate = (target: string, gflops: number) => ({ target, threads: 1, gflops, medianGflops: gflops });

test('the better peak of two counts', () => {
  const peaks = (gflops: number, dots: number, readGBs: number) => ({
    multiplyAdd: [rate('scalar', gflops)],
    dotProduct: [{ ...rate('avx512_vnni', dots), dtype: 'int8' as const }],
    bandwidth: [{ threads: 1, bytesPerThread: 1, readGBs, triadGBs: 10 - readGBs }],
  });
  const bandwidth = [{ threads: 1, bytesPerThread: 1, readGBs: 4, triadGBs: 7 }];
  expect(better(peaks(1, 9, 4), peaks(2, 8, 3))).toEqual({ ...peaks(2, 9, 4), bandwidth });
});

test('the peak of a dtype is that of its dot products, where they are faster than float32', () => {
  const dots = (target: string, dtype: 'bfloat16' | 'int8', gflops: number) => ({ ...rate(target, gflops), dtype });
  const peaks = {
    multiplyAdd: [rate('avx512_vnni', 4), rate('avx512_bf16', 4), { ...rate('avx512_vnni', 8), threads: 2 }],
    dotProduct: [dots('avx512_vnni', 'int8', 16), dots('avx512_bf16', 'int8', 16), dots('avx512_bf16', 'bfloat16', 2)],
    bandwidth: [],
  };
  expect(peakOf(peaks, 'avx512_vnni', 1)).toBe(4);
  expect(peakOf(peaks, 'avx512_vnni', 1, 'int8')).toBe(16);
  expect(peakOf(peaks, 'avx512_bf16', 1, 'bfloat16')).toBe(4);
  expect(peakOf(peaks, 'avx512_vnni', 3)).toBeUndefined();
});

test('a table leaves out columns that nobody fills, and shows who disagreed', () => {
  const table = suiteTable([
    { ...row('jepa', 2), percentOfPeak: null },
    { ...row('b', null, false), percentOfPeak: 50 },
  ]);
  expect(table.split('\n')).toEqual([
    'case  contender  threads  median ms  min ms  ± %  % of peak  verified',
    'one   jepa             1       2.00    2.00    0                  yes',
    'one   b                1                       0       50.0        NO',
  ]);
});

test('operands are the same numbers in every language: even in [−1, 1)', () => {
  const values = Array.from({ length: 4096 }, (_, i) => element(i, 1));
  expect(values.every((value) => value >= -1 && value < 1 && Number.isInteger(value * 2 ** 23))).toBe(true);
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / 4096)).toBeLessThan(0.03);
  expect(new Set(values).size).toBeGreaterThan(4090);
  expect(element(5, 1)).not.toBe(element(5, 2));
});

test('outputs of an operation differ by the worst place of the worst output, in units of that output', () => {
  const own = {
    outputs: [
      [1, -4],
      [100, 50],
    ],
  };
  expect(
    opDifference(
      {
        outputs: [
          [1, -4],
          [100, 50],
        ],
      },
      own,
    ),
  ).toBe(0);
  expect(
    opDifference(
      {
        outputs: [
          [1.5, -4],
          [101, 50],
        ],
      },
      own,
    ),
  ).toBe(0.125);
  for (const wrong of [
    [[1, -4]],
    [[1], [100, 50]],
    [
      [1, Number.NaN],
      [100, 50],
    ],
  ])
    expect(opDifference({ outputs: wrong }, own)).toBe(Number.POSITIVE_INFINITY);
  expect(every97th(Float32Array.from({ length: 195 }, (_, i) => i))).toEqual([0, 97, 194]);
});

test('training steps agree strictly at the first step, loosely after updates, and never with NaN', () => {
  const own = { loss: [2, 2, 2], gradNorm: [1, 1, 1] };
  const verdict = (loss: number[], gradNorm = own.gradNorm): boolean => {
    const { error, allowed } = compareSteps({ loss, gradNorm }, own, 'float32');
    return error <= allowed;
  };
  expect(verdict([2.0001, 2.008, 1.992])).toBe(true);
  expect(verdict([2.001, 2, 2])).toBe(false);
  expect(verdict([2, 2, 2.02])).toBe(false);
  expect(verdict([2, 2, 2], [1, 1, 1.01])).toBe(false);
  expect(verdict([2, Number.NaN, 2])).toBe(false);
});
