import { pi } from '../arithmetic.js';
import type { Random } from '../random.js';
import { PushTSimulation } from './simulation.js';
import { reach, stateSize } from './table.js';

/** How far from the block's place the collection policy lets the agent aim, px. */
const nearBlock = 100;

/** A state to begin with: agent and block anywhere, at rest, not touching. */
export function drawState(random: Random, into: Float32Array): void {
  do {
    into.set([random.uniform(50, 450), random.uniform(50, 450)]);
    into.set([random.uniform(100, 400), random.uniform(100, 400), random.uniform(0, 2 * pi), 0, 0], 2);
  } while (Math.abs(into[0] - into[2]) < 140 && Math.abs(into[1] - into[3]) < 140);
}

/** The collection policy: somewhere at random, but within 100 px of the block's place. Writes [x, y] within ±1. */
export function collect(state: ArrayLike<number>, random: Random, action: Float32Array, at = 0): void {
  for (let axis = 0; axis < 2; axis++) {
    const aimed = state[axis] + reach * random.uniform(-1, 1);
    const block = state[2 + axis];
    const target = Math.max(block - nearBlock, Math.min(block + nearBlock, aimed));
    action[at + axis] = Math.max(-1, Math.min(1, (target - state[axis]) / reach));
  }
}

/** Makes for a place at some speed, with a little noise. Writes [x, y] within ±1. */
export function makeFor(
  [x, y]: readonly [x: number, y: number],
  speed: number,
  state: ArrayLike<number>,
  random: Random,
  action: Float32Array,
  at: number,
): void {
  const [dx, dy] = [x - state[0], y - state[1]];
  const distance = Math.sqrt(dx * dx + dy * dy);
  const wanted = Math.min(speed, distance / reach) / Math.max(distance, 1e-6);
  for (const [axis, towards] of [dx * wanted, dy * wanted].entries())
    action[at + axis] = Math.max(-1, Math.min(1, towards + 0.1 * random.normal()));
}

/** What was done in an episode. */
export interface Played {
  /** The state that the table was put down in: the first of `states` is a hundredth of a second later. */
  readonly placed: Float32Array;
  /** [steps + 1, 7] */
  readonly states: Float32Array;
  /** [steps, 2] */
  readonly actions: Float32Array;
}

/** One episode of a policy. */
export function playEpisode(random: Random, steps: number, policy = collect): Played {
  const states = new Float32Array((steps + 1) * stateSize);
  const actions = new Float32Array(steps * 2);
  const simulation = new PushTSimulation();
  const placed = new Float32Array(stateSize);
  drawState(random, placed);
  simulation.place(placed);
  simulation.read(states);
  for (let step = 0; step < steps; step++) {
    policy(states.subarray(step * stateSize), random, actions, 2 * step);
    simulation.step(actions[2 * step], actions[2 * step + 1]);
    simulation.read(states, (step + 1) * stateSize);
  }
  return { placed, states, actions };
}
