// What is not arithmetic: a call of the thread pool, and the binding and JavaScript of a step.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Contender, inTurns } from '../harness/contender.js';
import { contenderPath, root } from '../harness/paths.js';
import { buildNative } from '../harness/peaks.js';
import { type Measured, type Run, type Suite, timedRow } from '../harness/suite.js';
import { vitTiny64 } from '../models/vision.js';
import type { VitTrainConfig } from '../models/vit-train.js';

/** About a GFLOP forward and backward. */
const config: VitTrainConfig = { encoder: { ...vitTiny64, depth: 6 }, batch: 1 };

function row(name: string, threads: number, times: readonly number[], flops: number | null = null): Measured {
  return timedRow({ case: name, contender: 'jepa', threads, times, flops, count: 1, verified: null });
}

/** Calls of the pool by native/bench/fork_join.cc. */
function forkJoin(run: Run, threads: number): Measured[] {
  const problem = buildNative('fork_join');
  if (problem !== undefined) {
    run.note(`overhead without fork-join: ${problem}`);
    return [];
  }
  const program = join(root, 'build', 'bench', 'fork_join');
  const { status, stdout, stderr } = spawnSync(program, [String(threads)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`fork_join failed: ${stderr}`);
  const cases = JSON.parse(stdout) as { case: string; microseconds: number[] }[];
  return cases.map(({ case: name, microseconds }) => {
    const one = row(
      `fork-join, ${name}`,
      threads,
      microseconds.map((us) => us / 1000),
    );
    run.note(`overhead: fork-join on ${threads} threads, ${name}: ${((one.medianMs as number) * 1000).toFixed(2)} µs`);
    return one;
  });
}

/** A step, and a call with the same arguments, parameters and results that does next to nothing. */
async function binding(run: Run, threads: number): Promise<Measured[]> {
  const contender = new Contender({
    name: 'jepa',
    threads,
    command: process.execPath,
    arguments: [contenderPath('overhead'), JSON.stringify(config)],
  });
  try {
    const { flops } = await contender.request<{ flops: number }>('prepare');
    const samples = await inTurns(['step', 'idle'], run.rounds, (what) => contender.request<number[]>(what));
    const of = (what: string): number[] => samples.get(what) as number[];
    const name = `step of ${(flops / 1e9).toFixed(1)} GFLOP`;
    const rows = [row(name, threads, of('step'), flops), row('the same call without its work', threads, of('idle'))];
    const [step, idle] = rows.map(({ medianMs }) => medianMs as number);
    run.note(
      `overhead: binding and JavaScript take ${(idle * 1000).toFixed(0)} µs at most, ${((100 * idle) / step).toFixed(2)} % of a ${name} on ${threads} threads`,
    );
    return rows;
  } finally {
    await contender.close();
  }
}

export const overhead: Suite = {
  name: 'overhead',
  summary: 'fork-join of the thread pool, and the share of binding and JavaScript in a step',
  async run(run) {
    const rows: Measured[] = [];
    for (const threads of run.threads) {
      if (threads > 1) rows.push(...forkJoin(run, threads));
      rows.push(...(await binding(run, threads)));
    }
    return rows.filter(({ case: name }) => name.includes(run.only));
  },
};
