import { describe, expect, it } from 'vitest';
import { readSafetensors } from '#lib/io/safetensors.js';
import { checkEnvironment, pushT, Random } from '#lib/worlds/index.js';

const place = (state: readonly number[]): pushT.PushTSimulation => {
  const simulation = new pushT.PushTSimulation();
  simulation.place(state);
  return simulation;
};
const stateOf = (simulation: pushT.PushTSimulation): Float64Array => {
  const state = new Float64Array(7);
  simulation.read(state);
  return state;
};

describe('Push-T', () => {
  it('pushes as the original does', async () => {
    const { tensors } = await readSafetensors(
      new URL('../golden/data/push-t/contact/io.safetensors', import.meta.url).pathname,
    );
    const data = (name: string) => tensors.get(name)?.data as Float32Array;
    const [actions, expected] = [data('input.action'), data('output.state')];
    for (let episode = 0; episode < 10; episode++) {
      const simulation = new pushT.PushTSimulation();
      simulation.place(data('input.goal_state'), 7 * episode);
      simulation.place(data('input.state'), 7 * episode);
      for (let step = 0; step <= 24; step++) {
        const at = episode * 25 + step;
        for (const [i, value] of stateOf(simulation).entries())
          expect(Math.abs(value - expected[7 * at + i])).toBeLessThan(2e-4); // of 512 px, 600 px/s
        if (step < 24) simulation.step(actions[2 * (at - episode)], actions[2 * (at - episode) + 1]);
      }
    }
  });

  it('drives the agent as a critically damped spring that is integrated in hundredths of a second', () => {
    const simulation = place([100, 100, 300, 300, 0, 0, 0]);
    let [x, velocity] = [100, 0];
    for (const action of [0.5, -0.25, 1]) {
      const target = x + 100 * action;
      for (let i = 0; i < 10; i++) {
        velocity = 0.8 * velocity + (target - x);
        x += velocity / 100;
      }
      simulation.step(action, 0);
      const state = stateOf(simulation);
      expect(state[0]).toBeCloseTo(x, 9);
      expect(state[5]).toBeCloseTo(velocity, 9);
      expect(Array.from(state.slice(2, 5))).toEqual([300, 300, 0]);
    }
  });

  it('moves the block as fast as an agent that pushes it through its centre of mass, and never turns it', () => {
    const simulation = place([256, 180, 256, 200, 0, 0, 0]); // above the middle of the bar
    for (let i = 0; i < 4; i++) simulation.step(0, 0.4);
    const [x, y, blockX, blockY, angle] = stateOf(simulation);
    expect([x, blockX, angle]).toEqual([256, 256, 0]);
    // The agent's radius, less the tenth of a pixel that the engine lets overlap and what a step of 0.01 s adds.
    expect(blockY - y).toBeGreaterThan(13);
    expect(blockY - y).toBeLessThan(15.01);
    simulation.step(0, -1);
    expect(stateOf(simulation)[3]).toBeLessThan(blockY + 3); // it stops when nothing pushes it
  });

  it('is its own mirror image, away from the walls, where the order of impulses shows', () => {
    const random = new Random(3);
    const mirrored = ([x, y, blockX, blockY, angle, vx, vy]: ArrayLike<number> & Iterable<number>) => [
      511 - x,
      y,
      511 - blockX,
      blockY,
      -angle,
      -vx,
      vy,
    ];
    let moved = 0;
    for (let episode = 0; episode < 10; episode++) {
      const state = new Float32Array(7);
      pushT.drawState(random, state);
      const [one, other] = [place(Array.from(state)), place(mirrored(Array.from(state)))];
      const action = new Float32Array(2);
      for (let step = 0; step < 30; step++) {
        const before = stateOf(one);
        pushT.collect(before, random, action);
        one.step(action[0], action[1]);
        other.step(-action[0], action[1]);
        const [a, b] = [stateOf(one), mirrored(stateOf(other))];
        if (Math.max(Math.abs(a[2] - 256), Math.abs(a[3] - 256)) > 110) break;
        for (const i of [0, 1, 2, 3, 5, 6]) expect(a[i]).toBeCloseTo(b[i], 4);
        expect(Math.cos(a[4] - b[4])).toBeCloseTo(1, 8);
        moved += Math.abs(a[2] - before[2]);
      }
    }
    expect(moved).toBeGreaterThan(30);
  });

  it('keeps the contract of environments, and knows its goal', async () => {
    await checkEnvironment(new pushT.PushT());
    const world = new pushT.PushT({ imageSize: 32 });
    const state = [100, 100, 300, 300, 1, 0, 0];
    world.reset({ options: { state, goal: [119, 100, 300, 300, 1.3, 0, 0] } });
    expect(world.step(Float32Array.of(0, 0)).terminated).toBe(true);
    world.reset({ options: { state, goal: [119, 100, 300, 307, 1, 0, 0] } });
    const { terminated, reward } = world.step(Float32Array.of(0, 0));
    expect(terminated).toBe(false); // agent and block together are 20.2 px away
    expect(reward).toBeCloseTo(-Math.sqrt(19 ** 2 + 7 ** 2), 4);
    expect(world.goalObservation()).not.toEqual(world.reset({ options: { state } }).observation);
    expect(() => world.reset({ options: { state: [1] } })).toThrow('expected state to be [agent x');
    expect(() => new pushT.PushT({ imageSize: 3 })).toThrow('expected imageSize to be from 16 to 512, got 3');
  });
});

describe('twins of Push-T', async () => {
  const [frames, blockSteps] = [3, 2];
  const groups = await pushT.recordTwins({ seed: 2, groups: 6, frames, blockSteps });

  it('begin alike but for the angle, and have the same done to them', async () => {
    for (const { states, actions } of groups) {
      expect(actions.length).toBe(frames * blockSteps * 2);
      const first = Array.from({ length: pushT.twinGroupSize }, (_, twin) =>
        states.slice(twin * frames * 7, twin * frames * 7 + 7),
      );
      const centres = first.map((s) => [s[2] - 45 * Math.sin(s[4]), s[3] + 45 * Math.cos(s[4])]);
      for (const [twin, state] of first.entries()) {
        expect(Math.hypot(state[0] - first[0][0], state[1] - first[0][1])).toBeLessThan(1e-3);
        expect(Math.hypot(centres[twin][0] - centres[0][0], centres[twin][1] - centres[0][1])).toBeLessThan(1e-3);
        const simulation = place(Array.from(state));
        for (let step = 0; step < (frames - 1) * blockSteps; step++)
          simulation.step(actions[2 * step], actions[2 * step + 1]);
        const last = states.slice((twin * frames + frames - 1) * 7, (twin * frames + frames) * 7);
        // Placing takes a hundredth of a second, once more than when they were recorded.
        for (const [i, value] of Array.from(stateOf(simulation)).slice(0, 4).entries())
          expect(Math.abs(value - last[i])).toBeLessThan(3);
      }
      const angles = first.map(([, , , , angle]) => angle);
      for (let twin = 1; twin < angles.length; twin++)
        expect((angles[twin] - angles[twin - 1] + 2 * Math.PI) % (2 * Math.PI)).toBeGreaterThan(0.3);
    }
    expect(await pushT.recordTwins({ seed: 2, groups: 6, frames, blockSteps })).toEqual(groups);
  });

  it('follow the clips of a batch', () => {
    const [size, clips] = [16, 2];
    const observations = new Uint8Array(clips * frames * size * size * 3).fill(7);
    const actions = new Float32Array(clips * frames * blockSteps * 2).fill(0.5);
    const joined = pushT.joinTwins({ clips, frames, observations, actions }, groups.slice(0, 2), size);
    expect(joined.clips).toBe(clips + 8);
    expect(joined.twins).toEqual({ groups: 2, size: 4, costs: new Float32Array(32) });
    expect(joined.observations.subarray(0, observations.length)).toEqual(observations);
    expect(joined.actions.subarray(0, actions.length)).toEqual(actions);
    // The last frame of the last twin.
    const picture = new Uint8Array(size * size * 3);
    pushT.drawTable(picture, 0, size, groups[1].states, groups[1].states.length - 7);
    expect(joined.observations.subarray(-picture.length)).toEqual(picture);
    expect(joined.actions.subarray(-groups[1].actions.length)).toEqual(groups[1].actions);
  });
});
