import { type AlarmResults, evaluateAlarms } from '../eval/alarms.js';
import type { WorldModel } from '../world-model/world-model.js';
import { properties } from '../worlds/physics/violations.js';
import type { Progress } from './progress.js';
import { writeJson } from './results.js';
import { table } from './table.js';

/** Frames to calibrate on and to count on, and clips of each broken law, when everything is examined. */
const full = { frames: 200_000, pairs: 200 };

/** Counts the alarms of sessions, prints them, and writes them where asked. @param scale share of the full sets */
export async function examineAlarms(
  model: WorldModel,
  options: { readonly seed: number; readonly scale: number; readonly json?: string; readonly signal: AbortSignal },
  progress: Progress,
): Promise<void> {
  const { seed, scale, json, signal } = options;
  const frames = Math.round(full.frames * scale);
  const results = await evaluateAlarms(model, {
    seed,
    calibrationFrames: frames,
    frames,
    pairs: Math.max(2, Math.round(full.pairs * scale)),
    signal,
    onProgress: (text) => progress.update(text),
  });
  console.log(describe(results));
  if (json) await writeJson(json, { version: 1, seed, ...results });
}

function describe({ falseAlarmRate, ordinary, found }: AlarmResults): string {
  const rate = (share: number): string => `${(1000 * share).toFixed(2)} in 1,000`;
  return table([
    ['alarms of a session', 'share'],
    [`ordinary frames called surprising (asked for: ${rate(falseAlarmRate)})`, rate(ordinary.surprising)],
    [`ordinary frames called unknown (${ordinary.frames} judged)`, rate(ordinary.unknown)],
    ...properties.map((property) => {
      const { accuracy, interval } = found[property];
      const [low, high] = interval.map((value) => value.toFixed(0));
      return [`${property}, within three frames, %`, `${accuracy.toFixed(1)} (${low} to ${high})`];
    }),
  ]);
}
