import { JepaError, shown } from '../errors.js';
import type { Precision } from '../tensor/index.js';
import type { ObjectiveOptions } from './objective.js';

export interface WorldModelTrainingOptions {
  readonly objective?: Partial<ObjectiveOptions>;
  /** Peak learning rate of AdamW (default 1.2e-3). */
  readonly learningRate?: number;
  /** Steps of linear warm-up (default 60), then a cosine down to `finalFraction` (default .03) of the peak. */
  readonly warmupSteps?: number;
  readonly finalFraction?: number;
  readonly weightDecay?: number;
  /** Largest global gradient norm (default 1). */
  readonly clipNorm?: number;
  /** Momentum of the weight average that becomes the model (default .998; 0: the last weights). */
  readonly averaging?: number;
  /**
   * Last share of the steps, below 1, in which the encoder, as it is on average then, stays and only what predicts learns (default 0). It
   * begins with a warm-up and ends with `finalFraction` of the learning rate, as do the steps before. Its steps report `frozen: 1`.
   */
  readonly frozenFraction?: number;
  /** What matrix products are computed in, as of `compile` (default 'float32'). */
  readonly precision?: Precision;
}

/** What {@link WorldModelTrainingOptions} leave out. */
export const trainingDefaults = {
  learningRate: 1.2e-3,
  warmupSteps: 60,
  finalFraction: 0.03,
  weightDecay: 1e-4,
  clipNorm: 1,
  averaging: 0.998,
  frozenFraction: 0,
};

/** Momentum of the weight average at step `index`: less in the beginning, for early averages would remember the start. */
export const averagingMomentum = (averaging: number, index: number): number =>
  Math.min(averaging, (index + 1) / (index + 10));

/** What a run's description says of its options: those that came later are left out where they change nothing. */
export function settingsOfRun({
  frozenFraction,
  precision,
  ...options
}: typeof trainingDefaults & { readonly precision: Precision | undefined }): Readonly<Record<string, unknown>> {
  return {
    ...options,
    ...(frozenFraction > 0 ? { frozenFraction } : {}),
    ...(precision === undefined || precision === 'float32' ? {} : { precision }),
  };
}

/** Numbers whose wrong values would train on something else than was meant, without a word. */
export function checkSettings(settings: Readonly<Record<string, number>>, contextFrames: number): void {
  const rules: Readonly<Record<string, readonly [expected: string, holds: (value: number) => boolean]>> = {
    firstTarget: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    firstTwinFrame: [
      `a whole number, contextFrames ${contextFrames} or more`,
      (value) => Number.isInteger(value) && value >= contextFrames,
    ],
    starts: ['a whole number, 0 or more', (value) => Number.isInteger(value) && value >= 0],
    reach: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    directions: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    alternatives: ['a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1],
    temperature: ['a number above 0', (value) => value > 0],
    averaging: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
    frozenFraction: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
  };
  for (const [name, value] of Object.entries(settings)) {
    const [expected, holds] = rules[name] ?? ['a number, 0 or more', (given: number) => given >= 0];
    if (Number.isFinite(value) && holds(value)) continue;
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[WorldModelTraining] expected ${name} to be ${expected}, got ${shown(value)}`,
    );
  }
}
