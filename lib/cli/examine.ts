import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { PhysicsExamples } from '../eval/examples.js';
import { evaluatePhysics, type PhysicsResults } from '../eval/physics.js';
import { writeFileAtomically } from '../io/atomic-file.js';
import type { Waypoints } from '../plan/contract.js';
import { evaluateTwoRoom, type PlanningResults, trainTwoRoom, twoRoomSteps } from '../plan/two-room.js';
import { planEpisodes } from '../plan/two-room-episodes.js';
import { trainTwoRoomWaypoints, twoRoomDistanceSteps } from '../plan/two-room-waypoints.js';
import { scalar } from '../tensor/index.js';
import type { TrainingEvent } from '../train/events.js';
import { healthOf, healthProgram } from '../world-model/health.js';
import type { WorldModel } from '../world-model/world-model.js';
import { physicsTrainingBatch } from '../worlds/physics/training.js';
import { drawRoom } from '../worlds/two-room/picture.js';
import { hardGoalPairs } from '../worlds/two-room/protocol.js';
import { defaultRoom } from '../worlds/two-room/room.js';
import { type Parsed, UsageError } from './arguments.js';
import { duration } from './duration.js';
import type { Progress } from './progress.js';
import { htmlReport, type ReportMaterial } from './report/report.js';
import { rowsOf } from './report/rows.js';
import { machine, type Results, writeJson } from './results.js';
import { table } from './table.js';

/** How much is examined: everything, or a share for a quick look. */
export interface Effort {
  readonly scale: number;
  readonly twoRoomSteps: number;
  readonly distanceSteps: number;
  readonly ownPairs: number;
  readonly hardPairs: number;
}
const triedEpisodes = 12;
const shownEpisodes = 4;

export const fullEffort: Effort = {
  scale: 1,
  twoRoomSteps,
  distanceSteps: twoRoomDistanceSteps,
  ownPairs: 200,
  hardPairs: 100,
};
export const quickEffort: Effort = { scale: 0.15, twoRoomSteps: 200, distanceSteps: 500, ownPairs: 20, hardPairs: 10 };
/** For a model that is there: the answer is to come in seconds. */
export const pretrainedEffort: Effort = { ...quickEffort, scale: 0.1 };

/** @param usual where the command line says nothing   @throws UsageError */
export function effortFrom(parsed: Parsed, usual = fullEffort): Effort {
  const scale = parsed.number('scale');
  if (scale === undefined) return parsed.flag('quick') ? quickEffort : usual;
  if (!(scale > 0 && scale <= 1)) throw new UsageError(`expected --scale to be above 0 and at most 1, got ${scale}`);
  const share = (count: number): number => Math.max(2, Math.round(count * scale));
  return {
    scale,
    twoRoomSteps: share(fullEffort.twoRoomSteps),
    distanceSteps: share(fullEffort.distanceSteps),
    ownPairs: share(fullEffort.ownPairs),
    hardPairs: share(fullEffort.hardPairs),
  };
}

async function examinePhysics(
  model: WorldModel,
  seed: number,
  { scale }: Effort,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ results: PhysicsResults; examples: PhysicsExamples; seconds: number }> {
  const start = performance.now();
  const { results, examples } = await evaluatePhysics(model, {
    split: 'test',
    seed,
    scale,
    signal,
    onProgress: (text) => progress.update(`examining: ${text}`),
  });
  const seconds = (performance.now() - start) / 1000;
  progress.say(
    `examined in ${duration(seconds)}: violation macro ${results.violations.macro.model.accuracy.toFixed(1)} %`,
  );
  return { results, examples, seconds };
}

/** Trains the small model of Two-Room and plans with it. */
async function examinePlanning(
  seed: number,
  { twoRoomSteps, distanceSteps, ownPairs, hardPairs }: Effort,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ results: PlanningResults; examples: ReportMaterial['planning']; seconds: number }> {
  const start = performance.now();
  const model = await trainTwoRoom(seed, {
    steps: twoRoomSteps,
    signal,
    onEvent: (event) => {
      if (event.type === 'step')
        progress.update(`Two-Room: step ${event.step}/${event.steps}, ${duration(event.secondsLeft)} left`);
    },
  });
  progress.update('Two-Room: finding waypoints');
  const { distance, waypoints } = await trainTwoRoomWaypoints(model, { seed, steps: distanceSteps, signal });
  const onEpisode = (over: number, all: number): void => progress.update(`Two-Room: planned ${over}/${all} episodes`);
  const protocols = { seed, split: 'test', ownPairs, hardPairs, waypoints, signal, onEpisode } as const;
  const results = await evaluateTwoRoom(model, protocols);
  const examples = await exampleEpisodes(model, seed, waypoints, signal);
  distance.dispose();
  model.dispose();
  const seconds = (performance.now() - start) / 1000;
  progress.say(
    `planned in ${duration(seconds)}: Two-Room ${results.twoRoom.success.toFixed(1)} % of ${results.twoRoom.episodes} episodes`,
  );
  return { results, examples, seconds };
}

/** Some episodes of the hard protocol, the first ones of them to be shown whatever became of them. */
async function exampleEpisodes(
  model: WorldModel,
  seed: number,
  waypoints: Waypoints,
  signal: AbortSignal,
): Promise<ReportMaterial['planning']> {
  const pairs = hardGoalPairs({ split: 'test', seed, count: triedEpisodes });
  const place = (places: Float32Array, row: number): [number, number] => [places[2 * row], places[2 * row + 1]];
  const walks = Array.from({ length: pairs.count }, (_, row) => [place(pairs.starts, row)]);
  const { first } = await planEpisodes(model, pairs, seed, {
    waypoints,
    signal,
    onPosition: (episode, x, y) => walks[episode].push([x, y]),
  });
  const episodes = walks.slice(0, shownEpisodes).map((positions, row) => ({
    positions,
    room: drawRoom(defaultRoom, positions[0], place(pairs.goals, row)),
    reached: first[row] > 0,
  }));
  return { episodes, succeeded: first.filter((step) => step > 0).length, tried: pairs.count };
}

/** Health of a finished model on training clips. */
async function finalHealth(model: WorldModel, seed: number): Promise<Results['health']> {
  const batch = await physicsTrainingBatch({ seed, clips: 64, twinGroups: 0 }, 0);
  const program = healthProgram(model.network, model.config.contextFrames);
  const report = await healthOf(await program(...model.tensors(batch), scalar(0, 'int32')));
  program.dispose();
  return {
    sigreg: report.sigreg,
    sigregNull: report.sigregNull,
    sigregCollapsed: report.sigregCollapsed,
    effectiveRank: report.effectiveRank,
    collapsed: report.collapsed,
  };
}

export async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** What training a model took, and how it went. */
export interface Trained {
  readonly steps: number;
  readonly seconds: number;
  readonly framesPerSecond: number;
  readonly events: readonly TrainingEvent[];
}

/** Examines a model and plans in Two-Room, prints the table on stdout, and writes the JSON file and the report, those that are wanted. */
export async function examine(
  model: WorldModel,
  {
    path,
    seed,
    effort,
    trained,
    start,
    json,
    report,
  }: {
    /** The model's file. */
    readonly path: string;
    readonly seed: number;
    readonly effort: Effort;
    /** Without it the model was found finished. */
    readonly trained?: Trained;
    /** `performance.now()` when the command began. */
    readonly start: number;
    readonly json?: string;
    readonly report?: string;
  },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const physics = await examinePhysics(model, seed, effort, progress, signal);
  const planning = await examinePlanning(seed, effort, progress, signal);
  const results: Results = {
    version: 1,
    seed,
    steps: trained?.steps ?? null,
    machine: machine(),
    wallSeconds: {
      train: trained?.seconds ?? 0,
      evaluate: physics.seconds,
      plan: planning.seconds,
      total: (performance.now() - start) / 1000,
    },
    framesPerSecond: trained?.framesPerSecond ?? null,
    physics: physics.results,
    planning: planning.results,
    health: await finalHealth(model, seed),
    checkpoint: { path: resolve(path), sha256: await sha256(path) },
  };
  console.log(table(rowsOf(results), { prose: true }));
  if (json) await writeJson(json, results);
  if (!report) return;
  const material: ReportMaterial = {
    results,
    events: trained?.events ?? [],
    examples: physics.examples,
    planning: planning.examples,
  };
  await writeFileAtomically(report, [htmlReport(material)]);
}
