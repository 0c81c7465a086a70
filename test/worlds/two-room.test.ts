import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '#lib/io/safetensors.js';
import { twoRoom } from '#lib/worlds/index.js';

const golden = async (name: string) => {
  const { tensors } = await readSafetensors(
    new URL(`../golden/data/two-room/${name}/io.safetensors`, import.meta.url).pathname,
  );
  const read = <T>(key: string): T => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`no ${key} in golden ${name}`);
    return tensor.data as T;
  };
  return { f32: read<Float32Array>, i32: read<Int32Array>, u8: read<Uint8Array> };
};

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

describe('Two-Room equals the original', () => {
  it('moves as the original in rooms with any wall, doors, radius and speed', async () => {
    const { f32, i32, u8 } = await golden('physics');
    const positions = f32('output.position');
    for (let episode = 0; episode < 32; episode++) {
      const room: twoRoom.Room = {
        radius: f32('input.radius')[episode],
        speed: f32('input.speed')[episode],
        wall: i32('input.wall_axis')[episode] === 1 ? 'vertical' : 'horizontal',
        wallThickness: i32('input.wall_thickness')[episode],
        doors: Array.from({ length: i32('input.doors')[episode] }, (_, d) => ({
          position: i32('input.door_position')[episode * 3 + d],
          halfExtent: i32('input.door_size')[episode * 3 + d],
        })),
      };
      const place = f32('input.start').slice(episode * 2, episode * 2 + 2);
      const goal = f32('input.goal').slice(episode * 2, episode * 2 + 2);
      for (let step = 0; step < 48; step++) {
        twoRoom.move(
          room,
          place,
          f32('input.action').subarray((episode * 48 + step) * 2, (episode * 48 + step + 1) * 2),
        );
        const at = (episode * 49 + step + 1) * 2;
        expect(largestDifference(place, positions.subarray(at, at + 2))).toBeLessThan(1e-4);
        const far = Math.hypot(place[0] - goal[0], place[1] - goal[1]);
        expect(Math.abs(far - f32('output.distance')[episode * 48 + step])).toBeLessThan(2e-4);
        expect(far < twoRoom.successDistance).toBe(u8('output.terminated')[episode * 48 + step] === 1);
      }
    }
  });

  it('has the original expert', async () => {
    const { f32 } = await golden('expert');
    const room = (episode: number): twoRoom.Room =>
      episode < 10
        ? twoRoom.defaultRoom
        : {
            ...twoRoom.defaultRoom,
            wall: episode % 2 === 1 ? 'vertical' : 'horizontal',
            wallThickness: 14,
            doors: [
              { position: 170, halfExtent: 6 },
              { position: 90, halfExtent: 15 },
            ],
          };
    const positions = f32('output.position');
    const actions = f32('output.action');
    for (let episode = 0; episode < 16; episode++) {
      const place = f32('input.start').slice(episode * 2, episode * 2 + 2);
      const goal = f32('input.goal').slice(episode * 2, episode * 2 + 2);
      const action = new Float32Array(2);
      for (let step = 0; step < 70; step++) {
        twoRoom.expertAction(room(episode), place, 0, goal, 0, action);
        expect(
          largestDifference(action, actions.subarray((episode * 70 + step) * 2, (episode * 70 + step + 1) * 2)),
        ).toBeLessThan(1e-4);
        twoRoom.move(room(episode), place, action);
        const at = (episode * 71 + step + 1) * 2;
        expect(largestDifference(place, positions.subarray(at, at + 2))).toBeLessThan(1e-3);
        place.set(positions.subarray(at, at + 2)); // at the goal the expert oscillates, and rounding would grow
      }
    }
  });

  it('repeats every first success of the protocol', async () => {
    const { f32, i32 } = await golden('protocol');
    const pairs: twoRoom.GoalPairs = { count: 200, starts: f32('input.start'), goals: f32('input.goal'), budget: 50 };
    const check = (policy: twoRoom.Policy, key: string) =>
      expect(twoRoom.firstSuccess(pairs, policy)).toEqual(Int32Array.from(i32(key)));
    check(twoRoom.givenActions(f32('input.random_action'), 50), 'output.random_first_success');
    check(twoRoom.givenActions(f32('input.replay_action'), 50), 'output.replay_first_success');
    check(twoRoom.standStill, 'output.still_first_success');
    check(twoRoom.expert, 'output.expert_first_success');
    expect(twoRoom.successRate(twoRoom.firstSuccess(pairs, twoRoom.standStill))).toBeCloseTo(0.095, 10);
    expect(twoRoom.needsDoor(pairs).reduce((a, b) => a + b)).toBe(37);
  });

  it('draws as the original, large and small', async () => {
    const { u8 } = await golden('render');
    const frames = u8('output.frames');
    const second: twoRoom.Room = {
      radius: 9.5,
      speed: 5,
      wall: 'horizontal',
      wallThickness: 21,
      doors: [
        { position: 60, halfExtent: 18 },
        { position: 171, halfExtent: 11 },
      ],
    };
    const size = 224 * 224 * 3;
    expect(
      largestDifference(twoRoom.drawRoom(twoRoom.defaultRoom, [63.3, 51.75]), frames.subarray(0, size)),
    ).toBeLessThanOrEqual(1);
    expect(
      largestDifference(twoRoom.drawRoom(second, [150.25, 40.5], [140, 60]), frames.subarray(size)),
    ).toBeLessThanOrEqual(1);
    const small = new Uint8Array(64 * 64 * 3);
    new twoRoom.RoomPicture(twoRoom.defaultRoom, 64).draw(small, 0, 63.3, 51.75);
    expect(largestDifference(small, u8('output.frames64').subarray(0, small.length))).toBeLessThanOrEqual(1);
  });
});

describe('Two-Room data', () => {
  it('reduces as a plain triangle filter over the large picture', () => {
    for (const [size, wall, x, y] of [
      [32, 'vertical', 112, 49],
      [32, 'horizontal', 49, 112.3],
      [48, 'vertical', 21, 203],
      [224, 'vertical', 100.5, 60],
    ] as const) {
      const room: twoRoom.Room = { ...twoRoom.defaultRoom, wall };
      const small = new Uint8Array(size * size * 3);
      new twoRoom.RoomPicture(room, size).draw(small, 0, x, y);
      const large = twoRoom.drawRoom(room, [x, y]);
      const weights = Array.from({ length: size }, (_, i) => {
        const row = Array.from({ length: 224 }, (_, j) =>
          Math.max(0, 1 - Math.abs(j + 0.5 - ((i + 0.5) * 224) / size) * (size / 224)),
        );
        const sum = row.reduce((a, b) => a + b);
        return row.flatMap((w, j) => (w > 0 ? [[j, w / sum] as const] : []));
      });
      let most = 0;
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++)
          for (let c = 0; c < 3; c++) {
            let sum = 0;
            for (const [r, wr] of weights[i])
              for (const [k, wk] of weights[j]) sum += wr * wk * large[(r * 224 + k) * 3 + c];
            most = Math.max(most, Math.abs(small[(i * size + j) * 3 + c] - sum));
          }
      expect(most, `${size} ${wall}`).toBeLessThan(1.3); // two truncations
    }
  });

  it('gives the same batch for the same index, and its actions lead from state to state', () => {
    const batch = twoRoom.twoRoomTrainingBatch({ seed: 5, episodes: 200 }, 7);
    expect(batch.observations.length).toBe(32 * 4 * 32 * 32 * 3);
    const again = twoRoom.twoRoomTrainingBatch({ seed: 5, episodes: 200 }, 7);
    expect(Buffer.compare(again.observations, batch.observations)).toBe(0);
    expect(again.actions).toEqual(batch.actions);
    expect(twoRoom.twoRoomTrainingBatch({ seed: 5, episodes: 200 }, 8).states).not.toEqual(batch.states);
    for (let clip = 0; clip < batch.clips; clip++) {
      for (let frame = 0; frame < batch.frames - 1; frame++) {
        const row = clip * batch.frames + frame;
        const place = batch.states.slice(row * 2, row * 2 + 2);
        for (let k = 0; k < twoRoom.frameSkip; k++)
          twoRoom.move(twoRoom.defaultRoom, place, batch.actions.subarray(row * 10 + 2 * k, row * 10 + 2 * k + 2));
        expect(place).toEqual(batch.states.slice(row * 2 + 2, row * 2 + 4));
      }
    }
  });

  it('draws pairs whose floors are those of the protocol', () => {
    const pairs = twoRoom.goalPairs({ split: 'validation', seed: 3, count: 400 });
    const rate = (policy: twoRoom.Policy) => twoRoom.successRate(twoRoom.firstSuccess(pairs, policy));
    expect(rate(twoRoom.randomActions(1))).toBeGreaterThan(0.2);
    expect(rate(twoRoom.randomActions(1))).toBeLessThan(0.36);
    expect(rate(twoRoom.standStill)).toBeLessThan(0.15);
    expect(rate(twoRoom.expert)).toBe(1);
    const hard = twoRoom.hardGoalPairs({ split: 'validation', seed: 3, count: 100 });
    expect(twoRoom.needsDoor(hard).every((needed) => needed === 1)).toBe(true);
    expect(hard.budget).toBe(100);
    expect(twoRoom.successRate(twoRoom.firstSuccess(hard, twoRoom.expert))).toBe(1);
  });

  it('has an oracle that solves the usual protocol', () => {
    const pairs = twoRoom.goalPairs({ split: 'validation', seed: 3, count: 40 });
    const first = twoRoom.firstSuccess(pairs, twoRoom.simulatorOracle(1));
    expect(twoRoom.successRate(first)).toBeGreaterThanOrEqual(0.95);
    const planned = (replanEvery: number) =>
      twoRoom.firstSuccess(pairs, twoRoom.simulatorOracle(1, replanEvery)).filter((step) => step > 0);
    expect(planned(Number.POSITIVE_INFINITY).every((step) => step <= 25)).toBe(true); // it rests after its only plan
    expect(planned(2)).not.toEqual(planned(1));
    expect(twoRoom.firstSuccess(pairs, twoRoom.simulatorOracle(1))).toEqual(first);
  });

  it('keeps the hash of its pictures', () => {
    const { observations } = twoRoom.twoRoomTrainingBatch({ seed: 0, episodes: 50 }, 0);
    expect(createHash('sha256').update(observations).digest('hex').slice(0, 16)).toBe('02a863e5b7089393');
  });
});
