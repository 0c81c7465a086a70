// npm run golden -- FOLDER [--device D] [--precision P] [--json F]: runs every golden case below a folder through the library.
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type GoldenCall, readCase } from './case.js';
import type { Verdict } from './compare.js';
import { families } from './families/index.js';

interface CaseResult {
  readonly path: string;
  readonly family: string;
  readonly case: string;
  /** Calls that the runner put together from several of the library's. */
  readonly composed: readonly string[];
  readonly tensors: readonly Verdict[];
  readonly problem?: string;
}

function foldersUnder(folder: string): string[] {
  if (existsSync(join(folder, 'case.json'))) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())
    .flatMap(foldersUnder);
}

export async function runCall(call: GoldenCall): Promise<{ composed: readonly string[]; tensors: readonly Verdict[] }> {
  const family = families[call.family];
  if (!family) throw new Error(`family '${call.family}' is not known to this library`);
  return family(call);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      device: { type: 'string', default: 'cpu' },
      precision: { type: 'string', default: 'float32' },
      json: { type: 'string' },
    },
  });
  const [root] = positionals;
  if (positionals.length !== 1 || !existsSync(root)) {
    console.error('usage: npm run golden -- FOLDER [--device cpu] [--precision float32] [--json FILE]');
    return 2;
  }
  if (values.device !== 'cpu' && values.device !== 'auto')
    throw new Error(`device '${values.device}' is not there: this build has 'cpu'`);
  if (values.precision !== 'float32')
    throw new Error(`precision '${values.precision}' is not there: this build has 'float32'`);
  const cases: CaseResult[] = [];
  for (const folder of foldersUnder(root)) {
    for (const call of readCase(folder)) {
      const path = relative(root, folder) || folder;
      let result: CaseResult;
      try {
        result = { path, family: call.family, case: call.name, ...(await runCall(call)) };
      } catch (error) {
        result = {
          path,
          family: call.family,
          case: call.name,
          composed: [],
          tensors: [],
          problem: (error as Error).message,
        };
      }
      const informative = call.options.informative === true;
      cases.push(
        informative
          ? { ...result, problem: undefined, tensors: result.tensors.map((tensor) => ({ ...tensor, pass: true })) }
          : result,
      );
      if (result.problem)
        console.log(`${informative ? 'info' : 'FAIL'}  ${path}  ${call.name}: ${result.problem.split('\n')[0]}`);
      for (const { name, error, tolerance, pass } of result.tensors)
        console.log(
          `${pass ? 'ok  ' : 'FAIL'}  ${path}  ${call.name}  ${name}  error ${error.toExponential(2)}  tolerance ${tolerance.toExponential(2)}`,
        );
    }
  }
  const failed = cases.filter(
    ({ problem, tensors }) => problem !== undefined || tensors.length === 0 || tensors.some(({ pass }) => !pass),
  ).length;
  const summary = { passed: cases.length - failed, failed, cases };
  if (values.json) writeFileSync(values.json, JSON.stringify(summary, null, 1));
  console.log(`${summary.passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1]?.endsWith('run.js')) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error((error as Error).message);
      process.exitCode = 1;
    },
  );
}
