import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapEach } from '#lib/data/modalities.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { WorldModel } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { close } from '../nn/check-layer.js';
import {
  anyClipsFor,
  clipsFor,
  multimodalConfig,
  pictureConfig,
  sensorConfig,
  shaken,
  transformerConfig,
  velocityConfig,
} from './small.js';

const floats = async (of: Tensor): Promise<Float32Array> => (await of.data()) as Float32Array;
const rows = (values: Float32Array, from: number, count: number, width: number): Float32Array =>
  values.slice(from * width, (from + count) * width);

describe.each([
  ['sensors, with memory', sensorConfig],
  ['sensors, with velocity', velocityConfig],
  ['pictures, without', pictureConfig],
  ['pictures, of transformers', transformerConfig],
  ['two cameras and sensors', multimodalConfig],
])('WorldModel of %s', (_, config) => {
  const { embeddingSize: D, contextFrames: c } = config;
  const [B, T] = [5, 9];

  it('has the shapes it promises', async () => {
    const model = new WorldModel(config);
    const [observations, actions] = model.tensors(anyClipsFor(config, B, T));
    const z = await model.encode(observations);
    expect(z.shape).toEqual([B, T, D]);
    const { states, embeddings } = await model.states(z, actions);
    expect(embeddings.shape).toEqual([B, T, D]);
    expect(states.shape.slice(0, 2)).toEqual([B, T]);
    const future = await model.rollout(observations, actions);
    expect(future.embeddings.shape).toEqual([B, T - c, D]);
    expect(future.logError?.shape).toEqual(config.heads.variance ? [B, T - c, D + 1] : undefined);
    const { normalised, raw, curve } = await model.surprise(observations, actions, { contexts: [c, c + 2] });
    expect([normalised.length, raw.length, ...curve.shape]).toEqual([B, B, B, T - c - 2]);
    model.dispose();
  });

  it('imagines what stepping its predictor by hand gives', async () => {
    const model = await shaken(config);
    const [observations, actions] = model.tensors(anyClipsFor(config, 1, T));
    const z = await floats(await model.encode(observations));
    const a = await floats(actions);
    const A = config.action.size;
    // What a model expects after frame t is the last row of its states on the first t + 1 rows: teacher forcing on what it imagined itself.
    const seen = [...rows(z, 0, c, D)];
    const expected: number[] = [];
    for (let t = c; t < T; t++) {
      const known = tensor(Float32Array.from(seen), { shape: [1, t, D] });
      const { embeddings } = await model.states(known, tensor(rows(a, 0, t, A), { shape: [1, t, A] }));
      const next = rows(await floats(embeddings), t - 1, 1, D);
      seen.push(...next);
      expected.push(...next);
    }
    const { embeddings } = await model.rollout(observations, actions);
    close('rollout', await floats(embeddings), expected, 1e-5);
    const { embeddings: longer } = await model.rollout(observations, actions, { context: c + 2 });
    expect(longer.shape).toEqual([1, T - c - 2, D]);
  });

  it('sees only the frames of its context, and the actions', async () => {
    const model = await shaken(config);
    const clips = anyClipsFor(config, 2, T);
    const [observations, actions] = model.tensors(clips);
    const later = mapEach(clips.observations, (values) => {
      const frame = values.length / (2 * T);
      const changed = values.slice();
      for (let clip = 0; clip < 2; clip++) changed.fill(7, (clip * T + c) * frame, (clip + 1) * T * frame);
      return changed;
    });
    const other = { ...clips, observations: later };
    const future = await floats((await model.rollout(observations, actions)).embeddings);
    const [blind] = model.tensors(other);
    expect(await floats((await model.rollout(blind, actions)).embeddings)).toEqual(future);
    const pushed = {
      ...clips,
      actions: clips.actions.map((value, i) => (i === clips.actions.length / 2 - 4 ? 9 : value)),
    };
    const [, changed] = model.tensors(pushed);
    expect(await floats((await model.rollout(observations, changed)).embeddings)).not.toEqual(future);
  });

  it('gives each clip what it gives it alone, however many there are', async () => {
    const model = await shaken(config);
    const [observations, actions] = model.tensors(anyClipsFor(config, 41, T)); // more than one chunk, the last one filled up
    const z = await model.encode(observations);
    const { raw } = await model.surpriseOf(z, actions, { contexts: [c, c + 1] });
    const all = { z: await floats(z), a: await floats(actions) };
    for (const clip of [0, 31, 32, 40]) {
      const alone = await model.surpriseOf(
        tensor(rows(all.z, clip, 1, T * D), { shape: [1, T, D] }),
        tensor(rows(all.a, clip, 1, T * config.action.size), { shape: [1, T, config.action.size] }),
        { contexts: [c, c + 1] },
      );
      close(`clip ${clip}`, [raw[clip]], [alone.raw[0]], 1e-5);
    }
  });

  it('measures surprise as its definition says', async () => {
    const model = await shaken(config);
    const [observations, actions] = model.tensors(anyClipsFor(config, 3, T));
    const z = await floats(await model.encode(observations));
    const [first, last] = [c, c + 2];
    const surprise = await model.surprise(observations, actions, { contexts: [first, last] });
    const raw = [0, 0, 0];
    const normalised = [0, 0, 0];
    const curve = new Float64Array(3 * (T - last));
    for (let context = first; context <= last; context++) {
      const future = await model.rollout(observations, actions, { context });
      const imagined = await floats(future.embeddings);
      const logError = future.logError && (await floats(future.logError));
      const steps = T - context;
      for (let clip = 0; clip < 3; clip++) {
        for (let k = 0; k < steps; k++) {
          let error = 0;
          for (let d = 0; d < D; d++)
            error += (imagined[(clip * steps + k) * D + d] - z[(clip * T + context + k) * D + d]) ** 2 / D;
          const relative = logError ? error / Math.exp(logError[(clip * steps + k) * (D + 1) + D]) : error;
          raw[clip] += error / steps / 3;
          normalised[clip] += relative / steps / 3;
          if (context + k >= last) curve[clip * (T - last) + context + k - last] += relative / 3;
        }
      }
    }
    close('raw', surprise.raw, raw, 1e-5);
    close('normalised', surprise.normalised, normalised, 1e-5);
    close('curve', await floats(surprise.curve), curve, 1e-5);
  });

  it('comes back from its file bit for bit, and the same model is the same file', async () => {
    const model = await shaken(config);
    const folder = temporaryFolder();
    await model.save(join(folder, 'a.jepa'));
    const loaded = await WorldModel.load(join(folder, 'a.jepa'));
    expect(loaded.config).toEqual(config);
    const [observations, actions] = model.tensors(anyClipsFor(config, 2, T));
    const [before, after] = [await model.rollout(observations, actions), await loaded.rollout(observations, actions)];
    expect(await floats(after.embeddings)).toEqual(await floats(before.embeddings));
    await loaded.save(join(folder, 'b.jepa'));
    expect(readFileSync(join(folder, 'b.jepa')).equals(readFileSync(join(folder, 'a.jepa')))).toBe(true);
  });
});

describe('WorldModel', () => {
  it('ranks plans by the distance of what it imagines, along the path, or by its critic', async () => {
    const model = await shaken(sensorConfig);
    const { embeddingSize: D, contextFrames: c } = sensorConfig;
    const [N, T] = [6, 7];
    const [frames] = model.tensors(clipsFor(sensorConfig, 1, c));
    const seen = tensor(await frames.data(), { shape: [c, 3] });
    const goal = tensor(Float32Array.of(0.5, -0.5, 0.2), { shape: [1, 3] });
    const [, candidates] = model.tensors(clipsFor(sensorConfig, N, T, 9));
    const goalZ = await floats(await model.encode(tensor(await goal.data(), { shape: [1, 1, 3] })));
    const z = await floats(await model.encode(frames));
    const known = tensor(
      Float32Array.from({ length: N * c * D }, (_, i) => z[i % (c * D)]),
      { shape: [N, c, D] },
    );
    const future = await floats((await model.imagine(known, candidates, { context: c })).embeddings);
    const distance = (row: number): number => {
      let total = 0;
      for (let d = 0; d < D; d++) total += (future[row * D + d] - goalZ[d]) ** 2 / D;
      return total;
    };
    const steps = T - c;
    const end = Array.from({ length: N }, (_, plan) => distance(plan * steps + steps - 1));
    const path = Array.from({ length: N }, (_, plan) =>
      Array.from({ length: steps }, (_, k) => distance(plan * steps + k)).reduce(
        (sum, value) => sum + value / steps,
        0,
      ),
    );
    for (const [by, costs] of [
      ['latent', end],
      ['path', path],
    ] as const) {
      const ranked = await model.rank(seen, candidates, { goal, by });
      expect(ranked.map(({ index }) => index)).toEqual(costs.map((_, i) => i).sort((a, b) => costs[a] - costs[b]));
      close(
        by,
        ranked.map(({ cost }) => cost),
        [...costs].sort((a, b) => a - b),
        1e-5,
      );
    }
    const critical = await model.rank(seen, candidates, { goal, by: 'critic' });
    expect(critical.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(critical.map(({ cost }) => cost)).toEqual([...critical.map(({ cost }) => cost)].sort((a, b) => a - b));
  });

  it('tells what an action changes: nothing before it is taken, and nothing if it is the same', async () => {
    const model = await shaken(sensorConfig);
    const { embeddingSize: D, contextFrames: c } = sensorConfig;
    const T = 8;
    const [frames, actions] = model.tensors(clipsFor(sensorConfig, 1, T));
    const seen = tensor(((await frames.data()) as Float32Array).slice(0, c * 3), { shape: [c, 3] });
    const plan = tensor(await actions.data(), { shape: [T, 2] });
    const instead = tensor(
      ((await actions.data()) as Float32Array).map((value, i) => (i >= 2 * (c + 1) ? -value : value)),
      {
        shape: [T, 2],
      },
    );
    const { future, alternative, effect } = await model.counterfactual(seen, plan, instead);
    expect([future.shape, alternative.shape, effect.shape]).toEqual(Array(3).fill([T - c, D]));
    const [f, a, e] = [await floats(future), await floats(alternative), await floats(effect)];
    expect(e).toEqual(f.map((value, i) => value - a[i]));
    expect(rows(e, 0, 2, D).every((value) => value === 0)).toBe(true); // the action at frame c + 1 shows at frame c + 2
    expect(rows(e, 2, 1, D).some((value) => value !== 0)).toBe(true);
    const same = await model.counterfactual(seen, plan, plan);
    expect((await floats(same.effect)).every((value) => value === 0)).toBe(true);
  });

  it('has presets for pictures of any size and for sensors', async () => {
    for (const [preset, observation, parameters] of [
      ['tiny', { kind: 'image', height: 64, width: 64, channels: 3 }, 1.2e6],
      ['tiny', { kind: 'vector', size: 24 }, 0.8e6],
      ['small', { kind: 'vector', size: 24 }, 2.3e6],
    ] as const) {
      const model = WorldModel.create(preset, { observation, action: { size: 2 }, frameRate: 15 });
      const count = model.network.parameters().reduce((sum, { size }) => sum + size, 0);
      expect(Math.abs(count / parameters - 1)).toBeLessThan(0.3);
      expect(model.config.action).toEqual({ size: 2, mean: [0, 0], std: [1, 1] });
      const [observations, actions] = model.tensors(clipsFor(model.config, 1, 6));
      expect((await model.rollout(observations, actions)).embeddings.shape).toEqual([1, 2, model.config.embeddingSize]);
      model.dispose();
    }
    for (const [height, width, encoder, predictor] of [
      [64, 64, 'transformer', 'transformer'],
      [48, 36, 'transformer', 'recurrent'],
      [16, 16, 'convolution', 'transformer'],
    ] as const) {
      const observation = { kind: 'image', height, width, channels: 3 } as const;
      const options = { observation, action: { size: 2 }, frameRate: 15, encoder, predictor };
      using model = WorldModel.create('tiny', options);
      expect([model.config.encoder.kind, model.config.predictor.kind]).toEqual([encoder, predictor]);
      const [observations, actions] = model.tensors(clipsFor(model.config, 1, 6));
      expect((await model.rollout(observations, actions)).embeddings.shape).toEqual([1, 2, model.config.embeddingSize]);
    }
    for (const size of [8, 20, 96]) {
      const observation = { kind: 'image', height: size, width: size, channels: 1 } as const;
      using model = WorldModel.create('tiny', { observation, action: { size: 1 }, frameRate: 15 });
      const [observations] = model.tensors(clipsFor(model.config, 1, 1));
      expect((await model.encode(observations)).shape).toEqual([1, 1, 64]);
    }
  });
});
