// Several modalities at once: what joins them, and what only they together can tell.
import { describe, expect, it } from 'vitest';
import { type HostObservations, mapEach } from '#lib/data/modalities.js';
import { fromIndex, MultimodalEncoder, tensor, VectorFeatures } from '#lib/index.js';
import { type Clips, type Observations, WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';
import { affine, checkLayer, type Values } from '../nn/check-layer.js';
import { gelu } from '../nn/reference.js';
import { anyClipsFor, multimodalConfig, refusal, sensorConfig } from './small.js';

describe('MultimodalEncoder', () => {
  it('sets features side by side, relates them and normalises', async () => {
    const features = (size: number, name: string) =>
      new VectorFeatures({ size, hidden: 5, embeddingSize: 3, seed: 1, name });
    const encoder = new MultimodalEncoder({
      encoders: { joints: features(4, 'a'), touch: features(2, 'b') },
      hidden: 6,
      embeddingSize: 3,
      affine: true,
      seed: 2,
    });
    const perceptron = (v: Values, x: ArrayLike<number>, width: number, ...layers: string[]): Float64Array =>
      layers.reduce(
        ({ y, width }, name, index) => {
          const [weight, bias] = [v[`${name}.weight`], v[`${name}.bias`]];
          return {
            y: Float64Array.from(affine(index === 0 ? y : y.map(gelu), weight, bias, width)),
            width: bias.length,
          };
        },
        { y: Float64Array.from(x), width },
      ).y;
    const eye = (v: Values, x: ArrayLike<number>, width: number, index: number): Float64Array =>
      perceptron(v, x, width, ...['input', 'hidden', 'projection'].map((name) => `encoders.${index}.${name}`));
    await checkLayer({
      module: encoder.eval(),
      inputs: { touch: [7, 2], joints: [7, 4] },
      forward: ({ touch, joints }) => encoder.forward({ touch, joints }),
      reference: (v) => {
        const [joints, touch] = [eye(v, v.joints, 4, 0), eye(v, v.touch, 2, 1)];
        const joined = Float64Array.from({ length: 7 * 6 }, (_, at) => {
          const [row, i] = [Math.floor(at / 6), at % 6];
          return gelu(i < 3 ? joints[row * 3 + i] : touch[row * 3 + i - 3]);
        });
        const z = perceptron(v, joined, 6, 'fusion.layers.0', 'fusion.layers.1');
        const { 'normalisation.weight': weight, 'normalisation.bias': bias } = v;
        const { 'normalisation.running_mean': mean, 'normalisation.running_var': variance } = v;
        return z.map((value, at) => {
          const i = at % 3;
          return ((value - mean[i]) / Math.sqrt(variance[i] + 1e-5)) * weight[i] + bias[i];
        });
      },
    });
  });
});

describe('observations of several modalities', () => {
  const model = new WorldModel(multimodalConfig);
  const clips = anyClipsFor(multimodalConfig, 2, 8) as Clips<Record<'front' | 'wrist' | 'joints', Float32Array>>;
  const [{ front, wrist, joints }, actions] = model.tensors(clips);

  it('may come in any order, and each of them counts', async () => {
    const embeddings = async (observations: Observations) => (await model.encode(observations)).data();
    const all = await embeddings({ front, wrist, joints });
    expect(await embeddings({ joints, front, wrist })).toEqual(all);
    const [other] = model.tensors(anyClipsFor(multimodalConfig, 2, 8, 1));
    for (const name of ['front', 'wrist', 'joints'] as const)
      expect(await embeddings({ front, wrist, joints, [name]: (other as Record<string, never>)[name] })).not.toEqual(
        all,
      );
  });

  it.each([
    ['a missing one', { front, joints }, 'ERR_JEPA_INVALID_ARGUMENT', "'joints', got none of 'wrist'"],
    ['one more', { front, wrist, joints, ear: joints }, 'ERR_JEPA_INVALID_ARGUMENT', "got others too: 'ear'"],
    ['one without a name', joints, 'ERR_JEPA_INVALID_ARGUMENT', "'joints' by name, got one without names"],
    [
      'a wrong shape',
      { front: wrist, wrist, joints },
      'ERR_JEPA_SHAPE',
      "'front' uint8 [clips, frames, 16, 16, 3], got",
    ],
    [
      'other extents',
      { front, wrist, joints: tensor(new Float32Array(42), { shape: [2, 7, 3] }) },
      'ERR_JEPA_SHAPE',
      "'joints' float32 [2, 8, 3], got float32 [2, 7, 3]",
    ],
  ] as const)('are refused with %s', async (_, observations, code, message) => {
    await expect(model.encode(observations)).rejects.toThrow(refusal(code, message));
    await expect(model.rollout(observations, actions)).rejects.toThrow(refusal(code, message));
  });

  it('are refused by a model of one', async () => {
    await expect(new WorldModel(sensorConfig).encode({ joints })).rejects.toThrow(
      refusal(
        'ERR_JEPA_INVALID_ARGUMENT',
        "[worldModel] expected observations of one modality, got several by name: 'joints'",
      ),
    );
  });

  it('are judged in recordings as in a session', async () => {
    const calibration = await model.calibrate(
      fromIndex((index) => anyClipsFor(multimodalConfig, 8, 14, index), { count: 4 }),
    );
    const [judged] = await model.judge(clips, calibration, { falseAlarmRate: 0.1 });
    const session = await model.session({ calibration, falseAlarmRate: 0.1 });
    for (let frame = 0; frame < 8; frame++) {
      const seen = mapEach(clips.observations as HostObservations, (values) => {
        const size = values.length / 16;
        return values.slice(frame * size, (frame + 1) * size);
      });
      const action = frame > 0 ? clips.actions.subarray(2 * frame - 2, 2 * frame) : undefined;
      const { verdict, pValue } = await session.observe(seen, action);
      expect([verdict, pValue]).toEqual([judged[frame].verdict, judged[frame].pValue]);
    }
    expect(judged.at(-1)?.pValue).toBeGreaterThan(0);
  });

  it('are configured by name', () => {
    const { encoder, observation } = multimodalConfig;
    if (encoder.kind !== 'multimodal' || observation.kind !== 'multimodal') throw new Error('not multimodal');
    const { front: eye, ...others } = encoder.encoders;
    const refused = (part: object, message: string) =>
      expect(() => new WorldModel({ ...multimodalConfig, ...part })).toThrow(refusal('ERR_JEPA_CONFIG', message));
    refused(
      { encoder: { ...encoder, encoders: others } },
      'encoder.encoders to be those of front, wrist, joints, in this order',
    );
    refused(
      { encoder: { ...encoder, encoders: { ...encoder.encoders, front: { ...eye, hidden: 0 } } } },
      'encoder.encoders.front.hidden',
    );
    refused({ encoder: { ...eye, affine: true } }, "encoder.kind to be 'multimodal'");
    refused(
      { observation: { kind: 'multimodal', modalities: {} } },
      'observation.modalities to be at least one modality',
    );
    const modalities = { ...observation.modalities, joints: { kind: 'vector', size: 0 } };
    refused(
      { observation: { kind: 'multimodal', modalities } },
      'observation.modalities.joints.size to be a positive integer',
    );
  });

  it('have presets', async () => {
    const { observation } = multimodalConfig;
    using world = WorldModel.create('tiny', {
      observation,
      action: { size: 2 },
      frameRate: 10,
      encoder: 'transformer',
    });
    const { encoder } = world.config;
    expect(encoder).toMatchObject({
      kind: 'multimodal',
      encoders: { front: { kind: 'transformer' }, joints: { kind: 'vector' } },
    });
    const [observations] = world.tensors(anyClipsFor(world.config, 1, 5));
    expect((await world.encode(observations)).shape).toEqual([1, 5, 64]);
  });
});

/** A cart that the light steers: its push goes the way of the switch by green light and the other way by red. */
function carts(stream: string, clips: number, frames: number) {
  const random = new Random(0, stream);
  const lights = new Uint8Array(clips * frames * 8 * 8 * 3);
  const sensors = new Float32Array(clips * frames * 2); // place and switch
  for (let clip = 0; clip < clips; clip++) {
    let place = random.uniform(-1, 1);
    for (let frame = 0; frame < frames; frame++) {
      const at = clip * frames + frame;
      const [green, way] = [random.below(2), 2 * random.below(2) - 1];
      for (let pixel = 0; pixel < 64; pixel++) lights[at * 192 + pixel * 3 + green] = 200;
      sensors.set([place, way], 2 * at);
      place = 0.7 * place + (green ? way : -way);
    }
  }
  return { clips, frames, light: lights, sensors, actions: new Float32Array(clips * frames) };
}

it('a world model learns from both what neither can tell alone', async () => {
  const frames = 6;
  const { clips, light, sensors, actions } = carts('held out', 64, frames);
  // The same clips, but at their last frame the cart has gone the other way.
  const wrong = sensors.slice();
  for (let clip = 0; clip < clips; clip++) {
    const last = 2 * ((clip + 1) * frames - 1);
    wrong[last] = 1.4 * sensors[last - 2] - sensors[last];
  }
  const camera = { kind: 'image', height: 8, width: 8, channels: 3 } as const;
  const readings = { kind: 'vector', size: 2, std: [1.3, 1], mean: [0, 0] } as const;
  const all = { light: camera, sensors: readings };
  const found = async (seen: (keyof typeof all)[]): Promise<number> => {
    const modalities = Object.fromEntries(seen.map((name) => [name, all[name]]));
    using world = WorldModel.create('tiny', {
      observation: { kind: 'multimodal', modalities },
      action: { size: 1 },
      frameRate: 10,
      contextFrames: 1,
      predictor: 'markov',
    });
    const of = (given: Readonly<Record<'light' | 'sensors', Uint8Array | Float32Array>>) =>
      Object.fromEntries(seen.map((name) => [name, given[name]]));
    const training = new WorldModelTraining(world, {
      objective: { rollout: 0, firstTarget: 1, directions: 16 },
      averaging: 0.9,
    });
    const batch = (step: number) => {
      const { light, sensors, ...rest } = carts(`batch ${step}`, 32, frames);
      return { ...rest, observations: of({ light, sensors }) };
    };
    for (let step = 0; step < 100; step++) await training.step(batch(step), step, { steps: 100 });
    await training.finish([batch(100)]);
    training.dispose();
    const surprise = async (sensors: Float32Array) => {
      const clipsOf = { clips, frames, observations: of({ light, sensors }), actions };
      return (await world.surprise(...world.tensors(clipsOf), { contexts: [frames - 1, frames - 1] })).raw;
    };
    const [usual, broken] = [await surprise(sensors), await surprise(wrong)];
    return usual.filter((value, clip) => value < broken[clip]).length / clips;
  };
  const shares = { both: await found(['light', 'sensors']), sensors: await found(['sensors']) };
  expect(shares.both).toBeGreaterThan(0.95);
  expect(shares.sensors).toBeLessThan(0.7);
});
