import { cpus, loadavg, totalmem } from 'node:os';
import { describeMachine } from '#lib/tensor/machine.js';

/** Where the numbers come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  readonly target: string;
  readonly targets: readonly string[];
  /** Processes that wanted to run in the minute before: above a fraction of a core the numbers are not to be trusted. */
  readonly load: number;
}

export function machine(): Machine {
  const { target, targets } = describeMachine();
  return {
    cpu: (cpus()[0]?.model ?? 'unknown').trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    target,
    targets,
    load: Number(loadavg()[0].toFixed(2)),
  };
}
