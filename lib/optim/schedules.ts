import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';

/**
 * A learning rate, weight decay or EMA momentum as a function of the step. Which number the first update has is the caller's
 * convention: 0 in PyTorch and transformers, 1 in the JEPA codes (their step is counted before it is used), whose EMA counts from 0.
 */
export type Schedule = (step: number) => number;

/** What happens after the last step: 'hold' the final value (default), or 'continue' as the references do, cosines turning round. */
export type Beyond = 'hold' | 'continue';

export interface WarmupOptions {
  /** Value at the end of the warm-up. */
  readonly base: number;
  /** Value at step 0 (default 0). */
  readonly start?: number;
  /** Steps of linear warm-up (default 0). */
  readonly warmup?: number;
}

export interface DecayOptions extends WarmupOptions {
  /** Value at step `total` (default 0). */
  readonly final?: number;
  /** Steps in all, warm-up included. */
  readonly total: number;
  readonly beyond?: Beyond;
}

export interface BetweenOptions {
  readonly from: number;
  readonly to: number;
  /** Step that `to` is reached at. */
  readonly total: number;
  /** Step up to which it is `from` (default 0). */
  readonly begin?: number;
  readonly beyond?: Beyond;
}

const betweenOptions = ['from', 'to', 'total', 'begin', 'beyond'];
const decayOptions = ['base', 'start', 'warmup', 'final', 'total', 'beyond'];

/**
 * The same value at every step.
 * @example constantSchedule(0.05)
 */
export function constantSchedule(value: number): Schedule {
  return () => value;
}

/**
 * A straight line: `from` up to step `begin`, `to` at step `total`; the EMA momentum of I-JEPA and V-JEPA, the context loss of V-JEPA 2.1.
 * @example
 * const momentum = linearSchedule({ from: 0.996, to: 1, total: 1000 });
 * momentum(500); // 0.998
 */
export function linearSchedule(options: BetweenOptions): Schedule {
  checkOptions('linearSchedule', options, betweenOptions);
  const { from, to, begin = 0 } = options;
  const progress = progressOf('linearSchedule', begin, options);
  return (step) => from + (to - from) * progress(Math.max(step, begin));
}

/**
 * Half a cosine from `from` to `to`, rising or falling, never past `to`; the weight decay of I-JEPA and V-JEPA.
 * @example
 * const decay = cosineSchedule({ from: 0.04, to: 0.4, total: 1000 });
 * decay(500); // 0.22
 */
export function cosineSchedule(options: BetweenOptions): Schedule {
  checkOptions('cosineSchedule', options, betweenOptions);
  const { from, to, begin = 0 } = options;
  const progress = progressOf('cosineSchedule', begin, options);
  const limit = to <= from ? Math.max : Math.min;
  return (step) => limit(to, halfCosine(from, to, progress(Math.max(step, begin))));
}

/** Linear warm-up, then `base` for ever. @example warmupConstant({ base: 1e-2, warmup: 100 })(50); // 0.005 */
export function warmupConstant(options: WarmupOptions): Schedule {
  checkOptions('warmupConstant', options, ['base', 'start', 'warmup']);
  return warmedUp(options, () => options.base);
}

/**
 * Linear warm-up from `start` to `base` over `warmup` steps, then half a cosine to `final` at step `total`.
 * @example warmupCosine({ base: 1e-2, warmup: 100, total: 2000 })(50); // 0.005
 */
export function warmupCosine(options: DecayOptions): Schedule {
  checkOptions('warmupCosine', options, decayOptions);
  const { base, final = 0, warmup = 0 } = options;
  const progress = progressOf('warmupCosine', warmup, options);
  return warmedUp(options, (step) => Math.max(Math.min(base, final), halfCosine(base, final, progress(step))));
}

/**
 * Linear warm-up, then a straight line to `final` at step `total`.
 * @example
 * const rate = warmupLinear({ base: 1e-2, warmup: 100, total: 1100 });
 * rate(600); // 0.005
 */
export function warmupLinear(options: DecayOptions): Schedule {
  checkOptions('warmupLinear', options, decayOptions);
  const { base, final = 0, warmup = 0 } = options;
  const progress = progressOf('warmupLinear', warmup, options);
  return warmedUp(options, (step) => base + (final - base) * progress(step));
}

/**
 * Linear warm-up, then `base`, then over the last `decay` of `total` steps a straight line to `final` (V-JEPA 2-AC).
 * @example
 * const rate = warmupStableDecay({ base: 1e-2, warmup: 100, total: 1000, decay: 200 });
 * rate(900); // 0.005
 */
export function warmupStableDecay(options: DecayOptions & { readonly decay: number }): Schedule {
  checkOptions('warmupStableDecay', options, [...decayOptions, 'decay']);
  const { base, final = 0, total, decay } = options;
  const progress = progressOf('warmupStableDecay', total - decay, options);
  return warmedUp(options, (step) => base + (final - base) * Math.max(0, progress(step)));
}

export interface OneCycleOptions {
  /** Highest value, reached at step peak·total − 1. */
  readonly base: number;
  /** Steps in all; the lowest value is reached at step total − 1. */
  readonly total: number;
  /** Share of the steps that rises (default .3). */
  readonly peak?: number;
  /** The first value is base/startFactor (default 25), the last base/startFactor/finalFactor (default 1e4). */
  readonly startFactor?: number;
  readonly finalFactor?: number;
  readonly shape?: 'cosine' | 'linear';
}

/**
 * One cycle (Smith & Topin 2018) with PyTorch's conventions, step from 0.
 * @example
 * const rate = oneCycle({ base: 1e-2, total: 100 });
 * rate(29); // 0.01
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  checkOptions('oneCycle', options, ['base', 'total', 'peak', 'startFactor', 'finalFactor', 'shape']);
  const { base, total, peak = 0.3, startFactor = 25, finalFactor = 1e4, shape = 'cosine' } = options;
  const top = peak * total - 1;
  const between = (from: number, to: number, progress: number): number =>
    shape === 'cosine' ? halfCosine(from, to, progress) : from + (to - from) * progress;
  const start = base / startFactor;
  return (step) =>
    step <= top
      ? between(start, base, step / top)
      : between(base, start / finalFactor, Math.min(1, (step - top) / (total - 1 - top)));
}

function warmedUp({ base, start = 0, warmup = 0 }: WarmupOptions, after: Schedule): Schedule {
  return (step) => (step < warmup ? start + ((base - start) * step) / warmup : after(step));
}

/** How far the decay is: 0 at step `begin`, 1 at `total`. @throws JepaError ERR_JEPA_INVALID_ARGUMENT */
function progressOf(
  op: string,
  begin: number,
  { total, beyond = 'hold' }: { readonly total: number; readonly beyond?: Beyond },
): Schedule {
  if (!(total >= 0) || !(begin >= 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected steps that are not negative, got ${begin} and ${total}`,
    );
  return (step) => {
    const progress = (step - begin) / Math.max(total - begin, 1);
    return beyond === 'hold' ? Math.min(progress, 1) : progress;
  };
}

function halfCosine(from: number, to: number, progress: number): number {
  return to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
