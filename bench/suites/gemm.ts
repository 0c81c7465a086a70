// Matrix products in float32 and bfloat16 as transformers need them: forward (NN), gradient of the input (NT) and of the weights (TN).
import { fromBfloat16, toBfloat16 } from '#lib/index.js';
import { Contender } from '../harness/contender.js';
import { contenderPath } from '../harness/paths.js';
import { inTurnsWithPeak } from '../harness/peaks.js';
import { peerPath, pythonWith } from '../harness/python.js';
import {
  type Measured,
  type Precision,
  type Run,
  type Suite,
  timedRow,
  untimed,
  withRatios,
} from '../harness/suite.js';

/** Widths of the layers of vision transformers, [inputs, outputs]: attention and perceptron blocks from tiny to large. */
const layers = [
  [192, 576],
  [192, 768],
  [768, 192],
  [384, 1152],
  [384, 1536],
  [1536, 384],
  [768, 2304],
  [768, 3072],
  [3072, 768],
  [1024, 4096],
] as const;
/** Tokens: one picture of 14 × 14 patches, eight of them, a large batch. */
const tokens = [196, 1568, 8192] as const;

/** y[i][j] = Σ_p a(i, p)·b(p, j) with a [rows, inner] or its transpose in memory, b [inner, columns] or its transpose. */
export interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly precision: Precision;
  /** Places of y, in memory order, whose values a contender shows before it is timed. */
  readonly samples: readonly number[];
}

/** Element `index` of operand `seed`: even in [−1, 1), the same in every language (32-bit integer arithmetic). */
export function element(index: number, seed: number): number {
  let h = Math.imul(index + Math.imul(seed, 0x9e3779b9), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  h ^= h >>> 13;
  return (h >>> 8) / 2 ** 23 - 1;
}

interface Case {
  readonly name: string;
  readonly layout: 'NN' | 'NT' | 'TN';
  readonly product: Omit<Product, 'precision'>;
}

function cases(): Case[] {
  return (['NN', 'NT', 'TN'] as const).flatMap((layout) =>
    layers.flatMap(([k, n]) =>
      tokens.map((m): Case => {
        const [rows, inner, columns] = layout === 'NN' ? [m, k, n] : layout === 'NT' ? [m, n, k] : [k, m, n];
        const samples = Array.from({ length: 256 }, (_, i) => Math.floor(((element(i, 99) + 1) / 2) * rows * columns));
        const product = { rows, inner, columns, transposeA: layout === 'TN', transposeB: layout === 'NT', samples };
        return { name: `${layout} K=${k} N=${n} M=${m}`, layout, product };
      }),
    ),
  );
}

/** The sampled values in float64, of operands in their precision. */
function reference({ rows, inner, columns, transposeA, transposeB, precision, samples }: Product): number[] {
  const entering = (index: number, seed: number): number => {
    const x = element(index, seed);
    return precision === 'bfloat16' ? fromBfloat16(toBfloat16(x)) : x;
  };
  return samples.map((place) => {
    const i = Math.floor(place / columns);
    const j = place % columns;
    let sum = 0;
    for (let p = 0; p < inner; p++) {
      const a = transposeA ? p * rows + i : i * inner + p;
      const b = transposeB ? j * inner + p : p * columns + j;
      sum += entering(a, 1) * entering(b, 2);
    }
    return sum;
  });
}

/**
 * Sums have a standard deviation of √K/3; relative to that, rounding in float32 grows like 1e-6·√K at most. Peers round results
 * to bfloat16 as well, half a unit of eight bits.
 */
function agrees(outputs: readonly number[], expected: readonly number[], { inner, precision }: Product): boolean {
  const allowed = (y: number): number => (1e-6 * inner) / 3 + (precision === 'bfloat16' ? 2 ** -8 * Math.abs(y) : 0);
  return (
    outputs.length === expected.length && outputs.every((y, i) => Math.abs(y - expected[i]) <= allowed(expected[i]))
  );
}

/** NumPy's BLAS and PyTorch's; both of PyTorch's libraries also with weights packed before, where that is possible (NN, NT). */
const peers = [
  { module: 'numpy', mode: 'numpy', name: (version: string) => `NumPy ${version}` },
  { module: 'torch', mode: 'mm', name: (version: string) => `PyTorch ${version} mm` },
  { module: 'torch', mode: 'mkl', name: (version: string) => `PyTorch ${version} packed by MKL` },
  { module: 'torch', mode: 'onednn', name: (version: string) => `PyTorch ${version} packed by oneDNN` },
] as const;

async function start(run: Run): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const threads of run.threads) {
    contenders.push(
      new Contender({ name: 'jepa', threads, command: process.execPath, arguments: [contenderPath('gemm')] }),
    );
    for (const { module, mode, name } of peers) {
      const python = pythonWith(module);
      if ('missing' in python) {
        run.note(`gemm without ${mode}: ${python.missing}`);
        continue;
      }
      const title = name(python.version);
      if (!title.includes(run.peers)) continue;
      const peer = new Contender({
        name: title,
        threads,
        command: python.command,
        arguments: [peerPath('gemm'), mode],
      });
      run.note(`gemm: ${await peer.request<string>('libraries')}`);
      contenders.push(peer);
    }
  }
  return contenders;
}

async function measure(run: Run, { name, product }: Case, contenders: readonly Contender[]): Promise<Measured[]> {
  const flops = 2 * product.rows * product.inner * product.columns;
  const rows: Measured[] = [];
  for (const threads of run.threads) {
    const measured: Measured[] = [];
    for (const precision of run.precisions.filter((one) => one !== 'int8')) {
      const asked: Product = { ...product, precision };
      const expected = reference(asked);
      const present: Contender[] = [];
      const right: Contender[] = [];
      for (const contender of contenders.filter((one) => one.threads === threads)) {
        const outputs = await contender.request<number[] | null>('prepare', asked);
        if (outputs === null) continue; // it has no such product
        present.push(contender);
        if (agrees(outputs, expected, asked)) right.push(contender);
      }
      const { samples, peakGflops } = await inTurnsWithPeak(run, threads, right, (contender) =>
        contender.request<number[]>('time'),
      );
      for (const contender of present) {
        const times = samples.get(contender);
        const row = { case: name, contender: contender.name, threads, precision, times, flops, peakGflops };
        measured.push(timedRow({ ...row, verified: times !== undefined }));
      }
    }
    rows.push(...withRatios(measured));
  }
  return rows;
}

/** Geometric mean and worst over the cases of a layout, and over all, for each contender, number of threads and precision. */
function summaries(rows: readonly Measured[], layoutOf: ReadonlyMap<string, string>): Measured[] {
  const groups = new Map<string, Measured[]>();
  for (const row of rows) {
    for (const layout of [layoutOf.get(row.case), 'all']) {
      const key = `${layout}|${row.contender}|${row.threads}|${row.precision}`;
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
  }
  return [...groups].flatMap(([key, members]) => {
    const summary = (name: string, of: (values: readonly number[]) => number): Measured => {
      const over = (pick: (row: Measured) => number | null | undefined): number | null => {
        const values = members.map(pick).filter((value) => typeof value === 'number');
        return values.length === members.length ? of(values) : null;
      };
      // Each case's share is of the peak in its own turns: the rate here is that share of the group's peak.
      const peakGflops = geomean(members.map((row) => row.peakGflops ?? 1));
      const share = over(({ gflops, peakGflops: peak = 1 }) => gflops && gflops / peak);
      return {
        ...members[0],
        ...untimed,
        flops: null,
        case: `${key.split('|')[0]} ${name}`,
        gflops: share && share * peakGflops,
        peakGflops: members[0].peakGflops && peakGflops,
        ratio: over(({ ratio }) => ratio),
        verified: members.every(({ verified }) => verified === true),
      };
    };
    return [summary('geomean', geomean), summary('worst', (values) => Math.min(...values))];
  });
}

const geomean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export const gemm: Suite = {
  name: 'gemm',
  summary: 'matrix products of transformer layers, share of the multiply-add peak',
  async run(run) {
    const chosen = cases().filter(({ name }) => name.includes(run.only));
    const contenders = chosen.length > 0 ? await start(run) : [];
    const rows: Measured[] = [];
    try {
      for (const [index, one] of chosen.entries()) {
        run.progress(`gemm ${index + 1}/${chosen.length} ${one.name}`);
        rows.push(...(await measure(run, one, contenders)));
      }
    } finally {
      await Promise.all(contenders.map((contender) => contender.close()));
    }
    return [...rows, ...summaries(rows, new Map(chosen.map(({ name, layout }) => [name, layout])))];
  },
};
