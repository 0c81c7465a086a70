import { expect } from 'vitest';
import type { HostObservations } from '#lib/data/modalities.js';
import {
  type Clips,
  type InferenceOptions,
  type ModalityConfig,
  WorldModel,
  type WorldModelConfig,
} from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';

/** A model of three sensors that is traced and run in milliseconds. */
export const sensorConfig: WorldModelConfig = {
  observation: { kind: 'vector', size: 3, mean: [0.1, 0, -0.1], std: [1, 2, 0.5] },
  action: { size: 2, mean: [0.2, 0], std: [1, 0.5] },
  frameRate: 10,
  embeddingSize: 6,
  encoder: { kind: 'vector', hidden: 16, affine: true },
  predictor: { kind: 'recurrent', stateSize: 10, hidden: 12 },
  heads: { variance: 8, inverse: 8, critic: 8 },
  contextFrames: 3,
  seed: 1,
};

/** The same, in which what moves is expected to move on. */
export const velocityConfig: WorldModelConfig = {
  ...sensorConfig,
  predictor: { kind: 'recurrent', stateSize: 10, hidden: 12, velocity: true },
};

/** A model of 16 × 16 pictures without memory or heads. */
export const pictureConfig: WorldModelConfig = {
  observation: { kind: 'image', height: 16, width: 16, channels: 3 },
  action: { size: 2, mean: [0, 0], std: [1, 1] },
  frameRate: 10,
  embeddingSize: 5,
  encoder: {
    kind: 'convolution',
    layers: [
      { channels: 4, kernel: 4, stride: 4, padding: 0 },
      { channels: 6, kernel: 3, stride: 2, padding: 1 },
    ],
    hidden: 8,
    affine: false,
    pixelScale: 1 / 127.5,
    pixelOffset: -1,
  },
  predictor: { kind: 'markov', hidden: 9 },
  heads: { variance: 0, inverse: 0, critic: 0 },
  contextFrames: 1,
  seed: 2,
};

/** A model of pictures 12 wide and 8 high whose encoder and predictor are transformers that see three frames. */
export const transformerConfig: WorldModelConfig = {
  observation: { kind: 'image', height: 8, width: 12, channels: 3 },
  action: { size: 2, mean: [0, 0.1], std: [1, 0.5] },
  frameRate: 10,
  embeddingSize: 6,
  encoder: {
    kind: 'transformer',
    patchSize: 4,
    width: 8,
    depth: 1,
    heads: 2,
    hidden: 10,
    affine: true,
    pixelScale: 1 / 127.5,
    pixelOffset: -1,
  },
  predictor: { kind: 'transformer', historySize: 3, width: 8, depth: 2, heads: 2, headWidth: 5, hidden: 9 },
  heads: { variance: 7, inverse: 8, critic: 0 },
  contextFrames: 2,
  seed: 4,
};

/** A model of two cameras, seen by convolutions and by a transformer, and of sensors. */
export const multimodalConfig: WorldModelConfig = {
  observation: {
    kind: 'multimodal',
    modalities: {
      front: { kind: 'image', height: 16, width: 16, channels: 3 },
      wrist: { kind: 'image', height: 8, width: 12, channels: 3 },
      joints: { kind: 'vector', size: 3, mean: [0.1, 0, -0.1], std: [1, 2, 0.5] },
    },
  },
  action: { size: 2, mean: [0.2, 0], std: [1, 0.5] },
  frameRate: 10,
  embeddingSize: 6,
  encoder: {
    kind: 'multimodal',
    encoders: {
      front: {
        kind: 'convolution',
        layers: [{ channels: 4, kernel: 4, stride: 4, padding: 0 }],
        hidden: 8,
        pixelScale: 1 / 127.5,
        pixelOffset: -1,
      },
      wrist: {
        kind: 'transformer',
        patchSize: 4,
        width: 8,
        depth: 1,
        heads: 2,
        hidden: 10,
        pixelScale: 1 / 127.5,
        pixelOffset: -1,
      },
      joints: { kind: 'vector', hidden: 16 },
    },
    hidden: 12,
    affine: true,
  },
  predictor: { kind: 'recurrent', stateSize: 10, hidden: 12 },
  heads: { variance: 8, inverse: 8, critic: 8 },
  contextFrames: 3,
  seed: 5,
};

/** Clips of random observations and actions for a model. */
export function anyClipsFor(
  config: WorldModelConfig,
  clips: number,
  frames: number,
  seed = 0,
): Clips<HostObservations> {
  const random = new Random(seed, 'clips');
  const { observation, action } = config;
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.uniform(-1, 1));
  const seen = (modality: ModalityConfig): Uint8Array | Float32Array => {
    const image = modality.kind === 'image';
    const values = draw(
      clips * frames * (image ? modality.height * modality.width * modality.channels : modality.size),
    );
    return image ? Uint8Array.from(values, (value) => 128 + 127 * value) : values;
  };
  return {
    clips,
    frames,
    observations:
      observation.kind === 'multimodal'
        ? Object.fromEntries(Object.entries(observation.modalities).map(([name, of]) => [name, seen(of)]))
        : seen(observation),
    actions: draw(clips * frames * action.size),
  };
}

/** The same for a model of one modality. */
export const clipsFor = (...wanted: Parameters<typeof anyClipsFor>): Clips => anyClipsFor(...wanted) as Clips;

/** The variance head starts at zero; weights of its own make its reading depend on its inputs. */
export async function shaken(config: WorldModelConfig, options?: InferenceOptions): Promise<WorldModel> {
  const model = new WorldModel(config, options);
  const random = new Random(3, 'weights');
  for (const [, parameter] of model.network.namedParameters()) {
    const values = (await parameter.read()) as Float32Array;
    await parameter.write(values.map((value) => value + random.uniform(-0.15, 0.15)));
  }
  return model;
}

/** The error of this code whose message contains or matches `message`. */
export const refusal = (code: string, message: string | RegExp) => {
  const told = typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message);
  return expect.objectContaining({ name: 'JepaError', code, message: told });
};
