// LeWorldModel's surface; that it computes what the reference computes is a matter of test/golden/data/lewm.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type HostTensor, LeWM, tensor } from '#lib/index.js';
import { parseSafetensors } from '#lib/io/safetensors.js';
import { fromReleased, releasedNames } from '#lib/models/lewm-names.js';

const sizes = {
  encoder: { imageSize: 28, patchSize: 7, width: 32, depth: 2, heads: 2, hidden: 64 },
  embeddingSize: 24,
  projector: 40,
  predictor: { width: 40, depth: 2, heads: 2, headWidth: 16, hidden: 80 },
  action: { size: 4, smoothed: 6, hidden: 48 },
  historySize: 2,
};

const path = new URL('../golden/data/lewm/encode-eval-width/model.safetensors', import.meta.url);
const released = parseSafetensors(readFileSync(path)).tensors;

describe('released weights', () => {
  it('have a name for everything that the model has, and nothing else', () => {
    const model = new LeWM(sizes);
    const own = [...model.namedParameters().keys(), ...model.buffers().keys()];
    const theirs = own.flatMap((name) => releasedNames(name, 4));
    expect(theirs.sort()).toEqual([...released.keys()].sort());
  });

  it('are loaded as they are: the projection to queries, keys and values is theirs, one below the other', async () => {
    const model = new LeWM(sizes);
    await model.loadReleased(released);
    const parts = ['query', 'key', 'value'].map(
      (part) => released.get(`encoder.encoder.layer.1.attention.attention.${part}.weight`)?.data as Float32Array,
    );
    const { data } = (await model.stateDict()).get('encoder.blocks.1.attn.qkv.weight') as HostTensor;
    expect([...data]).toEqual(parts.flatMap((part) => [...part]));
  });

  it('of another model are refused by name', async () => {
    const model = new LeWM(sizes);
    const without = new Map(released);
    without.delete('predictor.pos_embedding');
    without.set('decoder.weight', { dtype: 'float32', shape: [1], data: new Float32Array(1) });
    const details = { missing: ['predictor.pos_embedding'], unexpected: ['decoder.weight'], misshaped: [] };
    await expect(model.loadReleased(without)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_MISMATCH', details });
    await expect(new LeWM({ ...sizes, projector: 41 }).loadReleased(released)).rejects.toThrow(
      'projector.hidden.weight: expected float32 [41, 32], got float32 [40, 32]',
    );
  });

  it('keep a part that stands alone under its own name', () => {
    const half = new Map([...released].filter(([name]) => !name.includes('.key.')));
    const state = fromReleased(new LeWM(sizes).namedParameters(), half);
    expect(state.has('encoder.blocks.0.attn.qkv.weight')).toBe(false);
  });
});

describe('rollouts', () => {
  const model = new LeWM(sizes).eval();
  const embeddings = tensor(new Float32Array(2 * 24), { shape: [1, 2, 24] });

  it('need an action for each frame seen', () => {
    const actions = tensor(new Float32Array(4), { shape: [1, 1, 4] });
    expect(() => model.rollout(embeddings, actions)).toThrow(
      '[LeWM] expected an action for each of 2 frames at least, got actions of shape [1, 1, 4]',
    );
  });

  it('see as much as the history holds: what lies before it changes nothing', async () => {
    await model.loadReleased(released);
    const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
    const actions = tensor(values(12), { shape: [1, 3, 4] });
    /** What is expected after three frames, of which one is changed. */
    const last = async (changed: number): Promise<number[]> => {
      const z = values(3 * 24).fill(1, changed * 24, (changed + 1) * 24);
      const future = await model.rollout(tensor(z, { shape: [1, 3, 24] }), actions).data();
      return [...(future as Float32Array).slice(-24)];
    };
    const none = await model.rollout(tensor(values(72), { shape: [1, 3, 24] }), actions).data();
    expect(await last(0)).toEqual([...none.slice(-24)]);
    expect(await last(1)).not.toEqual(await last(0));
  });

  it('are refused by the predictor for more frames than it has places', () => {
    const three = tensor(new Float32Array(3 * 24), { shape: [1, 3, 24] });
    expect(() => model.predict(three, three)).toThrow(
      '[AdaptivePredictor] expected embeddings [B, T up to 2, 24], got [1, 3, 24]',
    );
  });
});

it('options are checked by name', () => {
  // @ts-expect-error a misspelled option
  expect(() => new LeWM({ ...sizes, historysize: 2 })).toThrow("did you mean 'historySize'?");
});
