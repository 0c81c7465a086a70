import { Random } from '../random.js';
import type { SceneKind } from './layout.js';
import type { Simulation } from './simulation.js';

/** Laws that a clip can break, in the order of every report. */
export const properties = [
  'gravity-reversed',
  'floating',
  'solidity',
  'permanence-visible',
  'permanence-occluded',
  'continuity',
  'inertia',
  'size-change',
  'action-violation',
] as const;
export type Property = (typeof properties)[number];

/** A change that breaks no law: a model that knows physics is not surprised. */
export const colourControl = 'colour-change';
export type Violation = Property | typeof colourControl;
export const violations: readonly Violation[] = [...properties, colourControl];

/** Scenes in which a violation is shown, and the frame where it is not the clip's own random one (6 … 9). */
export const stagings: Readonly<Record<Violation, { readonly scenes: readonly SceneKind[]; readonly frame?: number }>> =
  {
    'gravity-reversed': { scenes: ['fall', 'projectile', 'bounce'], frame: 4 },
    floating: { scenes: ['fall', 'projectile', 'bounce', 'ramp'], frame: 4 },
    solidity: { scenes: ['fall', 'bounce', 'projectile'], frame: 2 },
    'permanence-visible': { scenes: ['collide', 'push', 'fall', 'projectile'] },
    'permanence-occluded': { scenes: ['occlude'] },
    continuity: { scenes: ['fall', 'projectile', 'ramp', 'collide', 'bounce', 'push'] },
    inertia: { scenes: ['collide', 'projectile', 'bounce', 'occlude'] },
    'size-change': { scenes: ['fall', 'projectile', 'ramp', 'collide', 'bounce', 'push'] },
    'action-violation': { scenes: ['push'] },
    'colour-change': { scenes: ['fall', 'projectile', 'ramp', 'collide', 'bounce', 'push'] },
  };

/** How much larger a disc becomes. */
const growth = 1.6;

/** What a violation does to the looks of disc A from its frame on; its colour is drawn in `drawColours`. */
export const looksAfter = (violation: Violation | undefined): { readonly hidden: boolean; readonly scale: number } => ({
  hidden: violation === 'permanence-visible' || violation === 'permanence-occluded',
  scale: violation === 'size-change' ? growth : 1,
});

/** Breaks a law in a running simulation. */
export function violate(simulation: Simulation, violation: Violation, seed: number): void {
  const change: Partial<Record<Violation, () => void>> = {
    'gravity-reversed': () => simulation.reverseGravity(),
    floating: () => simulation.freeze(),
    solidity: () => simulation.passThroughEverything(),
    continuity: () => teleport(simulation, new Random(seed, 'teleport')),
    inertia: () => simulation.jolt(),
    'action-violation': () => simulation.disobey(),
  };
  change[violation]?.(); // the others are a matter of looks
}

/** To a random place at least a metre away. */
function teleport(simulation: Simulation, random: Random): void {
  const { x, y } = simulation;
  const to = { x: random.uniform(0.6, 3.4), y: random.uniform(0.6, 3.4) };
  const far = (to.x - x) * (to.x - x) + (to.y - y) * (to.y - y) >= 1;
  if (far) simulation.moveTo(to.x, to.y);
  else simulation.moveTo(x > 2 ? x - 1.3 : x + 1.3, Math.max(0.5, y > 2 ? y - 1 : y + 1));
}
