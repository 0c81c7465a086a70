// Streams of frames: what a session finds equals what the model says of whole clips; calibrated, its alarms have the rate that was asked for.
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Clips, fromIndex, type Session, SurpriseCalibration, tensor, WorldModel } from '#lib/index.js';
import type { WorldModelConfig } from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, pictureConfig, sensorConfig, shaken, transformerConfig } from './small.js';

const A = 2;

/** Frame t of the first clip, and the action that led to it. */
function frameOf({ frames, clips, observations, actions }: Clips, t: number): [Uint8Array | Float32Array, number[]?] {
  const size = observations.length / (clips * frames);
  const frame = observations.slice(t * size, (t + 1) * size);
  return t === 0 ? [frame] : [frame, [...actions.subarray((t - 1) * A, t * A)]];
}

describe.each([
  ['sensors with a GRU', sensorConfig],
  ['pictures without memory', pictureConfig],
  ['pictures of transformers', transformerConfig],
])('a session of %s', (_, config: WorldModelConfig) => {
  const T = 11;
  const { contextFrames: c, embeddingSize: D } = config;

  it('compares each frame with what rollouts expected 1, 2, 4 and 8 frames before', async () => {
    const world = await shaken(config);
    const clip = clipsFor(config, 1, T);
    const [observations, actions] = world.tensors(clip);
    const z = (await (await world.encode(observations)).data()) as Float32Array;
    const session = await world.session();
    for (let t = 0; t < T; t++) {
      const { frame, errors, embedding, expected, verdict } = await session.observe(...frameOf(clip, t));
      expect([frame, verdict]).toEqual([t + 1, 'unjudged']);
      close(`frame ${t}`, embedding, z.subarray(t * D, (t + 1) * D), 1e-5);
      const horizons = [1, 2, 4, 8].filter((horizon) => t - horizon + 1 >= c);
      expect(errors.length).toBe(horizons.length);
      for (const [index, horizon] of horizons.entries()) {
        const context = t - horizon + 1;
        const future = await world.rollout(observations, actions, { context });
        const all = (await future.embeddings.data()) as Float32Array;
        const imagined = all.subarray((horizon - 1) * D, horizon * D);
        const logError = future.logError && ((await future.logError.data()) as Float32Array);
        let error = 0;
        for (let d = 0; d < D; d++) {
          const expectedError = logError ? Math.exp(logError[(horizon - 1) * (D + 1) + d]) : 1;
          error += (imagined[d] - z[t * D + d]) ** 2 / Math.sqrt(expectedError) / D;
        }
        close(`frame ${t} horizon ${horizon}`, [errors[index]], [error], 1e-4);
        if (horizon === 1) close(`expected at ${t}`, expected as Float32Array, imagined, 1e-5);
      }
    }
  });

  it('has a memory of its own, which a reset empties', async () => {
    const world = await shaken(config);
    const [one, other] = [clipsFor(config, 1, 6, 1), clipsFor(config, 1, 6, 2)];
    const watch = async (session: Session, clip: Clips): Promise<Float32Array[]> => {
      const found: Float32Array[] = [];
      for (let t = 0; t < 6; t++) found.push((await session.observe(...frameOf(clip, t))).errors);
      return found;
    };
    const alone = await watch(await world.session(), one);
    const [first, second] = [await world.session(), await world.session()];
    const [beside] = await Promise.all([watch(first, one), watch(second, other)]);
    expect(beside).toEqual(alone);
    await first.reset();
    expect(first.frames).toBe(0);
    expect(await watch(first, one)).toEqual(alone);
  });

  it('takes frames and actions as they are at the call, whatever is written into their buffers later', async () => {
    const world = await shaken(config);
    const clip = clipsFor(config, 1, 5);
    const [alone, reusing] = [await world.session(), await world.session()];
    const action = new Float32Array(A);
    const [first] = frameOf(clip, 0);
    const buffer = first instanceof Uint8Array ? Buffer.alloc(first.length) : new Float32Array(first.length);
    const pending: Promise<unknown>[] = [];
    for (let t = 0; t < 5; t++) {
      const [frame, taken] = frameOf(clip, t);
      buffer.set(frame);
      if (taken) action.set(taken);
      pending.push(reusing.observe(buffer, taken && action));
    }
    const found = await Promise.all(pending);
    for (let t = 0; t < 5; t++) expect(found[t]).toEqual(await alone.observe(...frameOf(clip, t)));
  });

  it('begins plans where the model stands: its memory of all frames but the last, and that one', async () => {
    const world = await shaken(config);
    const clip = clipsFor(config, 1, 5);
    const session = await world.session();
    expect(() => session.state).toThrow('[session] expected a frame to be observed first');
    for (let t = 0; t < 5; t++) await session.observe(...frameOf(clip, t));
    const [observations, actions] = world.tensors(clip);
    const { states } = await world.states(await world.encode(observations), actions);
    const all = (await states.data()) as Float32Array;
    const { memory, embedding } = session.state;
    const width = memory.shape[1];
    close('memory', await memory.data(), all.subarray(3 * width, 4 * width), 1e-5);
    expect([memory.shape, embedding.shape]).toEqual([
      [1, width],
      [1, D],
    ]);
  });
});

/** A world that does not move: three sensors that show a random place in a cube, and actions that change nothing. */
const still = (seed: number, clips = 40, frames = 12, count = 20) =>
  fromIndex<Clips>(
    (index) => {
      const random = new Random(seed, `clips ${index}`);
      const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.uniform(-1, 1));
      return { clips, frames, observations: draw(clips * frames * 3), actions: draw(clips * frames * A) };
    },
    { count },
  );

describe('calibrated', () => {
  const options = { lookAhead: 4, frames: 6000 };
  const calibrated = (async () => {
    const world = await shaken(sensorConfig);
    return { world, calibration: await world.calibrate(still(1), options) };
  })();

  it('raises the alarms that were asked for on fresh clips, at every number of horizons', async () => {
    const { world, calibration } = await calibrated;
    expect(calibration.horizons).toEqual([1, 2, 4]);
    const rate = 0.1;
    const counts = { surprising: 0, appearance: 0, judged: 0 };
    const early: number[] = [];
    for await (const batch of still(2, 10)) {
      for (let clip = 0; clip < 10; clip++) {
        const session = await world.session({ calibration, falseAlarmRate: rate });
        const of = (data: Float32Array | Uint8Array): Float32Array =>
          (data as Float32Array).slice((clip * data.length) / 10, ((clip + 1) * data.length) / 10);
        const one = { clips: 1, frames: 12, observations: of(batch.observations), actions: of(batch.actions) };
        for (let t = 0; t < 12; t++) {
          const { verdict, reason, pValue } = await session.observe(...frameOf(one, t));
          if (pValue === undefined) continue;
          counts.judged++;
          if (pValue <= rate) counts.surprising++;
          if (reason === 'appearance') counts.appearance++;
          if (t === sensorConfig.contextFrames) early.push(pValue);
          if (verdict === 'surprising') expect(pValue).toBeLessThanOrEqual(rate);
          if (verdict === 'expected') expect(pValue).toBeGreaterThan(rate);
        }
      }
    }
    // 1,800 frames: three standard deviations of independent ones are .02; frames of a clip depend on each other.
    expect(counts.judged).toBe(1800);
    expect(Math.abs(counts.surprising / counts.judged - rate)).toBeLessThan(0.035);
    expect(Math.abs(counts.appearance / counts.judged - rate)).toBeLessThan(0.035);
    expect(Math.abs(early.filter((p) => p <= 0.5).length / early.length - 0.5)).toBeLessThan(0.12);
  });

  it('judges recordings as sessions do', async () => {
    const { world, calibration } = await calibrated;
    const clips = clipsFor(sensorConfig, 3, 9, 5);
    const judged = await world.judge(clips, calibration, { falseAlarmRate: 0.2 });
    expect(judged.map((clip) => clip.length)).toEqual([9, 9, 9]);
    const session = await world.session({ calibration, falseAlarmRate: 0.2 });
    for (let t = 0; t < 9; t++) {
      const { verdict, reason, surprise, pValue } = await session.observe(...frameOf(clips, t));
      expect(judged[0][t]).toMatchObject(JSON.parse(JSON.stringify({ verdict, reason })));
      if (surprise !== undefined) close(`frame ${t}`, [judged[0][t].surprise as number], [surprise], 1e-5);
      expect(Math.abs((judged[0][t].pValue ?? 0) - (pValue ?? 0))).toBeLessThan(1e-2);
    }
  });

  it('does not judge what is unlike anything it saw: another picture, a stronger action, an older stream', async () => {
    const { world, calibration } = await calibrated;
    const fresh = () => world.session({ calibration, falseAlarmRate: 0.01 });
    const calm = Float32Array.of(0, 0.1, 0);
    const session = await fresh();
    expect(await session.observe(calm)).toMatchObject({ verdict: 'unjudged', frame: 1 });
    expect(await session.observe(Float32Array.of(30, -30, 30), [0, 0])).toMatchObject({
      verdict: 'unknown',
      reason: 'appearance',
    });
    await session.reset();
    await session.observe(calm);
    expect(await session.observe(calm, [0, 1.5])).toMatchObject({ verdict: 'unknown', reason: 'action' });
    await session.reset();
    await session.observe(calm);
    for (let t = 1; t < 12; t++) expect((await session.observe(calm, [0, 0])).reason).toBeUndefined();
    expect(await session.observe(calm, [0, 0])).toMatchObject({ verdict: 'unknown', reason: 'age', frame: 13 });
  });

  it('comes back from its file, and belongs to one model', async () => {
    const { world, calibration } = await calibrated;
    const path = join(temporaryFolder(), 'still.calibration');
    await calibration.save(path);
    const loaded = await SurpriseCalibration.load(path);
    expect(loaded).toEqual(calibration);
    const other = new WorldModel({ ...sensorConfig, seed: 99 });
    await expect(other.session({ calibration })).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_MISMATCH' });
    const weights = join(temporaryFolder(), 'same.jepa');
    await world.save(weights);
    await expect(
      (await WorldModel.load(weights)).session({ calibration, falseAlarmRate: 0.01 }),
    ).resolves.toBeDefined();
    const rounded = await WorldModel.load(weights, { precision: 'bfloat16' });
    await expect(rounded.session({ calibration })).rejects.toThrow('in other weights or another precision');
    await other.save(path);
    await expect(SurpriseCalibration.load(path)).rejects.toThrow(
      "to be a calibration (format 'jepa-surprise-calibration'), got format 'jepa-world-model'",
    );
    await expect(world.session({ calibration: loaded, falseAlarmRate: 0.01 })).resolves.toBeDefined();
  });

  it('judges recordings that overflow in the model as unknown, and is no yardstick made of them', async () => {
    const { world, calibration } = await calibrated;
    const clips = clipsFor(sensorConfig, 1, 9, 5);
    clips.observations.set([3e38, -3e38, 3e38], 4 * 3);
    const [judged] = await world.judge(clips, calibration, { falseAlarmRate: 0.01 });
    for (const found of judged.slice(4)) expect(found).toEqual({ verdict: 'unknown', reason: 'non-finite' });
    for (const { reason } of judged.slice(0, 4)) expect(reason).not.toBe('non-finite');
    async function* huge(): AsyncGenerator<Clips> {
      let index = 0;
      for await (const batch of still(1)) {
        if (index++ === 3) batch.observations[0] = 3e38;
        yield batch;
      }
    }
    await expect(world.calibrate(huge(), options)).rejects.toMatchObject({
      code: 'ERR_JEPA_NON_FINITE',
      message: expect.stringMatching(/^\[calibrate\] expected .+ of finite numbers/),
    });
  });

  it('tells no rate that its frames are too few for', async () => {
    const { world, calibration } = await calibrated;
    await expect(world.session({ calibration, falseAlarmRate: 1e-5 })).rejects.toThrow(
      /expected a calibration of at least 99999 frames for a rate of 0.00001, got one that tells 0\.0\d+ at best/,
    );
  });

  it('is refused for too few or too short clips, and for options without meaning', async () => {
    const { world } = await calibrated;
    await expect(world.calibrate(still(1, 4, 6), { lookAhead: 4 })).rejects.toThrow(
      '[calibrate] expected at least two batches of clips longer than 6 frames, got 20 batches of up to 6 frames',
    );
    for (const dataset of [{ clips: 1 }, undefined])
      await expect(world.calibrate(dataset as never)).rejects.toMatchObject({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: expect.stringContaining(
          '[calibrate] expected batches of clips, an async iterable or an array of them',
        ),
      });
    await expect(world.calibrate(still(1, 40, 12, 1), { lookAhead: 4 })).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringMatching(/got 1 batch of up to 12 frames[\s\S]*in two batches or more/),
    });
    await expect(world.calibrate(still(1), { lookAhead: 0 })).rejects.toThrow('expected lookAhead to be a positive');
    // @ts-expect-error a misspelled option
    await expect(world.calibrate(still(1), { lookahead: 4 })).rejects.toThrow("did you mean 'lookAhead'?");
    const aborted = world.calibrate(still(1), { ...options, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });
});

describe('a session refuses', () => {
  const session = async (): Promise<Session> => (await shaken(sensorConfig)).session();
  const frame = Float32Array.of(0.1, 0.2, 0.3);

  it.each([
    ['a frame of another size', [new Float32Array(4)], 'expected a frame float32 [3], got Float32Array of 4 values'],
    ['pixels for readings', [new Uint8Array(3)], 'expected a frame float32 [3], got Uint8Array of 3 values'],
    ['a clip', [tensor(new Float32Array(3), { shape: [1, 3] })], 'got Float32Array of shape [1, 3]'],
    ['a frame that is no number', [Float32Array.of(0, Number.NaN, 0)], 'expected finite inputs, got NaN'],
    ['a list', [[0.1, 0.2, 0.3] as never], 'expected a frame in a Float32Array or a tensor, got an array'],
    ['an action before there was a frame', [frame, [0, 0]], 'expected no action with the first frame, got one'],
  ] as const)('%s', async (_, given, message) => {
    const fresh = await session();
    await expect(fresh.observe(given[0], given[1])).rejects.toThrow(message);
    expect((await fresh.observe(frame)).frame).toBe(1); // as before
  });

  it('a finite frame that overflows in the model, and judges later ones as if it had not been', async () => {
    const [fresh, spared] = [await session(), await session()];
    const huge = Float32Array.of(3e38, -3e38, 3e38);
    const refusal = { code: 'ERR_JEPA_NON_FINITE', message: expect.stringContaining('[session] expected finite ') };
    await expect(fresh.observe(huge)).rejects.toMatchObject(refusal);
    expect(fresh.frames).toBe(0);
    for (let t = 0; t < 6; t++) {
      const action = t === 0 ? undefined : [0, 0.1 * t];
      if (t === 4) await expect(fresh.observe(huge, action)).rejects.toMatchObject(refusal);
      expect(await fresh.observe(frame, action)).toEqual(await spared.observe(frame, action));
    }
    await expect(fresh.observe(frame, [3e38, -3e38])).rejects.toMatchObject(refusal);
  });

  it('frames without the action between them, or another one', async () => {
    const fresh = await session();
    await fresh.observe(frame);
    await expect(fresh.observe(frame)).rejects.toThrow('expected the action of 2 numbers taken since the frame before');
    await expect(fresh.observe(frame, [1])).rejects.toThrow('got 1 numbers');
    await expect(fresh.observe(frame, 1 as never)).rejects.toThrow('got the number 1');
    await expect(fresh.observe(frame, [0, Number.POSITIVE_INFINITY])).rejects.toThrow('expected finite inputs');
    expect((await fresh.observe(frame, [0, 0])).frame).toBe(2);
  });

  it('rates that are none, or that nothing is measured by', async () => {
    const world = await shaken(sensorConfig);
    await expect(world.session({ falseAlarmRate: 0.01 })).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^\[session\] expected a calibration together with falseAlarmRate 0\.01, got none.*\n.*world\.calibrate/,
      ),
    });
    await expect(world.session({ falseAlarmRate: 0 })).rejects.toThrow(
      'expected falseAlarmRate between 0 and 1, got 0',
    );
  });
});

it('an observation prints in a few lines, and is the same object to all else', async () => {
  const world = await shaken({ ...sensorConfig, embeddingSize: 64 });
  const session = await world.session();
  await session.observe(Float32Array.of(1, 2, 3));
  const seen = await session.observe(Float32Array.of(1, 2, 3), [0, 0]);
  expect(inspect(seen)).toBe(
    "{\n  frame: 2,\n  errors: Float32Array(0) [],\n  embedding: Float32Array(64),\n  expected: Float32Array(64),\n  verdict: 'unjudged'\n}",
  );
  expect(inspect({ seen }, { breakLength: Infinity })).toContain('embedding: Float32Array(64), expected');
  expect(structuredClone(seen)).toEqual(seen);
  expect(Object.keys(seen)).toEqual(['frame', 'errors', 'embedding', 'expected', 'verdict']);
});
