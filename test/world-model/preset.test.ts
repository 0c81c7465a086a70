import { expect, it } from 'vitest';
import { WorldModel } from '#lib/world-model/index.js';
import { refusal } from './small.js';

const options = { observation: { kind: 'vector', size: 3 }, action: { size: 1 }, frameRate: 10 } as const;

it('a configuration of a preset is checked too', () => {
  expect(() => WorldModel.create('large' as 'tiny', options)).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected the preset to be 'tiny' or 'small', got "large"$/),
  );
  expect(() => WorldModel.create('tinny' as 'tiny', options)).toThrow(
    refusal('ERR_JEPA_CONFIG', /got "tinny"\n {2}→ did you mean 'tiny'\?$/),
  );
  expect(() => WorldModel.create('tiny', { ...options, framerate: 5 } as never)).toThrow(
    refusal('ERR_JEPA_UNKNOWN_OPTION', /got 'framerate'\n.*did you mean 'frameRate'/),
  );
  expect(() => WorldModel.create('tiny', { ...options, action: {} } as never)).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected action.size to be a positive integer/),
  );
  expect(() => WorldModel.create('tiny', { ...options, encoder: 'transformer' })).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected encoder to be left out for vectors/),
  );
  const pictures = { ...options, observation: { kind: 'image', height: 97, width: 89, channels: 3 } } as const;
  expect(() => WorldModel.create('tiny', { ...pictures, encoder: 'transformer' })).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected the sides of pictures for a transformer to be divisible .* got \[97,89\]/),
  );
  expect(() => WorldModel.create('tiny', { ...pictures, predictor: 'gru' as 'recurrent' })).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected predictor to be 'recurrent', 'transformer' or 'markov', got "gru"/),
  );
  expect(() => WorldModel.create('tiny', { ...options, predictor: 'markov', velocity: true })).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected predictor to be 'recurrent' with velocity, got "markov"/),
  );
});

it('a preset says no more of its predictor than it was asked for', () => {
  const predictor = { kind: 'recurrent', stateSize: 384, hidden: 256 };
  expect(WorldModel.create('tiny', options).config.predictor).toEqual(predictor);
  expect(WorldModel.create('tiny', { ...options, velocity: true }).config.predictor).toEqual({
    ...predictor,
    velocity: true,
  });
});

it('a preset of keypoints halves pictures down to maps of 8 × 8, and doubles channels with its size', () => {
  const strides = (height: number, preset: 'tiny' | 'small' = 'tiny'): string => {
    const seen = { ...options, observation: { kind: 'image', height, width: height, channels: 3 } } as const;
    const { encoder } = WorldModel.create(preset, { ...seen, encoder: 'keypoints' }).config;
    if (encoder.kind !== 'keypoints') throw new Error(`expected keypoints, got ${encoder.kind}`);
    return encoder.layers.map(({ channels, stride }) => `${channels}/${stride}`).join(' ');
  };
  expect(strides(32)).toBe('32/4 64/1');
  expect(strides(64)).toBe('32/4 64/2 64/1');
  expect(strides(128)).toBe('32/4 64/2 64/2 64/1');
  expect(strides(64, 'small')).toBe('64/4 128/2 128/1');
});

it("a preset takes an encoder of one's own, and the size of embeddings", () => {
  const seen = { ...options, observation: { kind: 'image', height: 48, width: 48, channels: 3 } } as const;
  const layers = [{ channels: 8, kernel: 4, stride: 2, padding: 1 }];
  const { encoder } = WorldModel.create('tiny', seen).config;
  const own = { ...encoder, layers } as typeof encoder;
  expect(WorldModel.create('tiny', { ...seen, encoder: own }).config.encoder).toEqual(own);
  expect(WorldModel.create('tiny', { ...seen, embeddingSize: 24 }).config.embeddingSize).toBe(24);
  expect(WorldModel.create('tiny', seen).config.embeddingSize).toBe(64);
  for (const wrong of ['perceptron', null])
    expect(() => WorldModel.create('tiny', { ...seen, encoder: wrong as never })).toThrow(
      refusal(
        'ERR_JEPA_CONFIG',
        /expected encoder to be 'convolution', 'keypoints', 'transformer' or an encoder's configuration, got/,
      ),
    );
  expect(() => WorldModel.create('tiny', { ...seen, encoder: { ...own, layers: [] } as never })).toThrow(
    refusal('ERR_JEPA_CONFIG', /expected encoder.layers to be at least one convolution/),
  );
});
