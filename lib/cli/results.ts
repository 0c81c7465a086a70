import type { PhysicsResults } from '../eval/physics.js';

/** What `jepa demo --json` and `jepa eval --json` write; docs/results.md says what each number means. */
export interface Results {
  /** Version of this schema. */
  readonly version: 1;
  readonly seed: number;
  /** Training steps of the physics model. */
  readonly steps: number;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly target: string };
  readonly wallSeconds: { readonly train: number; readonly evaluate: number; readonly plan: number; readonly total: number };
  /** Distinct clip frames encoded per second of training, stalls included. */
  readonly framesPerSecond: number;
  readonly physics: PhysicsResults;
  readonly planning: PlanningResults;
  readonly health: { readonly sigreg: number; readonly sigregNull: number; readonly effectiveRank: number; readonly collapsed: boolean };
  readonly checkpoint: { readonly path: string; readonly sha256: string };
}

/** Successes in percent. */
export interface PlanningResults {
  readonly twoRoom: {
    readonly success: number;
    /** The pairs whose start and goal lie in different rooms. */
    readonly otherRoom: number;
    readonly random: number;
    readonly standStill: number;
    /** The same search with the true simulator and straight-line distance. */
    readonly oracle: number;
    readonly episodes: number;
    readonly planMilliseconds: { readonly p50: number; readonly p95: number };
  };
  /** Start and goal in different rooms, 100 steps. */
  readonly twoRoomHard: { readonly success: number; readonly random: number; readonly oracle: number; readonly episodes: number };
}
