import type { WorldModel } from '../world-model/world-model.js';
import { type ClipSet, copyClip, emptyClips } from '../worlds/physics/clip.js';
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

/** A clip of which the model saw the first `seen` frames, and the paths from there on. */
export interface RolloutExample extends ImaginedPath {
  readonly scene: string;
  /** [frames, size, size, 3] */
  readonly clip: Uint8Array;
  readonly frames: number;
  readonly seen: number;
  readonly size: number;
}

/** What a report shows beside the numbers. */
export interface PhysicsExamples {
  readonly violations: readonly ViolationExample[];
  readonly rollouts: readonly RolloutExample[];
}

/** A pair of clips that differ by a broken law: the possible one first. */
export interface ViolationPair {
  readonly property: Property;
  readonly eventFrame: number;
  readonly clips: ClipSet;
}

const shown: readonly Property[] = ['continuity', 'permanence-occluded', 'gravity-reversed'];
const candidates = 8;
const leastDistance = 0.8; // m between the ends of a path worth showing

/** The first pair of some laws whose pixels differ. */
export async function examplePairs(split: Split, seed: number, signal?: AbortSignal): Promise<ViolationPair[]> {
  const chosen: ViolationPair[] = [];
  for (const property of shown) {
    const pairs = await violationPairs({ violation: property, split, seed, count: candidates, signal });
    const index = Math.max(0, pairs.visible.indexOf(1));
    const clips = emptyClips(2);
    copyClip(pairs.possible, index, clips, 0);
    copyClip(pairs.impossible, index, clips, 1);
    chosen.push({ property, eventFrame: pairs.eventFrames[index], clips });
  }
  return chosen;
}

/** How surprising a model finds each frame of such a pair. */
export async function surpriseOfPair(
  model: WorldModel,
  { property, eventFrame, clips }: ViolationPair,
  signal?: AbortSignal,
): Promise<ViolationExample> {
  const { embeddings, actions } = await embed(model, clips, signal);
  const { curve } = await model.surpriseOf(embeddings, actions, { signal });
  const length = curve.shape[1];
  const values = (await curve.data()) as Float32Array;
  const half = clips.observations.length / 2;
  return {
    property,
    possible: clips.observations.subarray(0, half),
    impossible: clips.observations.subarray(half),
    frames: clips.frames,
    size: imageSize,
    possibleSurprise: [...values.subarray(0, length)],
    impossibleSurprise: [...values.subarray(length)],
    firstFrame: clips.frames - length,
    eventFrame,
  };
}

/** Some pairs as a report shows them. */
export async function violationExamples(
  model: WorldModel,
  split: Split,
  seed: number,
  signal?: AbortSignal,
): Promise<ViolationExample[]> {
  const examples: ViolationExample[] = [];
  for (const pair of await examplePairs(split, seed, signal)) examples.push(await surpriseOfPair(model, pair, signal));
  return examples;
}

/** One path of each kind of scene, the first that goes somewhere. */
export function rolloutExamples(model: WorldModel, clips: ClipSet, paths: readonly ImaginedPath[]): RolloutExample[] {
  const { frames } = clips;
  return sceneKinds.flatMap((scene, kind) => {
    const clip = paths.findIndex(
      ({ truth }, index) =>
        clips.states[index * clips.frames * stateSize + stateNames.indexOf('scene')] === kind &&
        Math.hypot(truth[0][0] - truth[truth.length - 1][0], truth[0][1] - truth[truth.length - 1][1]) > leastDistance,
    );
    if (clip < 0) return [];
    const [from, to] = [clip * frames * frameBytes, (clip + 1) * frames * frameBytes];
    return [
      {
        ...paths[clip],
        scene,
        clip: clips.observations.slice(from, to),
        frames,
        seen: model.config.contextFrames,
        size: imageSize,
      },
    ];
  });
}
