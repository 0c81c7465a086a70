import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkEnvironment, pldmTwoRoom, Random } from '#lib/worlds/index.js';

interface Transition {
  readonly what: string;
  readonly room: readonly [number, number];
  readonly start: readonly number[];
  readonly action: readonly number[];
  readonly noise: readonly number[];
  readonly end: readonly number[];
}
const { transitions } = JSON.parse(readFileSync(new URL('pldm-transitions.json', import.meta.url), 'utf8')) as {
  readonly transitions: readonly Transition[];
};
const given = (numbers: readonly number[]): Random => {
  let next = 0;
  return { normal: () => numbers[next++] } as unknown as Random;
};

describe('PLDM’s Two-Room equals the original', () => {
  it.each(transitions)('$what: from $start by $action', ({ room: [wall, door], start, action, noise, end }) => {
    const place = Float32Array.from(start);
    pldmTwoRoom.move({ wall, door }, place, Float32Array.from(action), given(noise));
    expect(Math.max(Math.abs(place[0] - end[0]), Math.abs(place[1] - end[1]))).toBeLessThan(3e-5);
  });

  it('draws a dot of deviation 1.3 px, and walls with a door', () => {
    const picture = new pldmTwoRoom.PldmRoomPicture({ wall: 30, door: 20 });
    const data = new Uint8Array(65 * 65 * 3).fill(7);
    const [x, y] = [12.3, 4.6];
    picture.draw(data, 0, x, y);
    const wrong: number[][] = [];
    for (let row = 0; row < 65; row++)
      for (let column = 0; column < 65; column++) {
        const dot = 255 * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * 1.3 ** 2));
        const line = [4, 60].includes(row) || [4, 60].includes(column);
        const wall = column >= 29 && column <= 31 && !(row >= 16 && row <= 24);
        const at = (row * 65 + column) * 3;
        const right = data[at] === Math.floor(dot) && data[at + 1] === (line || wall ? 255 : 0) && data[at + 2] === 0;
        if (!right) wrong.push([column, row]);
      }
    expect(wrong).toEqual([]);
  });
});

describe('PLDM’s Two-Room', () => {
  it('keeps the contract of an environment, shows its goal, and ends there', async () => {
    const world = new pldmTwoRoom.PldmTwoRoom();
    expect(() => world.foresee(new Float32Array(2), 1)).toThrow(/expected reset\(\)/);
    await checkEnvironment(world, { seed: 2, steps: 60 });
    const { observation } = world.reset({ options: { start: [50, 30], goal: [54, 30] } });
    expect(observation.length).toBe(65 * 65 * 3);
    expect(world.goalObservation()[(30 * 65 + 54) * 3]).toBe(255);
    expect(world.render().data[(30 * 65 + 54) * 3 + 2]).toBe(255);
    expect(world.foresee(Float32Array.of(2, 0, 2, 0, 0, 1, 0, 1), 2)).toBeCloseTo(0 + 2, 5);
    expect(world.step(Float32Array.of(2, 0))).toMatchObject({ reward: -2, terminated: false });
    expect(world.step(Float32Array.of(1, 0))).toMatchObject({ reward: -1, terminated: true });
    world.reset();
    world.step(Float32Array.of(2.45, -2.45)); // the bounds as float32 has them
    expect(() => world.reset({ options: { start: [1] } })).toThrow(/start to be \[x, y\] from 0 to 65/);
    expect(() => world.foresee(new Float32Array(8), 2)).toThrow('expected reset() before'); // the refused one left no episode
    expect(() => new pldmTwoRoom.PldmTwoRoom({ room: { wall: 3, door: 10 } })).toThrow(/room.wall to be from 20 to 44/);
  });

  it('is never left by a wanderer, and only through its door is the room', () => {
    let [crossings, outside] = [0, 0];
    for (let index = 0; index < 200; index++) {
      const { places } = pldmTwoRoom.playWalk(new Random(index, 'walks'));
      for (let t = 0; t < 90; t++) {
        const [x, y, toX, toY] = places.subarray(2 * t, 2 * t + 4);
        if (!(Math.min(toX, toY) > 4 && Math.max(toX, toY) < 60)) outside++;
        if (x < 32 === toX < 32) continue;
        crossings++;
        const through = y + ((32 - x) / (toX - x)) * (toY - y);
        expect(Math.abs(through - 10)).toBeLessThan(4.01);
      }
    }
    expect(outside).toBe(0);
    expect(crossings).toBeGreaterThan(40);
  });

  it('has walks whose steps and turns are distributed as the original says', () => {
    const lengths: number[] = [];
    const cosines: number[] = [];
    for (let index = 0; index < 300; index++) {
      const { actions } = pldmTwoRoom.drawWalk(pldmTwoRoom.pldmRoom, new Random(index, 'walks'), 90);
      for (let t = 0; t < 90; t++) {
        lengths.push(Math.hypot(actions[2 * t], actions[2 * t + 1]));
        if (t === 0) continue;
        const [a, b] = [2 * t - 2, 2 * t];
        const dot = actions[a] * actions[b] + actions[a + 1] * actions[b + 1];
        cosines.push(dot / lengths[lengths.length - 1] / lengths[lengths.length - 2]);
      }
    }
    const mean = (list: number[]) => list.reduce((sum, x) => sum + x) / list.length;
    expect(Math.min(...lengths)).toBeGreaterThan(0.2 - 1e-5);
    expect(Math.max(...lengths)).toBeLessThan(1.8 + 1e-5);
    // N(1, 0.4²) cut at ±2σ: variance σ²·(1 − 4φ(2)/(2Φ(2) − 1)); a von Mises turn: E cos = I₁(5)/I₀(5).
    expect(mean(lengths)).toBeCloseTo(1, 1.8);
    expect(mean(lengths.map((x) => (x - 1) ** 2))).toBeCloseTo(0.16 * 0.77374, 2);
    expect(mean(cosines)).toBeCloseTo(0.89338, 1.8);
  });

  it('has recordings of the walks, drawn when they are asked for', async () => {
    const episodes = pldmTwoRoom.recordWalks({ seed: 5, count: 2 });
    expect(episodes).toMatchObject({ lengths: [91, 91], actionSize: 2, observation: { height: 65, channels: 3 } });
    const { places, actions } = pldmTwoRoom.playWalk(new Random(5, 'pldm-two-room walk 1'));
    expect(episodes.actions[1]).toEqual(Float32Array.from([...actions, 0, 0]));
    const seen = (await episodes.observe(1, 10, 2, 5)) as Uint8Array;
    const expected = new Uint8Array(65 * 65 * 3);
    new pldmTwoRoom.PldmRoomPicture(pldmTwoRoom.pldmRoom).draw(expected, 0, places[30], places[31]);
    expect(Buffer.compare(seen.subarray(65 * 65 * 3), expected)).toBe(0);
  });

  it('has a protocol that somebody who knows the rooms solves', () => {
    const world = new pldmTwoRoom.PldmTwoRoom();
    const episodes = pldmTwoRoom.pldmEpisodes({ split: 'validation', seed: 3, count: 50 });
    expect(pldmTwoRoom.pldmEpisodes({ split: 'validation', seed: 3, count: 50 })).toEqual(episodes);
    expect(pldmTwoRoom.pldmEpisodes({ split: 'test', seed: 3, count: 50 })).not.toEqual(episodes);
    for (const { reset, budget } of episodes) {
      let { position, goal } = world.reset(reset).info as Record<string, Float32Array>;
      expect(position[0] < 32).toBe(goal[0] > 32);
      const [fromX, toX] = position[0] < 32 ? [29, 35] : [35, 29];
      const way = [[fromX, 10], [toX, 10], [...goal]];
      let over = false;
      for (let step = 0; step < budget && !over; step++) {
        const [dx, dy] = [way[0][0] - position[0], way[0][1] - position[1]];
        const part = Math.min(1, 1.5 / Math.hypot(dx, dy));
        const result = world.step(Float32Array.of(part * dx, part * dy));
        over = result.terminated;
        ({ position, goal } = result.info as Record<string, Float32Array>);
        if (way.length > 1 && Math.hypot(way[0][0] - position[0], way[0][1] - position[1]) < 0.5) way.shift();
      }
      expect(over).toBe(true);
    }
  });
});
