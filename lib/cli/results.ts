import { mkdir } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import type { PhysicsResults } from '../eval/physics.js';
import { expectWritable, ioError, writeFileAtomically } from '../io/atomic-file.js';
import type { PlanningResults } from '../plan/two-room.js';
import { nativeTarget } from '../tensor/index.js';

/** What `jepa demo --json` and `jepa eval --json` write; docs/results.md says what each number means. */
export interface Results {
  /** Version of this schema. */
  readonly version: 1;
  readonly seed: number;
  /** Training steps of the physics model; null where a finished model was evaluated. */
  readonly steps: number | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly target: string };
  readonly wallSeconds: {
    readonly train: number;
    readonly evaluate: number;
    readonly plan: number;
    readonly total: number;
  };
  /** Distinct clip frames encoded per second of training, stalls included; null where nothing was trained. */
  readonly framesPerSecond: number | null;
  readonly physics: PhysicsResults;
  readonly planning: PlanningResults;
  readonly health: {
    readonly sigreg: number;
    readonly sigregNull: number;
    readonly sigregCollapsed: number;
    readonly effectiveRank: number;
    readonly collapsed: boolean;
  };
  readonly checkpoint: { readonly path: string; readonly sha256: string };
}

export function machine(): Results['machine'] {
  return { cpu: (cpus()[0]?.model ?? 'unknown').trim(), cores: availableParallelism(), target: nativeTarget() };
}

/** Makes the directories of what will be written at the end, and fails now where that would fail after minutes of work. */
export async function prepareOutputs(paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) {
    if (path === undefined) continue;
    await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
      throw ioError('write', path, cause);
    });
    await expectWritable(path);
  }
}

/** @throws JepaError ERR_JEPA_IO */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomically(path, [`${JSON.stringify(value, null, 2)}\n`]);
}
