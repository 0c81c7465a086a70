import { JepaError, kindOf, shown } from '../errors.js';
import { readCalibration, writeCalibration } from './calibration-file.js';
import type { Outliers } from './outliers.js';

/** What was measured on clips of an ordinary world. */
export interface CalibrationMeasures {
  /** SHA-256 of the model that measured. */
  readonly model: string;
  /** Frames of the longest clip: a stream older than that is unlike anything measured. */
  readonly frames: number;
  /** Errors of expectations 1, 2, 4 … frames old that one frame in a hundred exceeds: what errors are divided by. */
  readonly scales: Float32Array;
  /** Scores in ascending order, by how many expectations a frame was judged by, from 1 on. */
  readonly scores: readonly Float32Array[];
  /** Appearance of frames, and distances from it in ascending order. */
  readonly outliers: Outliers;
  readonly distances: Float32Array;
  /** [2, A] least and greatest action. */
  readonly actions: Float32Array;
}

/**
 * Why a frame cannot be judged: it looks, was acted on, or is older than anything that the calibration saw; or the model's numbers for
 * it are none ('non-finite': a reading so large that they overflowed), and then there is neither a surprise nor a p-value.
 */
export type UnknownReason = 'appearance' | 'action' | 'age' | 'non-finite';

export interface Judgement {
  /**
   * 'surprising': less than the rate of false alarms of ordinary frames are. 'unknown': unlike anything calibrated, so that surprise
   * means nothing. 'unjudged': no calibration, or too few frames before it.
   */
  readonly verdict: 'expected' | 'surprising' | 'unknown' | 'unjudged';
  readonly reason?: UnknownReason;
  /** Mean error of what was expected 1, 2, 4 … frames ago, each over what one ordinary frame in a hundred exceeds. */
  readonly surprise?: number;
  /** Share of ordinary frames that surprise at least as much. */
  readonly pValue?: number;
}

/** A frame to be judged: how many frames there are with it, and the action that led to it, if there was one before. */
export interface JudgedFrame {
  readonly frame: number;
  readonly errors: Float32Array;
  readonly embedding: Float32Array;
  readonly action?: ArrayLike<number>;
}

/**
 * How surprising ordinary frames are to a model, so that surprise can be told as a rate of false alarms: split conformal prediction
 * (Papadopoulos et al. 2002), apart for frames with one, two, … expectations to be judged by (Vovk 2012). The share of fresh
 * ordinary frames with a p-value up to α is α, if they come from where the clips came from; of one stream's frames, which depend on each
 * other, that holds on average over streams. Made by `world.calibrate(dataset)`.
 * @example
 * await calibration.save('camera.calibration');
 * const same = await SurpriseCalibration.load('camera.calibration');
 */
export class SurpriseCalibration {
  readonly measures: CalibrationMeasures;

  constructor(measures: CalibrationMeasures) {
    this.measures = measures;
  }

  /** Ages of the expectations that frames are judged by, in frames. */
  get horizons(): readonly number[] {
    return Array.from(this.measures.scales, (_, index) => 2 ** index);
  }

  /**
   * The mean of the errors, each over what one frame in a hundred exceeds: a frame that several expectations agree did not fit is rarer than one
   * that the youngest alone did not foresee, such as when something comes out from behind a screen. @param errors by horizon, 1 first
   */
  score(errors: ArrayLike<number>): number {
    const { scales } = this.measures;
    let total = 0;
    for (let index = 0; index < errors.length; index++) total += errors[index] / scales[index];
    return total / errors.length;
  }

  /** Share of ordinary frames that surprise at least as much. @param judged how many expectations the score is of */
  pValue(score: number, judged: number): number {
    return share(this.measures.scores[judged - 1], score);
  }

  /** Share of ordinary frames that look at least as unfamiliar. */
  familiarity(embedding: Float32Array): number {
    return share(this.measures.distances, this.measures.outliers.distance(embedding));
  }

  /** Whether an action lies between the least and the greatest one, channel by channel. */
  knows(action: ArrayLike<number>): boolean {
    const { actions } = this.measures;
    const size = actions.length / 2;
    return Array.from(action).every((value, i) => value >= actions[i] && value <= actions[size + i]);
  }

  /** @param rate share of ordinary frames that may be called surprising; as many may be called unknown for their appearance */
  judge({ frame, errors, embedding, action }: JudgedFrame, rate: number): Judgement {
    if (!embedding.every(Number.isFinite) || !errors.every(Number.isFinite))
      return { verdict: 'unknown', reason: 'non-finite' };
    const reason: UnknownReason | undefined =
      this.familiarity(embedding) <= rate
        ? 'appearance'
        : action && !this.knows(action)
          ? 'action'
          : frame > this.measures.frames
            ? 'age'
            : undefined;
    if (errors.length === 0) return reason ? { verdict: 'unknown', reason } : { verdict: 'unjudged' };
    const surprise = this.score(errors);
    const pValue = this.pValue(surprise, errors.length);
    if (reason) return { verdict: 'unknown', reason, surprise, pValue };
    return { verdict: pValue <= rate ? 'surprising' : 'expected', surprise, pValue };
  }

  /** The least rate of false alarms that so many frames can tell: 1/(n + 1). */
  get finestRate(): number {
    const { scores, distances } = this.measures;
    return 1 / (1 + Math.min(distances.length, ...scores.map(({ length }) => length)));
  }

  /** Writes one safetensors file. @throws JepaError ERR_JEPA_IO */
  async save(path: string): Promise<void> {
    await writeCalibration(path, this.measures);
  }

  /** @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION */
  static async load(path: string): Promise<SurpriseCalibration> {
    return new SurpriseCalibration(await readCalibration(path));
  }
}

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT for what is no calibration */
export function expectCalibration(where: string, given: unknown): void {
  if (given instanceof SurpriseCalibration) return;
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected a calibration, got ${kindOf(given)}`, {
    help: ['measure what is ordinary: await world.calibrate(dataset)'],
  });
}

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT for a rate that is none, or that a calibration has too few frames for */
export function checkRate(rate: number, calibration: SurpriseCalibration | undefined): void {
  if (!(rate > 0 && rate < 1))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[session] expected falseAlarmRate between 0 and 1, got ${shown(rate)}`,
    );
  if (calibration && calibration.finestRate > rate)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[session] expected a calibration of at least ${Math.ceil(1 / rate - 1)} frames for a rate of ${rate}, got one that tells ${calibration.finestRate.toPrecision(2)} at best`,
      { help: ['calibrate on more clips, or allow more false alarms'] },
    );
}

/** The conformal p-value (1 + values at least as large)/(n + 1); of NaN the least there is, as of what exceeds them all. */
function share(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return (1 + sorted.length - low) / (1 + sorted.length);
}
