import { type BoxSpace, box } from '../space.js';

/** Changes whenever a clip of the validation or test split changes; part of every seed, so test clips of another version are other clips. */
export const suiteVersion = 1;

/** A square room of 4 m × 4 m seen from the side, y up; floor, walls and ceiling stand inside of it. */
export const room = { size: 4, floor: 0.15, wall: 0.05, ceiling: 0.05 } as const;

/** m/s²; three fifths of the Earth's, so that a fall of 3 m lasts a second of video. */
export const gravity = 6;
export const density = 1.5;
export const frameRate = 15;
/** Steps of the engine per frame, of 1/60 s each. */
export const substeps = 4;
export const timeStep = 1 / 60;

export const clipFrames = 16;
export const imageSize = 64;
export const frameBytes = imageSize * imageSize * 3;
/** Forces are constant over this many frames. */
export const forceFrames = 4;
/** Frames that a model sees before counterfactual twins part. */
export const sharedFrames = 4;

export const sceneKinds = ['fall', 'projectile', 'ramp', 'collide', 'bounce', 'push', 'pendulum', 'occlude'] as const;
export type SceneKind = (typeof sceneKinds)[number];

/** The true state at each frame: disc A, disc B (zeros when absent), number of the scene in `sceneKinds`, frame of the event. */
export const stateNames = [
  'x',
  'y',
  'velocity x',
  'velocity y',
  'mass',
  'other x',
  'other y',
  'other velocity x',
  'other velocity y',
  'other present',
  'scene',
  'event frame',
] as const;
export const stateUnits = ['m', 'm', 'm/s', 'm/s', 'kg', 'm', 'm', 'm/s', 'm/s', '', '', 'frame'] as const;
export const stateSize = stateNames.length;

export const actionNames = ['force x', 'force y'] as const;
export const actionUnits = ['N', 'N'] as const;
export const actionSize = actionNames.length;

export const observationSpace: BoxSpace = box({ shape: [imageSize, imageSize, 3], dtype: 'uint8', low: 0, high: 255 });
/** Training draws x within ±1.2 and y within −0.2 … 1.2; the space is symmetric. */
export const actionSpace: BoxSpace = box({
  shape: [actionSize],
  low: -1.2,
  high: 1.2,
  names: actionNames,
  units: actionUnits,
});
