import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.js';

/** What the machine can do at most, as native/bench/peak.cc measures it. */
export interface Peaks {
  readonly multiplyAdd: readonly {
    readonly target: string;
    readonly threads: number;
    readonly gflops: number;
    readonly medianGflops: number;
  }[];
  readonly bandwidth: readonly {
    readonly threads: number;
    readonly bytesPerThread: number;
    readonly readGBs: number;
    readonly triadGBs: number;
  }[];
}

/** Builds the program that measures. @returns why that is impossible, if it is */
export function buildPeak(): string | undefined {
  if (!existsSync(join(root, 'build', 'CMakeCache.txt'))) return 'build/ has no CMake build: run npm run build:native';
  const { status, stdout, stderr, error } = spawnSync('cmake', ['--build', 'build', '--target', 'peak'], {
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

/** The better of two measurements of each rate: what an undisturbed machine does. */
export function better(a: Peaks, b: Peaks): Peaks {
  return {
    multiplyAdd: a.multiplyAdd.map((rate, i) => (b.multiplyAdd[i].gflops > rate.gflops ? b.multiplyAdd[i] : rate)),
    bandwidth: a.bandwidth.map((rate, i) => ({
      ...rate,
      readGBs: Math.max(rate.readGBs, b.bandwidth[i].readGBs),
      triadGBs: Math.max(rate.triadGBs, b.bandwidth[i].triadGBs),
    })),
  };
}
