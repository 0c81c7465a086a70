import { describe, expect, it } from 'vitest';
import { checkEnvironment, pendulum } from '#lib/worlds/index.js';

const stateOf = (info: unknown): Float32Array => (info as { state: Float32Array }).state;

describe('Pendulum', () => {
  it('moves as Gymnasium’s Pendulum-v1', () => {
    const world = new pendulum.Pendulum();
    let [angle, velocity] = [2.5, -0.7];
    world.reset({ options: { state: [angle, velocity] } });
    for (const torque of [1.5, -2, 0.25, 2, 2, 2, -1, 0, 0, 2]) {
      // θ̇ ← clip(θ̇ + (3g/2l·sin θ + 3/ml²·u)·dt, ±8), θ ← θ + θ̇·dt with g = 10, m = l = 1, dt = .05
      velocity = Math.max(-8, Math.min(8, velocity + (15 * Math.sin(angle) + 3 * torque) * 0.05));
      angle += velocity * 0.05;
      const state = stateOf(world.step(Float32Array.of(torque)).info);
      expect(Math.cos(state[0] - angle)).toBeCloseTo(1, 10);
      expect(state[1]).toBeCloseTo(velocity, 5);
    }
  });

  it('keeps its energy without torque, but for what a step of a twentieth of a second adds and takes', () => {
    const world = new pendulum.Pendulum();
    const energyOf = ([angle, velocity]: Float32Array) => (velocity * velocity) / 6 + 5 * Math.cos(angle);
    const energy = energyOf(stateOf(world.reset({ options: { state: [2, 0] } }).info));
    for (let step = 0; step < 400; step++)
      expect(Math.abs(energyOf(stateOf(world.step(Float32Array.of(0)).info)) - energy)).toBeLessThan(1.2);
  });

  it('ends when the goal has been held for half a second, not when it is passed', () => {
    const world = new pendulum.Pendulum({ torque: 6 });
    const goal = Math.PI / 2; // gravity turns the level rod with 5 N·m towards larger angles
    world.reset({ options: { state: [goal, 0], goal } });
    const held = Array.from({ length: 10 }, () => world.step(Float32Array.of(-5)).terminated);
    expect(held).toEqual([...new Array(9).fill(false), true]);
    world.reset({ options: { state: [goal, 4], goal } });
    for (let step = 0; step < 20; step++) expect(world.step(Float32Array.of(0)).terminated).toBe(false);
  });

  it('keeps the contract of environments, and shows its goal', async () => {
    await checkEnvironment(new pendulum.Pendulum());
    const world = new pendulum.Pendulum();
    const { observation } = world.reset({ options: { state: [0.5, 0], goal: 0.5 } });
    expect(world.goalObservation()).toEqual(observation);
    const before = world.render().data;
    // Two steps of 2 N·m from hanging: ω = .3 and then .3 + .3 − .75·sin .015, so π + .015 and that much more.
    world.reset({ options: { state: [Math.PI, 0], goal: Math.PI } });
    const second = 0.015 + 0.05 * (0.6 - 0.75 * Math.sin(0.015));
    expect(world.foresee(Float32Array.of(2, 2), 1)).toBeCloseTo(0.015 + second, 6);
    expect(world.foresee(Float32Array.of(2, 2), 2)).toBeCloseTo(second, 6);
    expect(world.render().data).not.toEqual(before);
    expect(() => world.reset({ options: { goal: 'up' } })).toThrow('expected goal to be [angle], got ["up"]');
    expect(() => world.foresee(Float32Array.of(2), 1)).toThrow('expected reset() before'); // the refused one left no episode
    expect(() => new pendulum.Pendulum({ torque: 0 })).toThrow('expected torque to be above 0');
    expect(() => new pendulum.Pendulum({ imageSize: 8 })).toThrow('expected imageSize to be from 16 to 256');
  });

  it('draws the rod where it is: upright is up, and angles grow against the clock', () => {
    const world = new pendulum.Pendulum();
    const centre = (angle: number) => {
      const { observation } = world.reset({ options: { state: [angle, 0] } });
      let [x, y, count] = [0, 0, 0];
      for (let at = 0; at < 32 * 32; at++)
        if (observation[3 * at] > 150 && observation[3 * at + 1] < 150) {
          x += (at % 32) + 0.5 - 16;
          y += Math.floor(at / 32) + 0.5 - 16;
          count++;
        }
      return [x / count, y / count];
    };
    for (const angle of [0, 1, 2.5, -1.2]) {
      const [x, y] = centre(angle);
      expect(Math.atan2(-x, -y)).toBeCloseTo(angle, 1);
    }
  });
});
