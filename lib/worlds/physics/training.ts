import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { Random } from '../random.js';
import { type ClipSet, type ClipSpecification, emptyClips, writeClip } from './clip.js';
import { loadEngine } from './engine.js';
import { clipFrames, stateSize } from './layout.js';
import { clipSeed } from './seeds.js';

/** Twins in a group: the same start, other forces from frame 4 on. */
export const twinGroupSize = 4;

/** Without more of them than chance gives, object permanence is not learnt in minutes. */
const extraOcclusions = 0.12;

export interface PhysicsBatchOptions {
  readonly seed: number;
  /** Clips of a batch (default 16), the twins included. */
  readonly clips?: number;
  /** Groups of four counterfactual twins (default 1), at the batch's end. */
  readonly twinGroups?: number;
}

/** Clips to learn from. */
export interface PhysicsBatch extends ClipSet {
  /** costs [groups, size, size]: `outcomeCost` of twin i's outcome when twin j's was the goal */
  readonly twins: { readonly groups: number; readonly size: number; readonly costs: Float32Array };
}

/** What the clips of batch `index` are: fresh ones for every index. */
export function trainingSpecifications(
  { seed, clips = 16, twinGroups = 1 }: PhysicsBatchOptions,
  index: number,
): ClipSpecification[] {
  const single = clips - twinGroups * twinGroupSize;
  if (!Number.isInteger(clips) || !Number.isInteger(twinGroups) || twinGroups < 0 || single < 0 || clips < 1) {
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[physicsTrainingBatch] expected clips ≥ ${twinGroupSize} · twinGroups, got ${clips} clips and ${twinGroups} groups`,
    );
  }
  const specifications: ClipSpecification[] = [];
  for (let i = 0; i < single; i++) {
    const own = clipSeed('train', seed, 'single', index * single + i);
    specifications.push({
      seed: own,
      flicker: true,
      ...(new Random(own, 'mixture').chance(extraOcclusions) ? { kind: 'occlude' } : {}),
    });
  }
  for (let group = index * twinGroups; group < (index + 1) * twinGroups; group++) {
    const own = clipSeed('train', seed, 'twins', group);
    const flicker = new Random(own, 'mixture').chance(0.5);
    for (let i = 0; i < twinGroupSize; i++) {
      const twin = group * twinGroupSize + i;
      specifications.push({
        seed: own,
        kind: 'push',
        flicker,
        forces: { seed: clipSeed('train', seed, 'twin forces', twin) },
      });
    }
  }
  return specifications;
}

/**
 * Batch `index` of an endless training set: a function of its options and the index alone.
 * @throws JepaError ERR_JEPA_MISSING_PEER if the physics engine is not installed
 * @example const { observations, actions } = await physics.physicsTrainingBatch({ seed: 1 }, 0); // 16 clips of 16 frames
 */
export async function physicsTrainingBatch(options: PhysicsBatchOptions, index: number): Promise<PhysicsBatch> {
  checkOptions('physicsTrainingBatch', options, ['seed', 'clips', 'twinGroups']);
  await loadEngine();
  const specifications = trainingSpecifications(options, index);
  const clips = emptyClips(specifications.length);
  for (const [i, specification] of specifications.entries()) writeClip(specification, clips, i);
  const groups = options.twinGroups ?? 1;
  const costs = new Float32Array(groups * twinGroupSize * twinGroupSize);
  for (let group = 0; group < groups; group++) {
    const first = specifications.length - (groups - group) * twinGroupSize;
    costs.set(outcomeCosts(clips, first, twinGroupSize), group * twinGroupSize * twinGroupSize);
  }
  return { ...clips, twins: { groups, size: twinGroupSize, costs } };
}

/**
 * How far an outcome is from a goal: metres between the two places of disc A, plus half of those of disc B where there is one.
 * @param states [.., 12]   @param outcome offset of a state   @param goal offset of another
 */
export function outcomeCost(states: Float32Array, outcome: number, goal: number): number {
  const apart = (at: number): number => {
    const dx = states[outcome + at] - states[goal + at];
    const dy = states[outcome + at + 1] - states[goal + at + 1];
    return Math.sqrt(dx * dx + dy * dy);
  };
  return apart(0) + 0.5 * apart(5) * states[goal + 9];
}

/** Costs [count, count]: that of the last frame of clip first + i when that of clip first + j is the goal. */
export function outcomeCosts({ states }: ClipSet, first: number, count: number): Float32Array {
  const last = (clip: number): number => ((first + clip) * clipFrames + clipFrames - 1) * stateSize;
  return Float32Array.from({ length: count * count }, (_, k) =>
    outcomeCost(states, last(Math.floor(k / count)), last(k % count)),
  );
}
