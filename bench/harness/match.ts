import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contender, type ContenderOptions } from './contender.js';
import { inTurnsWithPeak } from './peaks.js';
import { peerPath, pythonWith } from './python.js';
import { type Measured, type Precision, type Run, timedRow, withRatios } from './suite.js';

/** A contender with the precision it computes in. */
export interface Entrant {
  readonly contender: Contender;
  readonly precision: Precision;
}

/** Who may take part, before any process is started. */
export interface Candidate extends Omit<ContenderOptions, 'threads'> {
  readonly precision: Precision;
}

/** A run of training, which has no int8. */
export function forTraining(run: Run): Run {
  return { ...run, precisions: run.precisions.filter((precision) => precision !== 'int8') };
}

/** Starts jepa and the peers that the run asks for. */
export function enter(run: Run, threads: number, candidates: readonly Candidate[]): Entrant[] {
  return candidates
    .filter(({ name }) => name === 'jepa' || name.includes(run.peers))
    .map(({ precision, ...options }) => ({ precision, contender: new Contender({ ...options, threads }) }));
}

/** jepa in float32, which others are compared with, and in the other precisions asked for. */
export function ownCandidates(run: Run, command: readonly string[]): Candidate[] {
  const others = run.precisions.filter((precision) => precision !== 'float32');
  return (['float32', ...others] as const).map((precision) => ({
    name: 'jepa',
    precision,
    command: process.execPath,
    arguments: [...command, precision],
  }));
}

/**
 * PyTorch, eager and compiled, in each precision asked for; in int8 eager.
 * @param inputs what its script takes, before mode and precision   @param own precisions that it has
 */
export function pytorchCandidates(
  run: Run,
  suite: string,
  inputs: readonly string[],
  own: readonly Precision[] = ['float32', 'bfloat16'],
): Candidate[] {
  const python = pythonWith('torch');
  if ('missing' in python) {
    run.note(`${suite} without PyTorch: ${python.missing}`);
    return [];
  }
  const script = peerPath(suite.replace('-', '_'));
  return own
    .filter((precision) => run.precisions.includes(precision))
    .flatMap((precision) =>
      (precision === 'int8' ? ['eager'] : ['eager', 'compile']).map((mode) => ({
        name: `PyTorch ${python.version} ${mode}`,
        precision,
        command: python.command,
        arguments: [script, ...inputs, mode, precision],
      })),
    );
}

/** How far an answer is from jepa's float32 one at most and, where that says more, in the mean, and how far it may be. */
export interface Comparison {
  readonly error: number;
  readonly mean?: number;
  readonly allowed: number;
}

/** One case between contenders of the same number of threads. */
export interface Match<Check> {
  /** Suite and case, for progress and notes. */
  readonly suite: string;
  readonly case: string;
  readonly threads: number;
  /** jepa in float32 first: the others' outputs are compared with its own. */
  readonly entrants: readonly Entrant[];
  /** Parameters of the request 'check', which answers what is compared. */
  readonly check?: object;
  compare(answer: Check, own: Check, precision: Precision): Comparison;
  /** Parameters of the request 'time', which answers milliseconds of repetitions. */
  readonly time?: object;
  readonly flops: number | null;
  /** Pictures, frames, plans in a repetition. */
  readonly count: number | null;
}

/** What a contender answers to 'check' if it has not got the precision. */
export interface Unavailable {
  readonly unavailable: string;
}

/** Compares outputs, lets those who agree take turns, and gives everybody a row. */
export async function play<Check extends object>(run: Run, match: Match<Check>): Promise<Measured[]> {
  const { suite, entrants, threads, flops, count } = match;
  const named = `${suite} ${match.case}`;
  const present: Entrant[] = [];
  const agreed: Entrant[] = [];
  let own: Check | undefined;
  for (const entrant of entrants) {
    const { contender, precision } = entrant;
    run.progress(`${named}, ${threads} threads: checking ${contender.name} ${precision}`);
    let answer: Check | Unavailable;
    try {
      answer = await contender.request<Check | Unavailable>('check', match.check);
    } catch (error) {
      run.note(`${named}: ${(error as Error).message}`);
      present.push(entrant);
      continue;
    }
    if ('unavailable' in answer) {
      run.note(`${suite}: ${contender.name} has no ${precision}: ${answer.unavailable}`);
      continue;
    }
    present.push(entrant);
    own ??= answer;
    const { error, mean, allowed } = match.compare(answer, own, precision);
    if (error <= allowed) agreed.push(entrant);
    if (!(error <= allowed) || precision !== 'float32')
      run.note(
        `${named}: ${contender.name} ${precision} differs by ${error.toExponential(1)}${mean === undefined ? '' : ` at most, ${mean.toExponential(1)} in the mean`}, ${allowed} allowed`,
      );
  }
  const { samples, peakGflops } = await inTurnsWithPeak(run, threads, agreed, ({ contender, precision }) => {
    run.progress(`${named}, ${threads} threads: ${contender.name} ${precision}`);
    return contender.request<number[]>('time', match.time);
  });
  return withRatios(
    present.map((entrant): Measured => {
      const times = samples.get(entrant);
      const alone = entrant === entrants[0] && agreed.length === 1; // nobody to agree with
      return timedRow({
        case: match.case,
        contender: entrant.contender.name,
        threads,
        precision: entrant.precision,
        times,
        flops,
        count,
        peakGflops,
        verified: alone ? null : times !== undefined,
      });
    }),
  );
}

/**
 * Plays a case whose contenders read files, and leaves neither files nor processes.
 * @param prepare writes the files to a folder and says who may take part
 */
export async function playFromFiles<Check extends object>(
  run: Run,
  match: Omit<Match<Check>, 'entrants'>,
  prepare: (directory: string) => Promise<readonly Candidate[]>,
): Promise<Measured[]> {
  const directory = await mkdtemp(join(tmpdir(), 'jepa-bench-'));
  let entrants: readonly Entrant[] = [];
  try {
    entrants = enter(run, match.threads, await prepare(directory));
    return await play(run, { ...match, entrants });
  } finally {
    await Promise.all(entrants.map(({ contender }) => contender.close()));
    await rm(directory, { recursive: true });
  }
}

/** Says how much faster jepa is on more threads. */
export function noteScaling(run: Run, suite: string, rows: readonly Measured[]): void {
  const own = rows.filter(({ contender, medianMs }) => contender === 'jepa' && medianMs !== null);
  for (const few of own) {
    for (const many of own) {
      if (many.case !== few.case || many.precision !== few.precision || few.threads !== 1 || many.threads === 1)
        continue;
      const gain = (few.medianMs as number) / (many.medianMs as number);
      run.note(
        `${suite} ${few.case} ${few.precision}: jepa is ${gain.toFixed(2)} × as fast on ${many.threads} threads as on one`,
      );
    }
  }
}
