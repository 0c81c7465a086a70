import { expect, it } from 'vitest';
import { RecurrentPredictor } from '#lib/index.js';
import { tensor } from '#lib/tensor/index.js';
import { affine, close, normals } from '../nn/check-layer.js';
import { gelu } from '../nn/reference.js';

it('with velocity lets the last change go on through a gate', async () => {
  const [D, A, H, hidden, T] = [3, 2, 4, 5, 4];
  const predictor = new RecurrentPredictor({
    embeddingSize: D,
    actionSize: A,
    stateSize: H,
    hidden,
    velocity: true,
    seed: 3,
  });
  expect(predictor.stateSize).toBe(H + 2 * D);
  const z = normals('embeddings', T * D);
  const a = normals('actions', T * A);
  const rollout = predictor.teacherForced(tensor(z, { shape: [1, T, D] }), tensor(a, { shape: [1, T, A] }));
  const [states, embeddings] = [await rollout.states.data(), await rollout.embeddings.data()];
  const weights = new Map<string, Float64Array>();
  for (const [name, parameter] of predictor.namedParameters())
    weights.set(name, Float64Array.from(await parameter.read()));
  const linear = (x: Float64Array, layer: number, outputs: number): Float64Array => {
    const of = (what: string) => weights.get(`head.layers.${layer}.${what}`) as Float64Array;
    return affine(x, of('weight'), of('bias'), of('weight').length / outputs);
  };
  for (let t = 0; t < T; t++) {
    const state = Float64Array.from(states.slice(t * (H + 2 * D), (t + 1) * (H + 2 * D)));
    const now = Float64Array.from(z.subarray(t * D, (t + 1) * D));
    const change = now.map((value, d) => value - (t > 0 ? z[(t - 1) * D + d] : 0));
    close(`state ${t}`, state.slice(H), [...change, ...now], 1e-6);
    const out = linear(
      linear(Float64Array.of(...state, ...a.subarray(t * A, (t + 1) * A)), 0, hidden).map(gelu),
      1,
      2 * D,
    );
    const expected = now.map((value, d) => value + change[d] / (1 + Math.exp(-out[D + d])) + out[d]);
    close(`frame ${t}`, embeddings.slice(t * D, (t + 1) * D), expected, 1e-5);
  }
});
