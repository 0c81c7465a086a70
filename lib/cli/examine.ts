import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { evaluatePhysics, type PhysicsExamples, type PhysicsResults } from '../eval/physics.js';
import { ioError } from '../io/atomic-file.js';
import { evaluateTwoRoom, type PlanningResults, planEpisodes, trainTwoRoom } from '../plan/two-room.js';
import { scalar } from '../tensor/index.js';
import { healthOf, healthProgram } from '../world-model/health.js';
import type { WorldModel } from '../world-model/world-model.js';
import { physicsTrainingBatch } from '../worlds/physics/training.js';
import { RoomPicture } from '../worlds/two-room/picture.js';
import { goalPairs, needsDoor } from '../worlds/two-room/protocol.js';
import { defaultRoom } from '../worlds/two-room/room.js';
import type { Progress } from './progress.js';
import { duration } from './progress.js';
import type { ReportMaterial } from './report/report.js';
import { rowsOf } from './report/rows.js';
import type { Results } from './results.js';
import { table } from './table.js';

/** How much is examined: everything, or a share for a quick look. */
export interface Effort {
  readonly scale: number;
  readonly twoRoomSteps: number;
  readonly ownPairs: number;
  readonly hardPairs: number;
}
export const fullEffort: Effort = { scale: 1, twoRoomSteps: 390, ownPairs: 200, hardPairs: 100 };
export const quickEffort: Effort = { scale: 0.15, twoRoomSteps: 200, ownPairs: 20, hardPairs: 10 };

export async function examinePhysics(
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
export async function examinePlanning(
  seed: number,
  { twoRoomSteps, ownPairs, hardPairs }: Effort,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ results: PlanningResults; episode: ReportMaterial['episode']; seconds: number }> {
  const start = performance.now();
  const model = await trainTwoRoom(seed, {
    steps: twoRoomSteps,
    signal,
    onEvent: (event) => {
      if (event.type === 'step')
        progress.update(`Two-Room: step ${event.step}/${event.steps}, ${duration(event.secondsLeft)} left`);
    },
  });
  progress.update('Two-Room: planning');
  const results = await evaluateTwoRoom(model, { seed, split: 'test', ownPairs, hardPairs, signal });
  const episode = await exampleEpisode(model, seed, signal);
  model.dispose();
  const seconds = (performance.now() - start) / 1000;
  progress.say(
    `planned in ${duration(seconds)}: Two-Room ${results.twoRoom.success.toFixed(1)} % of ${results.twoRoom.episodes} episodes`,
  );
  return { results, episode, seconds };
}

/** One episode through the door, with its pictures. */
async function exampleEpisode(
  model: WorldModel,
  seed: number,
  signal: AbortSignal,
): Promise<ReportMaterial['episode']> {
  const many = goalPairs({ split: 'test', seed, count: 40 });
  const chosen = Math.max(0, needsDoor(many).indexOf(1));
  const pairs = {
    ...many,
    count: 1,
    starts: many.starts.slice(2 * chosen, 2 * chosen + 2),
    goals: many.goals.slice(2 * chosen, 2 * chosen + 2),
  };
  const positions: [number, number][] = [[pairs.starts[0], pairs.starts[1]]];
  const { first } = await planEpisodes(model, pairs, seed, { signal, onPosition: (_, x, y) => positions.push([x, y]) });
  const size = 48;
  const picture = new RoomPicture(defaultRoom, size);
  const shown = positions.filter((_, index) => index % 5 === 0);
  const frames = new Uint8Array(shown.length * size * size * 3);
  for (const [index, [x, y]] of shown.entries()) picture.draw(frames, index * size * size * 3, x, y);
  return {
    positions,
    goal: [pairs.goals[0], pairs.goals[1]],
    frames,
    count: shown.length,
    size,
    success: first[0] >= 0,
  };
}

/** Health of a finished model on training clips. */
export async function finalHealth(model: WorldModel, seed: number): Promise<Results['health']> {
  const batch = await physicsTrainingBatch({ seed, clips: 64, twinGroups: 0 }, 0);
  const program = healthProgram(model.network, model.config.contextFrames);
  const report = await healthOf(await program(...model.tensors(batch), scalar(0, 'int32')));
  program.dispose();
  return {
    sigreg: report.sigreg,
    sigregNull: report.sigregNull,
    effectiveRank: report.effectiveRank,
    collapsed: report.collapsed,
  };
}

export async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** Prints the table on stdout and writes the JSON file, if one is wanted. */
export async function publish(results: Results, json: string | undefined): Promise<void> {
  console.log(table(rowsOf(results)));
  if (json) {
    await writeFile(json, `${JSON.stringify(results, null, 2)}\n`).catch((cause: unknown) => {
      throw ioError('write', json, cause);
    });
  }
}
