import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { emptyClips, writeClip } from '#lib/worlds/physics/clip.js';
import {
  type ClipSet,
  candidateForcePlans,
  clipFrames,
  clipSeed,
  colourControl,
  counterfactualPairs,
  loadEngine,
  PhysicsDataset,
  physicsClips,
  physicsTrainingBatch,
  sceneKinds,
  simulateClip,
  stateSize,
  violationPairs,
  violations,
} from '#lib/worlds/physics/index.js';

beforeAll(() => loadEngine());

const frameBytes = 64 * 64 * 3;
const hash = (...arrays: (Uint8Array | Float32Array)[]): string => {
  const sum = createHash('sha256');
  for (const array of arrays) sum.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return sum.digest('hex');
};
const frame = ({ observations }: ClipSet, clip: number, t: number): Uint8Array =>
  observations.subarray((clip * clipFrames + t) * frameBytes, (clip * clipFrames + t + 1) * frameBytes);
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const state = ({ states }: ClipSet, clip: number, t: number): Float32Array =>
  states.subarray((clip * clipFrames + t) * stateSize, (clip * clipFrames + t + 1) * stateSize);

describe('determinism', () => {
  it('keeps the bytes of the first 64 clips, here and in worker threads', async () => {
    const count = 4;
    const here = [];
    for (let i = 0; i < count; i++) here.push(await physicsTrainingBatch({ seed: 0 }, i));
    const bytes = hash(
      ...here.flatMap(({ observations, actions, states, twins }) => [observations, actions, states, twins.costs]),
    );
    expect(bytes).toBe('6743c832fa93c40b96d8bd2ff4b6f1759cc2a8b593ac24842eeaec63c3816f41');
    let index = 0;
    for await (const batch of new PhysicsDataset({ seed: 0, workers: 2, count }))
      expect(hash(batch.observations, batch.states)).toBe(hash(here[index].observations, here[index++].states));
    expect(index).toBe(count);
  });

  it('gives a batch by its index', async () => {
    const dataset = new PhysicsDataset({ seed: 3, clips: 8 });
    dataset.seek(11);
    for await (const batch of dataset) {
      expect(hash(batch.observations)).toBe(hash((await physicsTrainingBatch({ seed: 3, clips: 8 }, 11)).observations));
      break;
    }
    expect(dataset.index).toBe(12);
  });

  it('gives the same set for any number of threads, another for another seed', async () => {
    const get = async (seed: number, workers: number) =>
      hash((await physicsClips({ split: 'validation', seed, count: 30, workers })).observations);
    const one = await get(5, 1);
    expect(await get(5, 0)).toBe(one);
    expect(await get(5, 2)).toBe(one);
    expect(await get(6, 0)).not.toBe(one);
  });

  it('keeps the seeds of splits apart', () => {
    const ranges = (['train', 'validation', 'test'] as const).map((split) =>
      Array.from({ length: 2000 }, (_, i) => clipSeed(split, i % 7, `set ${i % 5}`, i * 7919) >>> 30),
    );
    expect(ranges.map((r) => [Math.min(...r), Math.max(...r)])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(() => clipSeed('tset' as never, 0, '', 0)).toThrow(/one of train, validation, test/);
  });
});

describe('mechanics', () => {
  const free = (kind: 'fall' | 'projectile') =>
    Array.from({ length: 40 }, (_, i) => simulateClip({ seed: 100 + i, kind, forces: { force: [0, 0] } }));

  it('falls by g·t²/2', () => {
    for (const states of free('fall')) {
      // Semi-implicit Euler lags the parabola by g·t·dt/2; the engine divides a step of 1/60 s by four.
      const y0 = states[4 * stateSize + 1];
      const v0 = states[4 * stateSize + 3];
      for (let t = 5; t < 9; t++) {
        const time = (t - 4) / 15;
        if (states[t * stateSize + 1] < 0.6) break;
        expect(Math.abs(states[t * stateSize + 1] - (y0 + v0 * time - 3 * time * (time + 1 / 240)))).toBeLessThan(
          0.002,
        );
      }
    }
  });

  it('swings a pendulum at constant energy and length', () => {
    for (let seed = 0; seed < 20; seed++) {
      const states = simulateClip({ seed, kind: 'pendulum' });
      const at = (t: number) => {
        const [x, y, vx, vy, mass] = states.subarray(t * stateSize, t * stateSize + 5);
        const length = Math.hypot(x - 2, y - 3.2);
        const radiusSquared = mass / 1.5 / Math.PI;
        return { length, energy: 6 * y + 0.5 * (vx * vx + vy * vy) * (1 + radiusSquared / 2 / length ** 2) };
      };
      for (let t = 1; t < clipFrames; t++) {
        expect(Math.abs(at(t).length - at(0).length)).toBeLessThan(0.002);
        expect(Math.abs(at(t).energy - at(0).energy)).toBeLessThan(0.15);
      }
    }
  });

  it('bounces with a restitution of .6', () => {
    let bounces = 0;
    for (const states of free('fall')) {
      for (let t = 5; t < clipFrames; t++) {
        const before = -states[(t - 1) * stateSize + 3];
        const after = states[t * stateSize + 3];
        if (before < 1.5 || after < 0) continue;
        bounces++; // somewhere between two frames: gravity acted for up to g/15 before and after
        expect(after).toBeGreaterThan(0.6 * before - 0.45);
        expect(after).toBeLessThan(0.6 * (before + 0.4) + 0.05);
      }
    }
    expect(bounces).toBeGreaterThan(10);
  });

  it('keeps discs in the room', () => {
    for (let seed = 0; seed < 300; seed++) {
      const states = simulateClip({ seed });
      for (let t = 0; t < clipFrames; t++) {
        const [x, y, , , mass] = states.subarray(t * stateSize);
        const reach = Math.sqrt(mass / 1.5 / Math.PI) - 0.12; // a fast disc dips into a wall for a step
        expect(x).toBeGreaterThan(0.05 + reach);
        expect(x).toBeLessThan(3.95 - reach);
        expect(y).toBeGreaterThan(0.15 + reach);
      }
    }
  });

  it('shows a force as an acceleration', () => {
    const push = (x: number) => simulateClip({ seed: 12, kind: 'projectile', forces: { force: [x, 0] } });
    const [left, none] = [push(-0.6), push(0)];
    const mass = none[4];
    const gain = none[5 * 12 + 2] - left[5 * 12 + 2];
    expect(gain).toBeCloseTo((0.6 / mass) * (1 / 15), 3);
  });
});

describe('pairs', () => {
  it.each(violations)('%s: twins share every pixel before the event and differ after it', async (violation) => {
    const count = 24;
    const { possible, impossible, eventFrames, visible } = await violationPairs({
      violation,
      split: 'validation',
      seed: 9,
      count,
      workers: 0,
    });
    let seen = 0;
    for (let pair = 0; pair < count; pair++) {
      const differs = Array.from(
        { length: clipFrames },
        (_, t) => Buffer.compare(frame(possible, pair, t), frame(impossible, pair, t)) !== 0,
      );
      expect(differs.slice(0, eventFrames[pair]).some(Boolean)).toBe(false);
      expect(differs.some(Boolean)).toBe(visible[pair] === 1);
      seen += visible[pair];
      if (violation === colourControl) expect(state(possible, pair, 15)).toEqual(state(impossible, pair, 15));
      if (violation === 'permanence-occluded') {
        const back = differs.indexOf(true);
        expect(back).toBeGreaterThan(eventFrames[pair]); // wholly hidden at the event
        expect(back).toBeLessThanOrEqual(13);
      }
    }
    expect(seen).toBeGreaterThanOrEqual(violation === 'solidity' ? count * 0.6 : count);
  });

  it('gives counterfactuals and candidate plans that share four frames', async () => {
    const { one, another, separation } = await counterfactualPairs({
      split: 'validation',
      seed: 1,
      count: 40,
      workers: 0,
    });
    for (let pair = 0; pair < 40; pair++) {
      for (let t = 0; t <= 4; t++) expect(equal(frame(one, pair, t), frame(another, pair, t))).toBe(true);
      expect(
        Math.hypot(
          state(one, pair, 15)[0] - state(another, pair, 15)[0],
          state(one, pair, 15)[1] - state(another, pair, 15)[1],
        ),
      ).toBeCloseTo(separation[pair], 5);
    }
    expect(separation.filter((metres) => metres > 0.3).length).toBeGreaterThan(36);
    const { clips, costs, starts, plans } = await candidateForcePlans({
      split: 'validation',
      seed: 1,
      count: 5,
      workers: 0,
    });
    expect([starts, plans, clips.clips]).toEqual([5, 8, 40]);
    for (let start = 0; start < 5; start++)
      for (let plan = 0; plan < 8; plan++) {
        expect(equal(frame(clips, start * 8 + plan, 4), frame(clips, start * 8, 4))).toBe(true);
        expect(costs[start * 64 + plan * 9]).toBe(0);
      }
  });
});

describe('training batches', () => {
  it('end in twins that share four frames, are fresh, and cost what their outcomes differ', async () => {
    const batch = await physicsTrainingBatch({ seed: 2 }, 5);
    expect(batch.twins).toMatchObject({ groups: 1, size: 4 });
    for (let twin = 13; twin < 16; twin++) {
      for (let t = 0; t <= 4; t++) expect(equal(frame(batch, twin, t), frame(batch, 12, t))).toBe(true);
      expect(equal(frame(batch, twin, 15), frame(batch, 12, 15))).toBe(false);
      expect(batch.twins.costs[(twin - 12) * 5]).toBe(0);
      const [a, b] = [state(batch, 12, 15), state(batch, twin, 15)];
      const cost = Math.hypot(a[0] - b[0], a[1] - b[1]) + 0.5 * Math.hypot(a[5] - b[5], a[6] - b[6]);
      expect(batch.twins.costs[twin - 12]).toBeCloseTo(cost, 4);
    }
    expect(equal(frame(await physicsTrainingBatch({ seed: 2 }, 6), 0, 0), frame(batch, 0, 0))).toBe(false);
  });

  it('mix the scenes, with more occlusions', async () => {
    const counts = new Array<number>(sceneKinds.length).fill(0);
    for (let i = 0; i < 20; i++) {
      const batch = await physicsTrainingBatch({ seed: 4 }, i);
      for (let clip = 0; clip < 12; clip++) counts[state(batch, clip, 0)[10]]++;
    }
    expect(Math.min(...counts)).toBeGreaterThan(12);
    expect(counts[sceneKinds.indexOf('occlude')]).toBeGreaterThan(35);
  });

  it('refuse impossible mixtures', async () => {
    await expect(physicsTrainingBatch({ seed: 0, clips: 3 }, 0)).rejects.toThrow(/clips ≥ 4 · twinGroups/);
    await expect(physicsTrainingBatch({ seed: 0, twin: 1 } as never, 0)).rejects.toThrow(/twinGroups/);
    await expect(violationPairs({ violation: 'gravity' as never, split: 'test', seed: 0, count: 1 })).rejects.toThrow(
      /one of gravity-reversed/,
    );
    await expect(physicsClips({ split: 'test', seed: 0, count: 0 })).rejects.toThrow(/count to be a positive integer/);
  });
});

describe('the engine', () => {
  it('is asked for with the command that installs it', async () => {
    const missing = () =>
      Promise.reject(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
    await expect(loadEngine(missing)).rejects.toMatchObject({
      code: 'ERR_JEPA_MISSING_PEER',
      message: expect.stringContaining('npm install @dimforge/rapier2d-deterministic-compat@0.20.0'),
    });
    const other = async () => ({ init: async () => {}, version: () => '0.99.0' });
    await expect(loadEngine(other)).rejects.toMatchObject({
      code: 'ERR_JEPA_MISSING_PEER',
      message: expect.stringContaining('got 0.99.0'),
    });
  });

  it('frees what a simulation took', async () => {
    const out = emptyClips(1);
    const run = (n: number) => {
      for (let i = 0; i < n; i++) writeClip({ seed: i }, out, 0);
    };
    run(300);
    const before = process.memoryUsage().rss;
    run(3000);
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});
