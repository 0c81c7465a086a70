import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { nearestName } from '#lib/io/options.js';
import { type Precision, precisions, type Suite } from './suite.js';

/** A mistake in the command line: exit code 2. */
export class UsageError extends Error {}

const options = {
  json: { type: 'string', help: 'FILE: write the results as JSON' },
  threads: { type: 'string', help: 'LIST: numbers of threads, default 1 and the number of cores' },
  rounds: { type: 'string', help: 'N: turns of every contender, default 5' },
  only: { type: 'string', help: 'TEXT: only cases whose name contains it' },
  precision: { type: 'string', help: `LIST: of ${precisions.join(', ')}; default all that a contender has` },
  peers: { type: 'string', help: "TEXT: only peers whose name contains it, such as 'none'" },
} as const;

function usage(suites: readonly Suite[]): string {
  const line = (name: string, text: string): string => `  ${name.padEnd(12)} ${text}`;
  return [
    'usage: npm run bench -- SUITE… [options]',
    ...suites.map(({ name, summary }) => line(name, summary)),
    ...Object.entries(options).map(([name, { help }]) => line(`--${name}`, help)),
  ].join('\n');
}

function unknown(kind: string, given: string, known: readonly string[]): UsageError {
  const nearest = nearestName(given, known);
  const meant = nearest === undefined ? '.' : `, did you mean ${nearest}?`;
  return new UsageError(`there is no ${kind} ${given}${meant} There are: ${known.join(', ')}`);
}

function positiveIntegers(option: string, text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (!numbers.every((value) => Number.isInteger(value) && value > 0))
    throw new UsageError(`expected --${option} to be whole numbers above 0, got '${text}'`);
  return numbers;
}

function chosenPrecisions(text: string): Precision[] {
  const given = text.split(',');
  for (const one of given) if (!precisions.some((known) => known === one)) throw unknown('precision', one, precisions);
  return precisions.filter((precision) => given.includes(precision));
}

export interface Arguments {
  readonly chosen: readonly Suite[];
  readonly json: string | undefined;
  readonly threads: readonly number[];
  readonly rounds: number;
  readonly only: string;
  readonly precisions: readonly Precision[];
  readonly peers: string;
}

/** @throws UsageError that says what there is */
export function parseArguments(args: readonly string[], suites: readonly Suite[]): Arguments {
  for (const argument of args) {
    const name = /^--([^=]+)/.exec(argument)?.[1];
    if (name !== undefined && !Object.hasOwn(options, name))
      throw unknown(
        'option',
        `--${name}`,
        Object.keys(options).map((known) => `--${known}`),
      );
  }
  let parsed: { values: Partial<Record<keyof typeof options, string>>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (positionals.length === 0) throw new UsageError(usage(suites));
  const names = suites.map(({ name }) => name);
  for (const given of positionals) if (!names.includes(given)) throw unknown('suite', given, names);
  const cores = availableParallelism();
  const threads = values.threads === undefined ? [1, cores] : positiveIntegers('threads', values.threads);
  return {
    chosen: suites.filter(({ name }) => positionals.includes(name)),
    json: values.json,
    threads: [...new Set(threads)].sort((a, b) => a - b),
    rounds: values.rounds === undefined ? 5 : positiveIntegers('rounds', values.rounds)[0],
    only: values.only ?? '',
    precisions: values.precision === undefined ? precisions : chosenPrecisions(values.precision),
    peers: values.peers ?? '',
  };
}
