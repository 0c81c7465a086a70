import { sinCos } from '../arithmetic.js';
import { type BoxSpace, box } from '../space.js';

/**
 * Push-T: a T-shaped block on a table of 512 × 512 px seen from above (y down), and a disc that pushes it. Source of every number here: the
 * `pusht` environment of stable-worldmodel 0.1.1, whose motion, success and collection policy are reproduced.
 */
export const tableSize = 512;
export const agentRadius = 15;

/** The walls: thick lines through these coordinates. */
export const wallRadius = 2;
export const wallLow = 5;
export const wallHigh = 506;

/** An axis-aligned rectangle in the block's own coordinates, px from its origin. */
export interface Rectangle {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The bar and the stem of the T. The block's place is that of the middle of the bar's upper edge. */
export const blockParts: readonly Rectangle[] = [
  { left: -60, right: 60, top: 0, bottom: 30 },
  { left: -15, right: 15, top: 30, bottom: 120 },
];
/** The centre of mass lies this far below the block's origin: midway between the centres of its two parts. */
export const centreOfMass = 45;
/** About the centre of mass; the mass is 1. Twice that of the bar about the block's origin: the original counts the bar for the stem too. */
export const momentOfInertia = 2 * ((120 * 120) / 12 + (30 * 30) / 3);

/** px that the agent aims ahead at full action. */
export const reach = 100;
/** Steps per second. */
export const frameRate = 10;
/** Steps of the simulation per step, and their length in seconds. */
export const substeps = 10;
export const timeStep = 0.01;

export const stateNames = [
  'agent x',
  'agent y',
  'block x',
  'block y',
  'block angle',
  'agent velocity x',
  'agent velocity y',
] as const;
export const stateSize = stateNames.length;

export const actionSpace: BoxSpace = box({
  shape: [2],
  low: -1,
  high: 1,
  names: ['x', 'y'],
  units: ['100 px', '100 px'],
});

/** The centre of mass of the block in a state. */
export function blockCentre(state: ArrayLike<number>): { readonly x: number; readonly y: number } {
  const { sin, cos } = sinCos(state[4]);
  return { x: state[2] - sin * centreOfMass, y: state[3] + cos * centreOfMass };
}
