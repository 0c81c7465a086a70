/** One contender's result in one case. Numbers that do not apply are null. */
export interface Row {
  readonly case: string;
  readonly contender: string;
  readonly threads: number;
  readonly precision: 'float32';
  /** Of all samples: time of one repetition (a product, a step, a tick). */
  readonly medianMs: number | null;
  readonly minMs: number | null;
  /** Distance between the quartiles in percent of the median. */
  readonly spreadPercent: number | null;
  readonly gflops: number | null;
  /** Of the multiply-add peak measured in this run, at this number of threads. */
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
  /** Something a reader of the numbers must know, such as a missing peer. */
  note(text: string): void;
  /** Progress, on a line that the next one replaces. */
  progress(text: string): void;
}

/** What a suite measures; the share of the peak is added at the end, when the peak has been measured twice. */
export type Measured = Omit<Row, 'percentOfPeak'>;

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

export function statistics(samples: readonly number[]): Statistics {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (fraction: number): number => {
    const place = fraction * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  };
  const medianMs = at(0.5);
  return { medianMs, minMs: sorted[0], spreadPercent: ((at(0.75) - at(0.25)) / medianMs) * 100 };
}

export const untimed = { medianMs: null, minMs: null, spreadPercent: null } as const;

/** Fills in `ratio` for the rows of one case at one number of threads. */
export function withRatios(rows: readonly Measured[], own = 'jepa'): Measured[] {
  const time = (row: Measured | undefined): number | null => (row?.verified ? row.medianMs : null);
  const mine = time(rows.find(({ contender }) => contender === own));
  const others = rows.filter(({ contender }) => contender !== own).map(time);
  const best = Math.min(...others.filter((ms) => ms !== null));
  return rows.map((row) => {
    const compared = row.contender === own ? (Number.isFinite(best) ? best : null) : time(row);
    return { ...row, ratio: mine !== null && compared !== null ? compared / mine : null };
  });
}
