// The memory of the transformer predictor: what it expects at each frame is what its transformer says of the last frames, and no others.
import { describe, expect, it } from 'vitest';
import { add, compile, slice, type Tensor, TransformerPredictor, tensor } from '#lib/index.js';
import { close, normals } from '../nn/check-layer.js';

const [B, T, D, A] = [2, 6, 5, 3];

const floats = async (of: Tensor): Promise<Float32Array> => (await of.data()) as Float32Array;

describe.each([1, 2, 4, 9])('a history of %i frames', (historySize) => {
  const options = { embeddingSize: D, actionSize: A, historySize, width: 6, depth: 2, heads: 2, headWidth: 3 };
  const predictor = new TransformerPredictor({ ...options, hidden: 7, seed: 1 });
  const z = tensor(normals('z', B * T * D), { shape: [B, T, D] });
  const a = tensor(normals('a', B * T * A), { shape: [B, T, A] });
  const at = (x: Tensor, t: number): Tensor => slice(x, 1, t, t + 1).reshape([B, x.shape[2]]);
  const shaken = Promise.all(
    predictor.parameters().map((parameter, i) => parameter.write(normals(`weights ${i}`, parameter.size))),
  );

  it('expects after each frame what the transformer says of the window that ends there', async () => {
    await shaken;
    const { embeddings, inputs } = predictor.teacherForced(z, a);
    expect(await floats(inputs)).toEqual(await floats(z));
    for (let t = 0; t < T; t++) {
      const [from, to] = [Math.max(0, t + 1 - historySize), t + 1];
      const conditions = predictor.actionEncoder.forward(slice(a, 1, from, to));
      const outputs = predictor.transformer.forward(slice(z, 1, from, to), conditions);
      const expected = add(at(z, t), predictor.head.forward(at(outputs, to - from - 1)));
      close(`frame ${t}`, await floats(at(embeddings, t)), await floats(expected), 1e-5);
    }
  });

  it('comes to the same states and expectations step by step', async () => {
    await shaken;
    const { states, embeddings } = predictor.teacherForced(z, a);
    const step = compile((state: Tensor, embedding: Tensor, action: Tensor) => ({
      ...predictor.step(state, embedding, action),
    }));
    let state = predictor.initialState(B);
    for (let t = 0; t < T; t++) {
      const next = await step(state, at(z, t), at(a, t));
      state = next.state;
      expect(await floats(state)).toEqual(await floats(at(states, t)));
      close(`frame ${t}`, await floats(next.embedding), await floats(at(embeddings, t)), 1e-5);
    }
    expect(states.shape).toEqual([B, T, predictor.stateSize]);
  });

  it('holds clips of different lengths in one batch', async () => {
    await shaken;
    const { states, embeddings } = predictor.teacherForced(z, a);
    const [early, late] = [await floats(at(states, 0)), await floats(at(states, 4))];
    const size = predictor.stateSize;
    const mixed = Float32Array.from([...early.slice(0, size), ...late.slice(size)]);
    const [z1, z5, a1, a5] = await Promise.all([at(z, 1), at(z, 5), at(a, 1), at(a, 5)].map(floats));
    const inputs = (one: Float32Array, five: Float32Array): Float32Array => {
      const width = one.length / B;
      return Float32Array.from([...one.slice(0, width), ...five.slice(width)]);
    };
    const { embedding } = predictor.step(
      tensor(mixed, { shape: [B, size] }),
      tensor(inputs(z1, z5), { shape: [B, D] }),
      tensor(inputs(a1, a5), { shape: [B, A] }),
    );
    const [first, last] = [await floats(at(embeddings, 1)), await floats(at(embeddings, 5))];
    close('both', await floats(embedding), inputs(first, last), 1e-5);
  });
});
