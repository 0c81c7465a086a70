import type { GoldenCall } from '../case.js';
import type { Verdict } from '../compare.js';
import { runLeWM } from './lewm.js';
import { runMasks } from './masks.js';
import { runOp } from './ops.js';
import { runPlanner } from './planner.js';
import { runPositions } from './positions.js';
import { runProbes } from './probes.js';
import { runPushT } from './push-t.js';
import { runSchedules } from './schedules.js';
import { runSigreg } from './sigreg.js';
import { runTwoRoom } from './two-room.js';

export type Family = (call: GoldenCall) => Promise<{ composed: readonly string[]; tensors: readonly Verdict[] }>;

/** What the runner knows; everything else is a failure. */
export const families: Readonly<Record<string, Family | undefined>> = {
  ops: runOp,
  masks: runMasks,
  positions: runPositions,
  probes: runProbes,
  'push-t': runPushT,
  schedules: runSchedules,
  lewm: runLeWM,
  planner: runPlanner,
  sigreg: runSigreg,
  'two-room': runTwoRoom,
};
