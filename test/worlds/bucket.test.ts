import { describe, expect, it } from 'vitest';
import { bucket, checkEnvironment } from '#lib/worlds/index.js';

const thrown = (world: bucket.Bucket, action: readonly number[]): { ended: boolean; places: number[][] } => {
  const places: number[][] = [];
  for (let step = 0; step < 12; step++) {
    const { terminated, info } = world.step(Float32Array.from(step === 0 ? action : [4, 5]));
    places.push(info?.ball as number[]);
    if (terminated) return { ended: true, places };
  }
  return { ended: false, places };
};

describe('Bucket', () => {
  it('lets a ball fly as gravity wants, whatever is done after the throw', async () => {
    const world = await bucket.Bucket.create();
    world.reset({ options: { ball: 0.5, bucket: 3.4 } });
    const { places } = thrown(world, [1.5, 3]);
    // The engine adds gravity before it moves, in rounds of 1/240 s: the ball is lower than the parabola by ½·6·t/240.
    for (const [step, [x, y]] of places.slice(0, 4).entries()) {
      const t = 0.2 * (step + 1);
      expect(x).toBeCloseTo(0.5 + 1.5 * t, 3);
      expect(y).toBeCloseTo(0.3 + 3 * t - 3 * t * (t + 1 / 240), 3);
    }
    world.close();
  });

  it('ends when the ball has stayed in the bucket: thrown along the parabola to it, not along the floor', async () => {
    const world = await bucket.Bucket.create();
    for (const [ball, place] of [
      [0.4, 1.9],
      [0.7, 2.6],
      [1, 3.2],
    ]) {
      world.reset({ options: { ball, bucket: place } });
      const up = 3.5; // in the air for 2·3.5/6 s
      expect(thrown(world, [((place - ball) * 6) / (2 * up), up]).ended).toBe(true);
      world.reset({ options: { ball, bucket: place } });
      const stopped = thrown(world, [3, 0]);
      expect(stopped.ended).toBe(false);
      expect(Math.max(...stopped.places.map(([x]) => x))).toBeLessThan(place - 0.4); // the wall is in its way
    }
    world.close();
  });

  it('foresees what will happen, and keeps the contract of environments', async () => {
    await checkEnvironment(await bucket.Bucket.create());
    const world = await bucket.Bucket.create();
    world.reset({ seed: 3 });
    const plan = new Float32Array(24);
    plan.set([2, 4]);
    const foreseen = world.foresee(plan, 12);
    const before = world.render().data;
    let reward = Number.NaN;
    for (let step = 0; step < 12; step++) reward = world.step(plan.slice(2 * step, 2 * step + 2)).reward as number;
    expect(foreseen).toBe(-reward);
    expect(world.render().data).not.toEqual(before);
    expect(() => world.reset({ options: { bucket: 9 } })).toThrow('expected bucket to be [x] from 1.8 to 3.4, got [9]');
    for (const ask of [() => world.step(Float32Array.of(1, 1)), () => world.foresee(plan, 12)])
      expect(ask).toThrow('expected reset() before'); // the refused one left no episode
    world.close();
    expect(() => world.render()).toThrow('expected reset() before');
  });

  it('is hit by the throw that it foresees to be the best', async () => {
    const world = await bucket.Bucket.create();
    for (const { reset, budget } of bucket.bucketEpisodes({ split: 'validation', seed: 0, count: 2 })) {
      world.reset(reset);
      const plans = [1, 1.4, 1.8, 2.2, 2.6].map((x) =>
        Float32Array.from({ length: 2 * budget }, (_, i) => [x, 3.5][i] ?? 0),
      );
      const costs = plans.map((plan) => world.foresee(plan, budget));
      const best = costs.indexOf(Math.min(...costs));
      expect(thrown(world, Array.from(plans[best].slice(0, 2))).ended).toBe(true);
    }
    world.close();
  });

  it('records throws that a model can learn from, drawn as the world shows them', async () => {
    const episodes = await bucket.recordThrows({ seed: 5, count: 3 });
    expect(episodes.lengths).toEqual([13, 13, 13]);
    expect(episodes.actions[1].slice(2).every((value) => value === 0)).toBe(true);
    const again = await bucket.recordThrows({ seed: 5, count: 2 });
    const frames = (await episodes.observe(1, 0, 13, 1)) as Uint8Array;
    expect(Buffer.compare((await again.observe(1, 0, 13, 1)) as Uint8Array, frames)).toBe(0);
    const longer = await bucket.recordThrows({ seed: 5, count: 2, frames: 15 });
    expect(longer.lengths).toEqual([15, 15]);
    expect(Buffer.compare((await longer.observe(1, 0, 13, 1)) as Uint8Array, frames)).toBe(0);
    await expect(bucket.recordThrows({ seed: 5, count: 1, frames: 1 })).rejects.toThrow(
      /\[recordThrows\] expected frames to be a whole number from 2, got 1/,
    );
    const size = 64 * 64 * 3;
    expect(Buffer.compare(frames.subarray(0, size), frames.subarray(size, 2 * size))).not.toBe(0);
  });
});
