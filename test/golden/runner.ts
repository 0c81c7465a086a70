import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { allPasses, leaveOut, type Passes } from '#lib/tensor/trace.js';
import { type GoldenCall, readCase } from './case.js';
import type { Verdict } from './compare.js';
import { families } from './families/index.js';

export interface CaseResult {
  readonly path: string;
  readonly family: string;
  readonly case: string;
  /** Calls that the runner put together from several of the library's. */
  readonly composed: readonly string[];
  readonly tensors: readonly Verdict[];
  /** Why it could not be run. */
  readonly problem?: string;
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly cases: readonly CaseResult[];
}

export interface RunOptions {
  readonly device?: string;
  readonly precision?: string;
  readonly log?: (line: string) => void;
}

function foldersUnder(folder: string): string[] {
  if (existsSync(join(folder, 'case.json'))) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())
    .flatMap(foldersUnder);
}

async function resultOf(call: GoldenCall, device: string, precision: string): Promise<Omit<CaseResult, 'path'>> {
  const about = { family: call.family, case: call.name };
  try {
    if (device !== 'cpu' && device !== 'auto') throw new Error(`device '${device}' is not there: this build has 'cpu'`);
    if (precision !== 'float32') throw new Error(`precision '${precision}' is not there: this build has 'float32'`);
    const family = families[call.family];
    if (!family) throw new Error(`family '${call.family}' is not known to this library`);
    const { composed, tensors } = await family(call);
    if (tensors.length === 0) throw new Error('nothing was compared');
    return { ...about, composed, tensors };
  } catch (error) {
    return { ...about, composed: [], tensors: [], problem: (error as Error).message };
  }
}

/** Runs every case below a folder through the library. What it does not know fails; nothing is skipped. */
export async function runFolder(
  root: string,
  { device = 'cpu', precision = 'float32', log = () => {} }: RunOptions = {},
): Promise<Summary> {
  const cases: CaseResult[] = [];
  let failed = 0;
  for (const folder of foldersUnder(root)) {
    const path = relative(root, folder) || folder;
    for (const call of readCase(folder)) {
      const result: CaseResult = { path, ...(await resultOf(call, device, precision)) };
      // Informative cases print their figures and never fail.
      const informative = call.options.informative === true;
      const passes = informative || (result.problem === undefined && result.tensors.every(({ pass }) => pass));
      if (!passes) failed++;
      cases.push(result);
      for (const line of linesOf(result, informative)) log(line);
    }
  }
  return { passed: cases.length - failed, failed, cases };
}

/** One line a tensor: scaled error, tolerance, verdict. */
function linesOf({ path, case: name, composed, tensors, problem }: CaseResult, informative: boolean): string[] {
  const word = (pass: boolean): string => (informative ? 'info' : pass ? 'ok  ' : 'FAIL');
  if (problem !== undefined) return [`${word(false)}  ${path}  ${name}: ${problem.split('\n')[0]}`];
  return tensors.map(
    ({ name: tensor, error, tolerance, pass }) =>
      `${word(pass)}  ${path}  ${name}  ${tensor}  error ${error.toExponential(2)}  tolerance ${tolerance.toExponential(2)}${composed.length > 0 ? '  composed' : ''}`,
  );
}

/** The command line. @returns its exit code */
export async function main(args: readonly string[], log: (line: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      device: { type: 'string' },
      precision: { type: 'string' },
      json: { type: 'string' },
      without: { type: 'string', multiple: true },
    },
  });
  const [root] = positionals;
  if (positionals.length !== 1 || !existsSync(root)) {
    log('usage: npm run golden -- FOLDER [--device cpu] [--precision float32] [--json FILE] [--without PASS]');
    return 2;
  }
  const { without = [], ...options } = values;
  const unknown = without.find((pass) => !(pass in allPasses));
  if (unknown !== undefined) {
    log(`expected --without one of ${Object.keys(allPasses).join(', ')}, got '${unknown}'`);
    return 2;
  }
  for (const pass of without) leaveOut(pass as keyof Passes);
  const summary = await runFolder(root, { ...options, log });
  if (values.json) writeFileSync(values.json, JSON.stringify(summary, null, 1));
  log(`${summary.passed} passed, ${summary.failed} failed`);
  if (summary.cases.length === 0) log(`no case.json was found below ${root}`);
  return summary.failed === 0 && summary.cases.length > 0 ? 0 : 1;
}
