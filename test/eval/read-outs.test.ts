import { expect, test } from 'vitest';
import type { EmbeddedClips } from '#lib/eval/embedded.js';
import { embed } from '#lib/eval/embedded.js';
import { evaluateProbes } from '#lib/eval/probes.js';
import { evaluateRollouts } from '#lib/eval/rollouts.js';
import { tensor } from '#lib/tensor/index.js';
import { WorldModel, type WorldModelConfig } from '#lib/world-model/index.js';
import { physicsClips } from '#lib/worlds/physics/evaluation.js';
import { sceneKinds, stateSize } from '#lib/worlds/physics/layout.js';
import { Random } from '#lib/worlds/random.js';
import { sensorConfig, shaken } from '../world-model/small.js';

const [frames, D, context] = [16, 6, 4];
const config: WorldModelConfig = { ...sensorConfig, contextFrames: context };

/** Clips of a disc that flies straight; embeddings are a linear map of its place and noise, garbage where it may be hidden. */
function synthetic(clips: number, seed: number): EmbeddedClips {
  const random = new Random(seed, 'synthetic');
  const states = new Float32Array(clips * frames * stateSize);
  const embeddings = new Float32Array(clips * frames * D);
  const actions = new Float32Array(clips * frames * 2);
  for (let clip = 0; clip < clips; clip++) {
    const [x, y, vx, vy] = [random.uniform(1, 3), random.uniform(1, 3), random.uniform(-2, 2), random.uniform(-2, 2)];
    const scene = clip % 4 === 0 ? sceneKinds.indexOf('occlude') : sceneKinds.indexOf('fall');
    for (let t = 0; t < frames; t++) {
      const row = clip * frames + t;
      const [px, py] = [x + (vx * t) / 15, y + (vy * t) / 15];
      states.set([px, py, vx, vy], row * stateSize);
      states[row * stateSize + 10] = scene;
      const hidden = clip % 4 === 0;
      const z = [px - py, px + 2 * py, 0.5 * px, -py, 3, random.uniform(-1, 1)];
      embeddings.set(hidden ? z.map(() => random.uniform(-9, 9)) : z, row * D);
      actions.set([random.uniform(-1, 1), random.uniform(-1, 1)], row * 2);
    }
  }
  return {
    clips,
    frames,
    embeddings: tensor(embeddings, { shape: [clips, frames, D] }),
    actions: tensor(actions, { shape: [clips, frames, 2] }),
    states,
  };
}

test('probes read what is there, outside scenes where it may be hidden, on clips they were not fitted to', async () => {
  const model = new WorldModel(config);
  const { results, readPositions } = await evaluateProbes(model, synthetic(60, 1), synthetic(20, 2), { seed: 3 });
  expect(results.position.linearR2).toBeGreaterThan(0.999);
  expect(results.position.mlpR2).toBeGreaterThan(0.9);
  expect(results.velocity.linearR2).toBeLessThan(0.95); // an untrained memory over noisy embeddings cannot know it exactly
  const place = await readPositions(Float32Array.of(2 - 1.5, 2 + 3, 1, -1.5, 3, 0));
  expect(Math.hypot(place[0] - 2, place[1] - 1.5)).toBeLessThan(0.5);
});

test('rollouts are compared with standing still and going straight on', async () => {
  const model = await shaken(config);
  const clips = synthetic(7, 4);
  const readPositions = async (z: Float32Array): Promise<Float32Array> => {
    const places = new Float32Array((z.length / D) * 2);
    for (let row = 0; row * D < z.length; row++) places.set([2 * z[row * D + 2], -z[row * D + 3]], row * 2);
    return places;
  };
  const { results, paths } = await evaluateRollouts(model, clips, readPositions);
  const z = (await clips.embeddings.data()) as Float32Array;
  const future = (await (await model.imagine(clips.embeddings, clips.actions)).embeddings.data()) as Float32Array;
  for (const [k, found] of [
    [4, results.k4],
    [8, results.k8],
  ] as const) {
    let [error, copy, metres, copyMetres, straightMetres] = [0, 0, 0, 0, 0];
    const frame = context - 1 + k;
    for (let clip = 0; clip < 7; clip++) {
      const at = (t: number) => (clip * frames + t) * stateSize;
      const [x, y] = clips.states.subarray(at(frame));
      const [lx, ly] = clips.states.subarray(at(context - 1));
      const [bx, by] = clips.states.subarray(at(context - 2));
      const row = (clip * (frames - context) + k - 1) * D;
      for (let d = 0; d < D; d++) {
        const truth = z[(clip * frames + frame) * D + d];
        error += (future[row + d] - truth) ** 2;
        copy += (z[(clip * frames + context - 1) * D + d] - truth) ** 2;
      }
      metres += Math.hypot(2 * future[row + 2] - x, -future[row + 3] - y) / 7;
      copyMetres += Math.hypot(lx - x, ly - y) / 7;
      const inside = (value: number): number => Math.min(4, Math.max(0, value));
      straightMetres += Math.hypot(inside(lx + k * (lx - bx)) - x, inside(ly + k * (ly - by)) - y) / 7;
    }
    expect(found.latentRatioToCopy).toBeCloseTo(error / copy, 6);
    expect(found.metres).toBeCloseTo(metres, 5);
    expect(found.copyMetres).toBeCloseTo(copyMetres, 6);
    expect(found.constantVelocityMetres).toBeCloseTo(straightMetres, 6);
  }
  expect(paths.length).toBe(7);
  expect(paths[0].truth.length).toBe(frames - context);
});

test("a model is given pixels and actions, never the simulator's state", async () => {
  const model = WorldModel.create('tiny', {
    observation: { kind: 'image', height: 64, width: 64, channels: 3 },
    action: { size: 2 },
    frameRate: 15,
  });
  const clips = await physicsClips({ split: 'validation', seed: 1, count: 2, workers: 0 });
  const seen = await embed(model, clips);
  const blind = await embed(model, { ...clips, states: new Float32Array(clips.states.length).fill(Number.NaN) });
  expect(await blind.embeddings.data()).toEqual(await seen.embeddings.data());
  expect((await model.surpriseOf(blind.embeddings, blind.actions)).raw).toEqual(
    (await model.surpriseOf(seen.embeddings, seen.actions)).raw,
  );
});
