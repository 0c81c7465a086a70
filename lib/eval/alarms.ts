import { checkPositive } from '../data/check.js';
import { shown } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { SurpriseCalibration } from '../world-model/calibration.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { ClipSet } from '../worlds/physics/clip.js';
import { physicsClips, violationPairs } from '../worlds/physics/evaluation.js';
import { clipFrames, frameBytes } from '../worlds/physics/layout.js';
import { type Property, properties } from '../worlds/physics/violations.js';
import { invalid } from './expect.js';
import { expectPhysicsModel } from './physics-model.js';
import { type Share, shareOf } from './statistics.js';

export interface AlarmEvaluationOptions {
  readonly seed: number;
  /** Frames of ordinary clips to calibrate on, those of the context among them (default 200,000). */
  readonly calibrationFrames?: number;
  /** Fresh ordinary frames to judge, at least; those of the context come on top (default 200,000). */
  readonly frames?: number;
  /** Broken clips of each law (default 200). */
  readonly pairs?: number;
  /** Default .001. */
  readonly falseAlarmRate?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

export interface AlarmResults {
  readonly falseAlarmRate: number;
  /** Of fresh ordinary frames: how many were judged, and how often they were called surprising, or unknown. */
  readonly ordinary: { readonly frames: number; readonly surprising: number; readonly unknown: number };
  /** Percent of broken laws found within three frames of the first that shows it, of clips that show it for so long after the context. */
  readonly found: Readonly<Record<Property, Share>>;
}

const optionNames = ['seed', 'calibrationFrames', 'frames', 'pairs', 'falseAlarmRate', 'signal', 'onProgress'];
const clipsAtOnce = 96;
const framesToFind = 3;

/**
 * Alarms of sessions on the physics suite: calibrated on ordinary clips of its validation split, counted on those of its test split,
 * then on clips that break a law.
 * @throws JepaError ERR_JEPA_CONFIG for a model of another world, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
 * @example
 * const model = await WorldModel.pretrained('physics');
 * const { ordinary, found } = await evaluateAlarms(model, { seed: 7, calibrationFrames: 5000, frames: 5000, pairs: 50, falseAlarmRate: 0.01 });
 */
export async function evaluateAlarms(model: WorldModel, options: AlarmEvaluationOptions): Promise<AlarmResults> {
  checkOptions('evaluateAlarms', options, optionNames);
  const { seed, calibrationFrames = 200_000, frames = 200_000, pairs = 200, falseAlarmRate = 1e-3 } = options;
  const { signal, onProgress } = options;
  for (const [name, value] of Object.entries({ calibrationFrames, frames, pairs }))
    checkPositive('evaluateAlarms', name, value);
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
    throw invalid('evaluateAlarms', 'falseAlarmRate between 0 and 1', shown(falseAlarmRate));
  expectPhysicsModel('evaluateAlarms', model, model.config.contextFrames);
  onProgress?.('alarms: calibrating');
  const calibration = await model.calibrate(ordinary('validation', seed, signal), {
    frames: calibrationFrames,
    signal,
  });
  const counts = { frames: 0, surprising: 0, unknown: 0 };
  for await (const clips of ordinary('test', seed, signal)) {
    if (counts.frames >= frames) break;
    onProgress?.(`alarms: ${counts.frames} ordinary frames`);
    for (const clip of await model.judge(clips, calibration, { falseAlarmRate, signal })) {
      for (const { verdict, pValue } of clip) {
        if (pValue === undefined) continue;
        counts.frames++;
        if (verdict === 'surprising') counts.surprising++;
        if (verdict === 'unknown') counts.unknown++;
      }
    }
  }
  const { surprising, unknown } = counts;
  const found: Partial<Record<Property, Share>> = {};
  for (const violation of properties) {
    onProgress?.(`alarms: ${violation}`);
    found[violation] = await foundShare(model, calibration, violation, { seed, pairs, falseAlarmRate, signal });
  }
  return {
    falseAlarmRate,
    ordinary: { frames: counts.frames, surprising: surprising / counts.frames, unknown: unknown / counts.frames },
    found: found as Record<Property, Share>,
  };
}

/** Ordinary clips, some at a time, without end. */
async function* ordinary(
  split: 'validation' | 'test',
  seed: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ClipSet> {
  for (let part = 0; ; part++)
    yield await physicsClips({ split, seed: seed * 100_000 + part, count: clipsAtOnce, signal });
}

async function foundShare(
  model: WorldModel,
  calibration: SurpriseCalibration,
  violation: Property,
  {
    seed,
    pairs,
    ...options
  }: { readonly seed: number; readonly pairs: number; readonly falseAlarmRate: number; readonly signal?: AbortSignal },
): Promise<Share> {
  const { possible, impossible } = await violationPairs({
    violation,
    split: 'test',
    seed,
    count: pairs,
    signal: options.signal,
  });
  const judged = await model.judge(impossible, calibration, options);
  let [found, total] = [0, 0];
  for (const [clip, frames] of judged.entries()) {
    const shown = firstDifference(possible, impossible, clip);
    if (shown === undefined || shown + framesToFind > frames.length || frames[shown].pValue === undefined) continue;
    total++;
    if (frames.slice(shown, shown + framesToFind).some(({ verdict }) => verdict === 'surprising')) found++;
  }
  return shareOf(found, total);
}

/** The first frame in which two clips differ. */
function firstDifference(one: ClipSet, other: ClipSet, clip: number): number | undefined {
  for (let frame = 0; frame < clipFrames; frame++) {
    const at = (clip * clipFrames + frame) * frameBytes;
    const [a, b] = [one, other].map(({ observations }) => observations.subarray(at, at + frameBytes));
    if (Buffer.compare(a, b) !== 0) return frame;
  }
  return undefined;
}
