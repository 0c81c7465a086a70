import { Random } from '../random.js';
import { actionSize, clipFrames, forceFrames, sharedFrames } from './layout.js';
import type { Scene } from './scene.js';

/** Replaces a clip's own forces from frame `sharedFrames` on: by one force, or by others drawn from a seed of their own. */
export type ForceChange = { readonly force: readonly [x: number, y: number] } | { readonly seed: number };

/** Forces on disc A, N, at each frame: [clipFrames, 2]. Always in `push` scenes, in 30 % of the others, never on a pendulum. */
export function drawForces(seed: number, { kind }: Scene, change?: ForceChange): Float32Array {
  const random = new Random(seed, 'forces');
  const active = kind === 'push' || (random.chance(0.3) && kind !== 'pendulum');
  const forces = new Float32Array(clipFrames * actionSize);
  if (active) fill(forces, 0, () => [random.uniform(-1.2, 1.2), random.uniform(-0.2, 1.2)]);
  if (!change) return forces;
  if ('force' in change) fill(forces, sharedFrames, () => change.force);
  else changeForces(forces, change.seed);
  return forces;
}

/** Half of the changed plans are one constant force, half go on as blocks do. */
function changeForces(forces: Float32Array, seed: number): void {
  const random = new Random(seed, 'changed forces');
  if (random.chance(0.5)) {
    const constant = [random.uniform(-1.2, 1.2), random.uniform(0, 0.6)] as const;
    fill(forces, sharedFrames, () => constant);
  } else {
    fill(forces, sharedFrames, () => [random.uniform(-1.2, 1.2), random.uniform(-0.2, 1.2)]);
  }
}

function fill(forces: Float32Array, from: number, draw: () => readonly [number, number]): void {
  let force: readonly [number, number] = [0, 0];
  for (let frame = from; frame < clipFrames; frame++) {
    if (frame % forceFrames === 0) force = draw();
    forces.set(force, frame * actionSize);
  }
}
