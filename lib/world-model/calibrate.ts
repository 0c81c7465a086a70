import { checkPositive } from '../data/check.js';
import { isAsyncIterable } from '../data/iterable.js';
import type { HostObservations } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { SurpriseCalibration } from './calibration.js';
import { flawOf } from './calibration-file.js';
import type { Clips } from './clips.js';
import { type Measured, measure } from './measure.js';
import { Outliers } from './outliers.js';
import { nearestRankQuantile } from './quantile.js';
import { horizonsUpTo, type StreamProgram } from './stream.js';
import type { WorldModel } from './world-model.js';

export interface CalibrationOptions {
  /** Age of the oldest expectation that frames are compared with, in frames; ages are 1, 2, 4 … (default 8). */
  readonly lookAhead?: number;
  /**
   * Frames to measure at least (default 50,000; fewer if the clips end before): every frame of every clip counts, those of the context too,
   * which have no errors yet. Batches are taken two at a time until there are so many; those of the first of two set the scales, those of the
   * second are scored by them, and each horizon has the rates that its scored frames can tell.
   */
  readonly frames?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs clips as streams, by the program and with the fingerprint of the model. Every other batch sets the scales and the cloud of embeddings; the rest are scored by these, since a frame
 * that had a part in its own yardstick would look more ordinary than a fresh one.
 */
export async function calibrate(
  world: WorldModel,
  { advance, model }: { readonly advance: StreamProgram; readonly model: string },
  dataset: AsyncIterable<Clips<HostObservations>> | Iterable<Clips<HostObservations>>,
  options: CalibrationOptions,
): Promise<SurpriseCalibration> {
  const { lookAhead, frames, signal } = checked(dataset, options);
  const horizons = horizonsUpTo(lookAhead);
  const { halves, longest, actions } = await measuredHalves(world, advance, dataset, horizons, { frames, signal });
  const [yardstick, scored] = halves;
  const scales = Float32Array.from(horizons, (_, index) =>
    nearestRankQuantile(
      Float32Array.from(yardstick.flatMap(({ errors }) => (errors.length > index ? [errors[index]] : []))).sort(),
      0.99,
    ),
  );
  const width = world.config.embeddingSize;
  const cloud = new Float32Array(yardstick.length * width);
  for (const [index, { embedding }] of yardstick.entries()) cloud.set(embedding, index * width);
  const outliers = Outliers.of(cloud, width);
  const measures = { model, frames: longest, scales, outliers, actions };
  const unscored = new SurpriseCalibration({ ...measures, scores: [], distances: new Float32Array() });
  const scoredMeasures = {
    ...measures,
    scores: horizons.map((_, index) =>
      Float32Array.from(
        scored.flatMap(({ errors }) => (errors.length === index + 1 ? [unscored.score(errors)] : [])),
      ).sort(),
    ),
    distances: Float32Array.from(scored, ({ embedding }) => outliers.distance(embedding)).sort(),
  };
  const flaw = flawOf(scoredMeasures);
  if (flaw)
    throw new JepaError('ERR_JEPA_NON_FINITE', `[calibrate] expected ${flaw.expected}, got ${flaw.got}`, {
      help: ['readings so large that the model overflows, and a model that errs nowhere, are no yardstick'],
    });
  return new SurpriseCalibration(scoredMeasures);
}

type ClipBatches = AsyncIterable<Clips<HostObservations>> | Iterable<Clips<HostObservations>>;

/** @returns the options with their defaults   @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
function checked(
  dataset: ClipBatches,
  options: CalibrationOptions,
): Required<Omit<CalibrationOptions, 'signal'>> & Pick<CalibrationOptions, 'signal'> {
  checkOptions('worldModel calibrate', options, ['lookAhead', 'frames', 'signal']);
  const { lookAhead = 8, frames = 50_000, signal } = options;
  for (const [name, value] of Object.entries({ lookAhead, frames })) checkPositive('calibrate', name, value);
  if (!isAsyncIterable(dataset) && !(dataset && Symbol.iterator in Object(dataset)))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[calibrate] expected batches of clips, an async iterable or an array of them, got ${dataset === null ? 'null' : typeof dataset}`,
      { help: ['clips in memory: give them as two batches or more, [clips, others]; every other one sets the scales'] },
    );
  return { lookAhead, frames, signal };
}

/** Frames of every other batch and of the rest, the longest clip, and the range of actions. @throws JepaError ERR_JEPA_DATASET */
async function measuredHalves(
  world: WorldModel,
  advance: StreamProgram,
  dataset: ClipBatches,
  horizons: readonly number[],
  { frames: wanted, signal }: { readonly frames: number; readonly signal?: AbortSignal },
): Promise<{ halves: [yardstick: Measured[], scored: Measured[]]; longest: number; actions: Float32Array }> {
  const { action, contextFrames } = world.config;
  const halves: [Measured[], Measured[]] = [[], []];
  const range = new ActionRange(action.size);
  let longest = 0;
  let batches = 0;
  for await (const clips of dataset) {
    const half = halves[batches++ % 2];
    for await (const measured of measure(world, advance, clips, horizons, signal)) half.push(measured);
    range.include(clips.actions);
    longest = Math.max(longest, clips.frames);
    if (batches % 2 === 0 && halves[0].length + halves[1].length >= wanted) break;
  }
  const [yardstick, scored] = halves;
  const counts = horizons.map((_, index) => scored.filter(({ errors }) => errors.length === index + 1).length);
  if (yardstick.length === 0 || counts.some((count) => count === 0))
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[calibrate] expected at least two batches of clips longer than ${contextFrames + (horizons.at(-1) as number) - 1} frames, got ${batches} ${batches === 1 ? 'batch' : 'batches'} of up to ${longest} frames`,
      {
        help: [
          batches < 2
            ? 'give the clips in two batches or more: every other one sets the scales'
            : 'give longer clips, or a smaller lookAhead',
        ],
      },
    );
  return { halves, longest, actions: range.values };
}

/** Least and greatest action, by channel. */
class ActionRange {
  /** [2, A] */
  readonly values: Float32Array;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
    this.values = new Float32Array(2 * size)
      .fill(Number.POSITIVE_INFINITY, 0, size)
      .fill(Number.NEGATIVE_INFINITY, size);
  }

  include(actions: Float32Array): void {
    const size = this.#size;
    for (let i = 0; i < actions.length; i++) {
      const channel = i % size;
      this.values[channel] = Math.min(this.values[channel], actions[i]);
      this.values[size + channel] = Math.max(this.values[size + channel], actions[i]);
    }
  }
}
