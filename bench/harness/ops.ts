// Suites of single operations: the same shapes and numbers for all contenders, outputs compared, then turns of a few milliseconds.
import { type Candidate, type Entrant, enter, ownCandidates, play, pytorchCandidates } from './match.js';
import { contenderPath } from './paths.js';
import type { Measured, Precision, Run, Suite } from './suite.js';

/** Values of every output at places that all contenders have in common. */
export interface OpCheck {
  readonly outputs: readonly (readonly number[])[];
}

export interface OpCase {
  readonly name: string;
  /** What contenders compute. */
  readonly request: object;
  /** Additions and multiplications; null where memory is the limit. */
  readonly flops: number | null;
  /** What is counted a second: GB that the algorithm has to read and write, or null. */
  readonly count: number | null;
}

/** Of one turn. */
export const opTurnMs = 100;

/** Every 97th value: a prime, so that all rows and columns have their turn. */
export function every97th(values: Float32Array): number[] {
  return Array.from({ length: Math.ceil(values.length / 97) }, (_, i) => values[97 * i]);
}

/** In units of the largest value of an output. */
const allowed: Record<Precision, number> = { float32: 2e-5, bfloat16: 0.03, int8: 0 };

/** The largest difference of any output, in units of that output's largest value. */
export function opDifference({ outputs }: OpCheck, own: OpCheck): number {
  if (outputs.length !== own.outputs.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [index, values] of outputs.entries()) {
    const mine = own.outputs[index];
    const scale = mine.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of values.entries()) {
      const error = Math.abs(value - mine[i]) / scale;
      worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    }
    if (values.length !== mine.length) worst = Number.POSITIVE_INFINITY;
  }
  return worst;
}

async function measure(run: Run, threads: number, suite: string, chosen: readonly OpCase[]): Promise<Measured[]> {
  const candidates: Candidate[] = [...ownCandidates(run, [contenderPath(suite)]), ...pytorchCandidates(run, suite, [])];
  const entrants: readonly Entrant[] = enter(run, threads, candidates);
  const rows: Measured[] = [];
  try {
    for (const { name, request, flops, count } of chosen)
      rows.push(
        ...(await play<OpCheck>(run, {
          suite,
          case: name,
          threads,
          entrants,
          check: request,
          compare: (answer, own, precision) => ({ error: opDifference(answer, own), allowed: allowed[precision] }),
          flops,
          count,
        })),
      );
  } finally {
    await Promise.all(entrants.map(({ contender }) => contender.close()));
  }
  return rows;
}

/** @param precisions that the operations are asked for in */
export function opSuite(
  name: string,
  summary: string,
  cases: readonly OpCase[],
  precisions: readonly Precision[],
): Suite {
  return {
    name,
    summary,
    async run(run) {
      const asked: Run = { ...run, precisions: run.precisions.filter((precision) => precisions.includes(precision)) };
      const chosen = cases.filter((one) => one.name.includes(run.only));
      const rows: Measured[] = [];
      if (chosen.length > 0)
        for (const threads of run.threads) rows.push(...(await measure(asked, threads, name, chosen)));
      return rows;
    },
  };
}
