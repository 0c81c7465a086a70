// npm run bench -- SUITE… [--json FILE] [--threads 1,2] [--rounds N] [--only TEXT] …: speed of the library beside named peers.
import { writeFileSync } from 'node:fs';
import { parseArguments, UsageError } from './harness/arguments.js';
import { type Machine, machine } from './harness/machine.js';
import { better, buildNative, measurePeaks, type Peaks } from './harness/peaks.js';
import type { Measured, Row, Run } from './harness/suite.js';
import { peaksTable, suiteTable } from './harness/table.js';
import { suites } from './suites/index.js';

/** What `--json` writes. */
export interface Report {
  readonly machine: Machine;
  /** null if they could not be measured; a note says why. */
  readonly peaks: Peaks | null;
  readonly suites: Readonly<Record<string, readonly Row[]>>;
  readonly notes: readonly string[];
}

async function main(): Promise<number> {
  const { chosen, json, ...asked } = parseArguments(process.argv.slice(2), suites);
  const { threads, only } = asked;
  const notes: string[] = [];
  const note = (text: string): void => {
    if (notes.includes(text)) return;
    notes.push(text);
    console.error(`note: ${text}`);
  };
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  };
  const where = machine();
  if (where.load > 0.5)
    note(`${where.load} processes wanted to run in the last minute: on a busy machine these numbers mean little`);
  const problem = buildNative('peak');
  if (problem !== undefined) note(`peaks are not measured: ${problem}`);
  const run: Run = { ...asked, measuresPeaks: problem === undefined, note, progress };
  const before = problem === undefined ? measurePeaks(threads) : null;
  const measured: Record<string, readonly Measured[]> = {};
  for (const suite of chosen) {
    measured[suite.name] = await suite.run(run);
    progress('');
    if (measured[suite.name].length === 0) throw new UsageError(`--only ${only} leaves nothing of suite ${suite.name}`);
  }
  const peaks = before && better(before, measurePeaks(threads));
  const peak = (of: number): number | undefined =>
    peaks?.multiplyAdd.find(({ target, threads: count }) => target === where.target && count === of)?.gflops;
  const results: Record<string, Row[]> = {};
  for (const [name, rows] of Object.entries(measured))
    results[name] = rows.map(({ peakGflops, ...row }) => {
      const limit = peakGflops ?? peak(row.threads);
      return { ...row, percentOfPeak: row.gflops === null || limit === undefined ? null : (row.gflops / limit) * 100 };
    });
  const report: Report = { machine: where, peaks, suites: results, notes };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  print(report);
  return Object.values(results).some((rows) => rows.some(({ verified }) => verified === false)) ? 1 : 0;
}

function print({ machine: { cpu, cores, target, node, platform }, peaks, suites: results }: Report): void {
  console.log(`${cpu}, ${cores} cores, ${target} kernels, Node ${node}, ${platform}`);
  if (peaks) console.log(peaksTable(peaks));
  for (const [name, rows] of Object.entries(results)) console.log(`\n${name}\n${suiteTable(rows)}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
