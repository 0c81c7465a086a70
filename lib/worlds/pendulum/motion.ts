import { pi, sinCos } from '../arithmetic.js';

/**
 * A rod of 1 m and 1 kg that turns about one end under gravity, with a motor there. Source: the `Pendulum-v1` environment of Gymnasium,
 * whose motion is reproduced. The angle is 0 upright, in radians, growing against the clock.
 */
const gravity = 10;
const mass = 1;
const length = 1;
const timeStep = 0.05;
/** rad/s */
const largestVelocity = 8;

export const frameRate = 20;

export const stateNames = ['angle', 'velocity'] as const;

/** Writes the [angle, velocity] that follow a step of this torque, in N·m. ω̇ = 3g/2l·sin θ + 3/ml²·u, then θ̇ = ω with the new ω. */
export function swing(state: Float64Array, torque: number): void {
  const acceleration = ((3 * gravity) / (2 * length)) * sinCos(state[0]).sin + (3 / (mass * length * length)) * torque;
  state[1] = Math.max(-largestVelocity, Math.min(largestVelocity, state[1] + acceleration * timeStep));
  state[0] = wrapped(state[0] + state[1] * timeStep);
}

/** The same angle from −π to π. */
export function wrapped(angle: number): number {
  return angle - 2 * pi * Math.floor(angle / (2 * pi) + 0.5);
}
