import { Random } from '../random.js';
import { drawColours } from './colours.js';
import { drawForces, type ForceChange } from './forces.js';
import { actionSize, clipFrames, frameBytes, type SceneKind, stateSize } from './layout.js';
import { Picture } from './picture.js';
import { drawScene, type SceneRanges } from './scene.js';
import { Simulation } from './simulation.js';
import { looksAfter, type Violation, violate } from './violations.js';

/** Everything that a clip is made from: equal specifications give equal bytes. Plain data, so that it can be sent to a worker. */
export interface ClipSpecification {
  readonly seed: number;
  /** Random without one. */
  readonly kind?: SceneKind;
  readonly ranges?: SceneRanges;
  readonly forces?: ForceChange;
  /** Breaks a law at the event frame. */
  readonly violation?: Violation;
  /** Instead of the clip's own random frame, 6 … 9. */
  readonly eventFrame?: number;
  /** Colours change as a nuisance. */
  readonly flicker?: boolean;
}

/** Clips beside each other in memory. */
export interface ClipSet {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, 64, 64, 3] */
  readonly observations: Uint8Array;
  /** [clips, frames, 2], N; action t acts from frame t to t + 1 */
  readonly actions: Float32Array;
  /** [clips, frames, 12], see `stateNames`; never an input of a model */
  readonly states: Float32Array;
}

export const emptyClips = (clips: number): ClipSet => ({
  clips,
  frames: clipFrames,
  observations: new Uint8Array(clips * clipFrames * frameBytes),
  actions: new Float32Array(clips * clipFrames * actionSize),
  states: new Float32Array(clips * clipFrames * stateSize),
});

/** Copies one clip of a set to a place in another. */
export function copyClip(from: ClipSet, source: number, to: ClipSet, target: number): void {
  const copy = (key: 'observations' | 'actions' | 'states', size: number): void =>
    to[key].set(from[key].subarray(source * size, (source + 1) * size), target * size);
  copy('observations', clipFrames * frameBytes);
  copy('actions', clipFrames * actionSize);
  copy('states', clipFrames * stateSize);
}

/** Simulates and draws one clip into its place. The engine must be loaded. */
export function writeClip(specification: ClipSpecification, into: ClipSet, index: number): void {
  run(specification, index, into.actions, into.states, into.observations);
}

/** The states of a clip without its pictures: [clipFrames, 12]. */
export function simulateClip(specification: ClipSpecification): Float32Array {
  const states = new Float32Array(clipFrames * stateSize);
  run(specification, 0, new Float32Array(clipFrames * actionSize), states);
  return states;
}

function run(
  { seed, kind, ranges, forces: change, violation, eventFrame: given, flicker }: ClipSpecification,
  index: number,
  actions: Float32Array,
  states: Float32Array,
  observations?: Uint8Array,
): void {
  const scene = drawScene(seed, kind, ranges);
  const forces = drawForces(seed, scene, change);
  const eventFrame = given ?? 6 + new Random(seed, 'event').below(4);
  const colours =
    observations && drawColours(seed, { flicker, ...(violation === 'colour-change' ? { changeAt: eventFrame } : {}) });
  const picture = observations && new Picture(scene);
  const simulation = new Simulation(scene);
  actions.set(forces, index * clipFrames * actionSize);
  try {
    for (let frame = 0; frame < clipFrames; frame++) {
      if (violation && frame === eventFrame) violate(simulation, violation, seed);
      simulation.readState(states, (index * clipFrames + frame) * stateSize, eventFrame);
      if (observations && picture && colours) {
        const { x, y, otherX, otherY } = simulation;
        const { hidden, scale } = looksAfter(frame >= eventFrame ? violation : undefined);
        picture.draw(observations, (index * clipFrames + frame) * frameBytes, {
          x,
          y,
          otherX,
          otherY,
          radius: scene.disc.radius * scale,
          colour: colours[frame],
          hidden,
        });
      }
      if (frame < clipFrames - 1) simulation.step(forces[frame * actionSize], forces[frame * actionSize + 1]);
    }
  } finally {
    simulation.free();
  }
}
