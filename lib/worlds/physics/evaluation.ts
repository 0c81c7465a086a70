import { fromIndex } from '../../data/dataset.js';
import { WorkerDataset } from '../../data/worker-dataset.js';
import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { type ClipSet, copyClip, emptyClips } from './clip.js';
import { loadEngine } from './engine.js';
import { type PartsOfAnswer, physicsPart } from './generate.js';
import { clipFrames, frameBytes, stateSize } from './layout.js';
import { candidatePlans, clipsPerItem, type Question } from './questions.js';
import type { Split } from './seeds.js';
import { outcomeCosts } from './training.js';
import { type Violation, violations } from './violations.js';

export interface PhysicsSetOptions {
  readonly split: Split;
  /** The user's seed: which of the endless sets. */
  readonly seed: number;
  /** Clips, pairs or starts. */
  readonly count: number;
  /** Threads (default 1); 0 computes here. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
}

/**
 * Clips of the suite as it is ('training'), or with faster or larger discs than training shows.
 * @example const clips = await physics.physicsClips({ split: 'test', seed: 0, count: 10 });
 */
export async function physicsClips({
  ranges,
  ...options
}: PhysicsSetOptions & { readonly ranges?: 'training' | 'fast' | 'large' }): Promise<ClipSet> {
  const [clips] = await answer({ set: 'clips', ranges }, options, [
    'split',
    'seed',
    'count',
    'workers',
    'signal',
    'ranges',
  ]);
  return clips;
}

export interface ViolationPairs {
  readonly violation: Violation;
  readonly possible: ClipSet;
  /** Equal to `possible` in every pixel before the event. */
  readonly impossible: ClipSet;
  /** [count] first frame of the event */
  readonly eventFrames: Int32Array;
  /** [count] 1 where the two clips differ at all; the others do not count */
  readonly visible: Uint8Array;
}

/**
 * Pairs of a possible clip and its twin that breaks a law (or, as a control, only changes colour).
 * @example
 * const question = { violation: 'floating', split: 'test', seed: 0, count: 20 } as const;
 * const { possible, impossible } = await physics.violationPairs(question);
 */
export async function violationPairs({
  violation,
  ...options
}: PhysicsSetOptions & { readonly violation: Violation }): Promise<ViolationPairs> {
  if (!violations.includes(violation))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[violationPairs] expected violation to be one of ${violations.join(', ')}, got '${violation}'`,
    );
  const [possible, impossible] = await answer({ set: 'violation', violation }, options);
  const size = clipFrames * frameBytes;
  const pixels = (set: ClipSet, pair: number): Buffer =>
    Buffer.from(set.observations.buffer, set.observations.byteOffset + pair * size, size);
  return {
    violation,
    possible,
    impossible,
    eventFrames: Int32Array.from(
      { length: options.count },
      (_, pair) => possible.states[pair * clipFrames * stateSize + stateSize - 1],
    ),
    visible: Uint8Array.from({ length: options.count }, (_, pair) =>
      pixels(possible, pair).equals(pixels(impossible, pair)) ? 0 : 1,
    ),
  };
}

export interface CounterfactualPairs {
  readonly one: ClipSet;
  /** The same up to frame 4, then under another force. */
  readonly another: ClipSet;
  /** [count] metres between the two places of disc A at the end; pairs nearer than 0.3 m do not count */
  readonly separation: Float32Array;
}

/**
 * Twins that part at frame 4.
 * @example const { one, another, separation } = await physics.counterfactualPairs({ split: 'test', seed: 0, count: 20 });
 */
export async function counterfactualPairs(options: PhysicsSetOptions): Promise<CounterfactualPairs> {
  const [one, another] = await answer({ set: 'counterfactual' }, options);
  const separation = Float32Array.from({ length: options.count }, (_, pair) => {
    const end = (pair * clipFrames + clipFrames - 1) * stateSize;
    const dx = one.states[end] - another.states[end];
    const dy = one.states[end + 1] - another.states[end + 1];
    return Math.sqrt(dx * dx + dy * dy);
  });
  return { one, another, separation };
}

export interface CandidatePlans {
  readonly starts: number;
  readonly plans: number;
  /** [starts · plans, …], the plans of a start beside each other */
  readonly clips: ClipSet;
  /** [starts, plans, plans] metres: cost of plan i's outcome when plan j's outcome is the goal */
  readonly costs: Float32Array;
}

/**
 * Eight force plans for each of `count` starts, with all their true outcomes.
 * @example const { clips, costs, plans } = await physics.candidateForcePlans({ split: 'test', seed: 0, count: 10 });
 */
export async function candidateForcePlans(options: PhysicsSetOptions): Promise<CandidatePlans> {
  const members = await answer({ set: 'candidates' }, options, undefined, 'by item');
  const costs = new Float32Array(options.count * candidatePlans * candidatePlans);
  for (let start = 0; start < options.count; start++)
    costs.set(
      outcomeCosts(members[0], start * candidatePlans, candidatePlans),
      start * candidatePlans * candidatePlans,
    );
  return { starts: options.count, plans: candidatePlans, clips: members[0], costs };
}

const clipsPerPart = 24;

/** Computes a question's items and sorts their clips: the first of every item together, the second …; or all of them item by item. */
async function answer(
  question: Question,
  options: PhysicsSetOptions,
  allowed = ['split', 'seed', 'count', 'workers', 'signal'],
  order: 'by member' | 'by item' = 'by member',
): Promise<ClipSet[]> {
  checkOptions(`physics ${question.set}`, options, allowed);
  const { split, seed, count, workers = 1, signal } = options;
  if (!Number.isInteger(count) || count < 1)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[physics ${question.set}] expected count to be a positive integer, got ${count}`,
    );
  await loadEngine();
  const each = clipsPerItem(question);
  const itemsPerPart = Math.max(1, Math.floor(clipsPerPart / each));
  const parts: PartsOfAnswer = { question, split, seed, items: count, itemsPerPart };
  const partCount = Math.ceil(count / itemsPerPart);
  const computed = workers
    ? new WorkerDataset<ClipSet>(
        { module: new URL('./generate.js', import.meta.url), name: 'physicsPart', options: parts },
        { workers: Math.min(workers, partCount), count: partCount, ...(signal ? { signal } : {}) },
      )
    : fromIndex((index) => physicsPart(parts, index), { count: partCount });
  const sets = order === 'by item' ? [emptyClips(count * each)] : Array.from({ length: each }, () => emptyClips(count));
  let next = 0;
  for await (const part of computed) {
    if (signal?.aborted)
      throw new JepaError('ERR_JEPA_ABORTED', `[physics ${question.set}] stopped by its signal`, {
        cause: signal.reason,
      });
    for (let clip = 0; clip < part.clips; clip++, next++) {
      if (order === 'by item') copyClip(part, clip, sets[0], next);
      else copyClip(part, clip, sets[next % each], Math.floor(next / each));
    }
  }
  return sets;
}
