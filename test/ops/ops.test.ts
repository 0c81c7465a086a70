// Every op against float64 references, on every SIMD target of this machine, with one, two and three threads. Target and threads
// are fixed when a process starts, so the cases run in children: one a target and number of threads.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import * as ops from '#lib/ops/index.js';
import { describeMachine } from '#lib/tensor/machine.js';
import type { CaseReport, Report } from './run-cases.js';

const sources = new URL('./', import.meta.url);
const scripts = new URL('../../build/js/test/ops/', import.meta.url);
const { targets } = describeMachine();
const threadCounts = [2, 1, 3];

/** Node reads JavaScript: types are stripped file by file. */
function transpile(): void {
  mkdirSync(scripts, { recursive: true });
  for (const name of readdirSync(sources).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(new URL(name, sources), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    });
    writeFileSync(new URL(name.replace(/\.ts$/, '.js'), scripts), outputText);
  }
}

async function report(target: string, threads: number, mode: 'check' | 'bits'): Promise<Report> {
  const child = spawn(process.execPath, [new URL('run-cases.js', scripts).pathname, mode], {
    env: { ...process.env, JEPA_CPU: target, JEPA_THREADS: String(threads) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    errors += part;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the cases on ${target} with ${threads} threads ended with ${code}:\n${errors}`);
  return JSON.parse(out) as Report;
}

const reports = new Map<string, Report>();

beforeAll(async () => {
  transpile();
  const runs = threadCounts.flatMap((threads) => targets.map((target) => ({ target, threads })));
  // Two at a time: a child spends most of its time in the references, on one thread.
  const next = async (): Promise<void> => {
    for (let run = runs.shift(); run; run = runs.shift()) {
      const mode = run.threads === threadCounts[0] ? 'check' : 'bits';
      reports.set(`${run.target} ${run.threads}`, await report(run.target, run.threads, mode));
    }
  };
  await Promise.all([next(), next()]);
}, 600_000);

const of = (target: string, threads = threadCounts[0]): Report => reports.get(`${target} ${threads}`) as Report;
const bits = ({ cases }: Report): Record<string, string> =>
  Object.fromEntries(cases.filter((entry) => entry.bits !== '').map((entry) => [entry.name, entry.bits]));
const failures = (cases: readonly CaseReport[]): string[] =>
  cases.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));

describe.each(targets)('on %s', (target) => {
  test('the children ran on the target and threads they were told', () => {
    for (const threads of threadCounts) expect(of(target, threads)).toMatchObject({ target, threads });
  });

  test('outputs and gradients are those of the references, with and without each rewrite, and wrong calls are refused', () => {
    expect(failures(of(target).cases)).toEqual([]);
  });

  test.each(threadCounts.slice(1))('%d threads give the same bits', (threads) => {
    expect(failures(of(target, threads).cases)).toEqual([]);
    expect(bits(of(target, threads))).toEqual(bits(of(target)));
  });
});

test('case names are unique', () => {
  const names = of(targets[0])
    .cases.filter(({ bits }) => bits !== '')
    .map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('random numbers have the same bits on every target', () => {
  const drawn = (target: string): CaseReport[] => of(target).cases.filter(({ name }) => name.startsWith('draws '));
  expect(drawn(targets[0]).length).toBeGreaterThan(5);
  for (const target of targets)
    expect(drawn(target).map(({ name, bits }) => [name, bits])).toEqual(
      drawn(targets[0]).map(({ name, bits }) => [name, bits]),
    );
});

test('every op that the library exports has results and refusals, and no others are named', () => {
  const { cases } = of(targets[0]);
  const named = (kind: (entry: CaseReport) => boolean): string[] => [
    ...new Set(cases.filter(kind).flatMap((entry) => entry.ops)),
  ];
  const exported = Object.keys(ops).sort();
  expect(named(({ bits }) => bits !== '').sort()).toEqual(exported);
  expect(named(({ name }) => name.startsWith('refuses: ')).sort()).toEqual(exported);
});

test('every native op is reached by a program of the cases', () => {
  const listed = [
    ...readFileSync(new URL('../../native/ops/op_list.inc', import.meta.url), 'utf8').matchAll(/^X\((\w+), \w+\)$/gm),
  ].map(([, name]) => name);
  expect(listed.length).toBeGreaterThan(10);
  expect([...new Set(of(targets[0]).cases.flatMap(({ native }) => native))].sort()).toEqual([...listed].sort());
});
