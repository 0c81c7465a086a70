import type { WorldModel } from '../world-model/world-model.js';
import type { ClipSet } from '../worlds/physics/clip.js';
import { violationPairs } from '../worlds/physics/evaluation.js';
import { frameBytes, imageSize, sceneKinds, stateNames, stateSize } from '../worlds/physics/layout.js';
import type { Split } from '../worlds/physics/seeds.js';
import type { Property } from '../worlds/physics/violations.js';
import { embed } from './embedded.js';
import type { ImaginedPath } from './rollouts.js';

/** A pair of clips and how surprising each of their frames is. */
export interface ViolationExample {
  readonly property: Property;
  /** [frames, size, size, 3] */
  readonly possible: Uint8Array;
  readonly impossible: Uint8Array;
  readonly frames: number;
  readonly size: number;
  /** From `firstFrame` on. */
  readonly possibleSurprise: readonly number[];
  readonly impossibleSurprise: readonly number[];
  readonly firstFrame: number;
  readonly eventFrame: number;
}

/** An imagined path in front of the last frame that the model saw. */
export interface RolloutExample extends ImaginedPath {
  readonly scene: string;
  /** [size, size, 3] */
  readonly lastSeen: Uint8Array;
  readonly size: number;
}

/** What a report shows beside the numbers. */
export interface PhysicsExamples {
  readonly violations: readonly ViolationExample[];
  readonly rollouts: readonly RolloutExample[];
}

const shown: readonly Property[] = ['continuity', 'permanence-occluded', 'gravity-reversed'];
const candidates = 8;
const leastDistance = 0.8; // m between the ends of a path worth showing

/** The first pair of some laws whose pixels differ. */
export async function violationExamples(
  model: WorldModel,
  split: Split,
  seed: number,
  signal?: AbortSignal,
): Promise<ViolationExample[]> {
  const examples: ViolationExample[] = [];
  for (const violation of shown) {
    const pairs = await violationPairs({ violation, split, seed, count: candidates, signal });
    const pair = Math.max(0, pairs.visible.indexOf(1));
    const curve = async (set: ClipSet): Promise<{ values: number[]; first: number }> => {
      const { embeddings, actions } = await embed(model, set, signal);
      const surprise = await model.surpriseOf(embeddings, actions, { signal });
      const [, length] = surprise.curve.shape;
      const all = (await surprise.curve.data()) as Float32Array;
      return { values: [...all.subarray(pair * length, (pair + 1) * length)], first: set.frames - length };
    };
    const [possible, impossible] = [await curve(pairs.possible), await curve(pairs.impossible)];
    const { frames } = pairs.possible;
    const clip = ({ observations }: ClipSet): Uint8Array =>
      observations.slice(pair * frames * frameBytes, (pair + 1) * frames * frameBytes);
    examples.push({
      property: violation,
      possible: clip(pairs.possible),
      impossible: clip(pairs.impossible),
      frames,
      size: imageSize,
      possibleSurprise: possible.values,
      impossibleSurprise: impossible.values,
      firstFrame: possible.first,
      eventFrame: pairs.eventFrames[pair],
    });
  }
  return examples;
}

/** One path of each kind of scene, the first that goes somewhere. */
export function rolloutExamples(model: WorldModel, clips: ClipSet, paths: readonly ImaginedPath[]): RolloutExample[] {
  const last = model.config.contextFrames - 1;
  return sceneKinds.flatMap((scene, kind) => {
    const clip = paths.findIndex(
      ({ truth }, index) =>
        clips.states[index * clips.frames * stateSize + stateNames.indexOf('scene')] === kind &&
        Math.hypot(truth[0][0] - truth[truth.length - 1][0], truth[0][1] - truth[truth.length - 1][1]) > leastDistance,
    );
    if (clip < 0) return [];
    const at = (clip * clips.frames + last) * frameBytes;
    return [{ ...paths[clip], scene, lastSeen: clips.observations.slice(at, at + frameBytes), size: imageSize }];
  });
}
