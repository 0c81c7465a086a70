import { availableParallelism, cpus } from 'node:os';
import type { PhysicsResults } from '../eval/physics.js';
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
