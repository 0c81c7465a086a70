import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { JepaError } from '../errors.js';
import { describeMachine } from '../tensor/machine.js';
import type { Command } from './main.js';
import { type OptionalPackage, optionalPackages } from './packages.js';
import { packageVersion } from './version.js';

interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cpu: { readonly model: string; readonly cores: number };
  readonly native:
    | { readonly loaded: true; readonly target: string; readonly targets: readonly string[]; readonly threads: number }
    | { readonly loaded: false; readonly problem: string };
  readonly cuda: { readonly available: false; readonly reason: string };
  readonly packages: Readonly<Record<string, OptionalPackage>>;
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** What this machine offers, and what is missing. */
async function diagnose(): Promise<Diagnosis> {
  let native: Diagnosis['native'];
  try {
    const { target, targets, threads } = describeMachine();
    native = { loaded: true, target, targets, threads };
  } catch (error) {
    native = { loaded: false, problem: error instanceof JepaError ? error.message : String(error) };
  }
  return {
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    cpu: { model: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() },
    native,
    cuda: { available: false, reason: 'this build has no CUDA kernels' },
    packages: await optionalPackages(),
  };
}

export const command: Command = {
  spec: {
    name: 'doctor',
    positionals: [],
    summary: 'what this machine offers, and what is missing',
    options: { json: { type: 'boolean', help: 'print JSON on stdout' } },
  },
  async run(parsed) {
    const found = await diagnose();
    if (parsed.flag('json')) console.log(JSON.stringify(found, null, 2));
    else {
      const { native } = found;
      console.log(`jepa ${found.version}, Node ${found.node}, ${found.platform}`);
      console.log(
        `CPU: ${found.cpu.model}, ${counted(found.cpu.cores, 'core')}; memory ${(found.memory.totalBytes / 2 ** 30).toFixed(1)} GiB`,
      );
      console.log(
        native.loaded
          ? `native: ${native.target} kernels (available: ${native.targets.join(', ')}), ${counted(native.threads, 'thread')}`
          : `native: not loaded\n${native.problem}`,
      );
      console.log(`CUDA: not available: ${found.cuda.reason}`);
      for (const [name, { needed, range, version, problem }] of Object.entries(found.packages)) {
        const advice = `needed for ${needed}: npm install ${name}@${range.replace('>=', '')}`;
        if (version === null) console.log(`${name}: not installed (${advice})`);
        else if (problem !== undefined) console.log(`${name}: ${version}, which does not load: ${problem} (${advice})`);
        else console.log(`${name}: ${version} (for ${needed})`);
      }
    }
    return found.native.loaded ? 0 : 1;
  },
};
