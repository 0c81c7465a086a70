import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Contender, inTurns } from './contender.js';
import { root } from './paths.js';
import { quantile, type Run } from './suite.js';

export interface Rate {
  readonly target: string;
  readonly threads: number;
  readonly gflops: number;
  readonly medianGflops: number;
}

/** What the machine can do at most, as native/bench/peak.cc measures it. */
export interface Peaks {
  readonly multiplyAdd: readonly Rate[];
  /** Of targets with such instructions: billions of additions and multiplications a second. */
  readonly dotProduct: readonly (Rate & { readonly dtype: 'bfloat16' | 'int8' })[];
  readonly bandwidth: readonly {
    readonly threads: number;
    readonly bytesPerThread: number;
    readonly readGBs: number;
    readonly triadGBs: number;
  }[];
}

/** Builds a program of native/bench. @returns why that is impossible, if it is */
export function buildNative(target: 'peak' | 'fork_join'): string | undefined {
  if (!existsSync(join(root, 'build', 'CMakeCache.txt'))) return 'build/ has no CMake build: run npm run build:native';
  const { status, stdout, stderr, error } = spawnSync('cmake', ['--build', 'build', '--target', target], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? undefined : (error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n'));
}

export function measurePeaks(threads: readonly number[]): Peaks {
  const { status, stdout, stderr } = spawnSync(join(root, 'build', 'bench', 'peak'), threads.map(String), {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the peak measurement failed: ${stderr}`);
  return JSON.parse(stdout) as Peaks;
}

/**
 * As inTurns, with the peak as one more who takes its turns: the speed of a shared machine changes from one second to the next.
 * @returns also the median of the peak, GFLOP/s, where `build/bench/peak` is there to be asked
 */
export async function inTurnsWithPeak<Key>(
  run: Run,
  threads: number,
  contenders: readonly Key[],
  sample: (contender: Key) => Promise<readonly number[]>,
): Promise<{ samples: Map<Key, number[]>; peakGflops?: number }> {
  if (!run.measuresPeaks) return { samples: await inTurns(contenders, run.rounds, sample) };
  const command = join(root, 'build', 'bench', 'peak');
  const peak = new Contender({ name: 'peak', threads, command, arguments: ['--serve', String(threads)] });
  const rates: number[] = [];
  try {
    const samples = await inTurns<Key | Contender>([peak, ...contenders], run.rounds, async (contender) => {
      if (contender !== peak) return sample(contender as Key);
      rates.push(...(await peak.request<number[]>('time')));
      return [];
    });
    samples.delete(peak);
    return { samples: samples as Map<Key, number[]>, peakGflops: quantile(rates, 0.5) };
  } finally {
    await peak.close();
  }
}

/** The better of two measurements of each rate: what an undisturbed machine does. */
export function better(a: Peaks, b: Peaks): Peaks {
  return {
    multiplyAdd: a.multiplyAdd.map((rate, i) => faster(rate, b.multiplyAdd[i])),
    dotProduct: a.dotProduct.map((rate, i) => faster(rate, b.dotProduct[i])),
    bandwidth: a.bandwidth.map((rate, i) => ({
      ...rate,
      readGBs: Math.max(rate.readGBs, b.bandwidth[i].readGBs),
      triadGBs: Math.max(rate.triadGBs, b.bandwidth[i].triadGBs),
    })),
  };
}

const faster = <R extends Rate>(a: R, b: R): R => (b.gflops > a.gflops ? b : a);

/** Billions of operations a second that arithmetic on `dtype` can reach: the faster of converting to float32 and a dot product. */
export function peakOf(
  { multiplyAdd, dotProduct }: Peaks,
  target: string,
  threads: number,
  dtype: 'float32' | 'bfloat16' | 'int8' = 'float32',
): number | undefined {
  const rates = [...multiplyAdd, ...dotProduct.filter((rate) => rate.dtype === dtype)]
    .filter((rate) => rate.target === target && rate.threads === threads)
    .map(({ gflops }) => gflops);
  return rates.length > 0 ? Math.max(...rates) : undefined;
}
