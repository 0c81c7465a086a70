/** What products are computed in: float32 throughout, bfloat16 operands with float32 sums, or int8 operands (inference only). */
export const precisions = ['float32', 'bfloat16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

/** One contender's result in one case. Numbers that do not apply are null. */
export interface Row {
  readonly case: string;
  readonly contender: string;
  readonly threads: number;
  readonly precision: Precision;
  /** Of all samples: time of one repetition (a product, a step, a tick). */
  readonly medianMs: number | null;
  readonly minMs: number | null;
  /** Distance between the quartiles in percent of the median. */
  readonly spreadPercent: number | null;
  /** Additions and multiplications of one repetition, as the algorithm needs them. */
  readonly flops: number | null;
  readonly gflops: number | null;
  /** Of the float32 multiply-add peak measured in this run, at this number of threads. */
  readonly percentOfPeak: number | null;
  /** What the case counts, per second: frames, ticks. */
  readonly perSecond: number | null;
  /** How many times as fast jepa is as this contender; in jepa's own row, as the fastest of the others. */
  readonly ratio: number | null;
  /** Whether the outputs agreed with the reference before anything was timed. A contender that disagrees is not timed. */
  readonly verified: boolean | null;
}

/** What a run gives to its suites. */
export interface Run {
  /** Numbers of threads to measure with, ascending. */
  readonly threads: readonly number[];
  /** How often every contender has its turn. */
  readonly rounds: number;
  /** Only cases whose name contains this. */
  readonly only: string;
  /** Precisions to measure, where a contender has them. */
  readonly precisions: readonly Precision[];
  /** Only peers whose name contains this; jepa itself always runs. */
  readonly peers: string;
  /** Whether build/bench/peak is there to be asked. */
  readonly measuresPeaks: boolean;
  /** Something a reader of the numbers must know, such as a missing peer. */
  note(text: string): void;
  /** Progress, on a line that the next one replaces. */
  progress(text: string): void;
}

/** What a suite measures; the share of the peak is added at the end. */
export interface Measured extends Omit<Row, 'percentOfPeak'> {
  /** The float32 multiply-add peak, GFLOP/s, measured in turns with this row; else the best before and after the suites counts. */
  readonly peakGflops?: number;
}

export interface Suite {
  readonly name: string;
  readonly summary: string;
  run(run: Run): Promise<Measured[]>;
}

export interface Statistics {
  readonly medianMs: number;
  readonly minMs: number;
  readonly spreadPercent: number;
}

/** Of samples in any order, between the nearest two where need be. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const place = fraction * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

export function statistics(samples: readonly number[]): Statistics {
  const medianMs = quantile(samples, 0.5);
  const range = quantile(samples, 0.75) - quantile(samples, 0.25);
  return { medianMs, minMs: quantile(samples, 0), spreadPercent: (range / medianMs) * 100 };
}

export const untimed = { medianMs: null, minMs: null, spreadPercent: null } as const;

/** What a row is made of; what is absent does not apply. */
export interface Timed extends Pick<Measured, 'case' | 'contender' | 'threads' | 'verified' | 'peakGflops'> {
  /** Default 'float32'. */
  readonly precision?: Precision;
  /** Milliseconds of repetitions; absent where it was not timed. */
  readonly times?: readonly number[];
  readonly flops?: number | null;
  /** What a repetition has of what is counted a second. */
  readonly count?: number | null;
}

/** A row of samples, to be given its ratio by {@link withRatios}. */
export function timedRow({ times, precision = 'float32', flops = null, count = null, ...rest }: Timed): Measured {
  const summary = times ? statistics(times) : untimed;
  const per = (amount: number | null): number | null =>
    amount === null || summary.medianMs === null ? null : amount / summary.medianMs;
  const gflops = per(flops === null ? null : flops / 1e6);
  return {
    ...rest,
    precision,
    ...summary,
    flops,
    gflops,
    perSecond: per(count === null ? null : 1e3 * count),
    ratio: null,
  };
}

/**
 * Fills in `ratio` for the rows of one case at one number of threads. Like is compared with like; a precision that one side has
 * not is compared with the other side's float32.
 */
export function withRatios(rows: readonly Measured[], own = 'jepa'): Measured[] {
  const time = (row: Measured | undefined): number | null => (row?.verified ? row.medianMs : null);
  const mine = rows.filter(({ contender }) => contender === own);
  const others = rows.filter(({ contender }) => contender !== own);
  const ownTime = (precision: Precision): number | null => time(mine.find((row) => row.precision === precision));
  const best = (precision: Precision): number | null => {
    const times = others.filter((row) => row.precision === precision).map(time);
    const least = Math.min(...times.filter((ms) => ms !== null));
    return Number.isFinite(least) ? least : null;
  };
  return rows.map((row) => {
    const [jepa, peer] =
      row.contender === own
        ? [time(row), best(row.precision) ?? best('float32')]
        : [ownTime(row.precision) ?? ownTime('float32'), time(row)];
    return { ...row, ratio: jepa !== null && peer !== null ? peer / jepa : null };
  });
}
