import { checkOptions } from '../io/options.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import { checkedConfig, fail, positive } from './check-config.js';
import type {
  ActionConfig,
  EncoderConfig,
  ModalityConfig,
  ObservationConfig,
  PredictorConfig,
  WorldModelConfig,
} from './config.js';

export type Preset = 'tiny' | 'small';

/** What a preset leaves to the user. */
export interface PresetOptions {
  readonly observation: ObservationConfig;
  readonly action: Partial<ActionConfig> & { readonly size: number };
  readonly frameRate: number;
  readonly contextFrames?: number;
  readonly seed?: number;
  /**
   * What sees pictures: convolutions (default), keypoints where things' places are all that matters, or a vision transformer, of the
   * preset's sizes, or an encoder of your own.
   */
  readonly encoder?: PictureEncoder | EncoderConfig;
  /** Numbers of an embedding (default 64, of `small` 96). */
  readonly embeddingSize?: number;
  /** What predicts: a GRU (default), a transformer over the last `contextFrames` frames, or a perceptron without memory. */
  readonly predictor?: PredictorConfig['kind'];
  /** Whether a GRU expects what moves to move on (default false): for things that are seen, not for readings that hold velocities. */
  readonly velocity?: boolean;
}

const pictureEncoders = ['convolution', 'keypoints', 'transformer'] as const;
export type PictureEncoder = (typeof pictureEncoders)[number];

const presetOptionNames = [
  'observation',
  'action',
  'frameRate',
  'contextFrames',
  'seed',
  'encoder',
  'embeddingSize',
  'predictor',
  'velocity',
];

/**
 * `tiny` (1.2 M parameters at 64×64: minutes on two cores) and `small` (about four times the compute).
 * @example
 * const config = presetConfig('tiny', {
 *   observation: { kind: 'image', height: 64, width: 64, channels: 3 },
 *   action: { size: 2, names: ['force x', 'force y'], units: ['N', 'N'] },
 *   frameRate: 15,
 * });
 * config.embeddingSize; // 64
 */
export function presetConfig(preset: Preset, options: PresetOptions): WorldModelConfig {
  if (preset !== 'tiny' && preset !== 'small') fail('the preset', "'tiny' or 'small'", preset, ['tiny', 'small']);
  checkOptions('worldModel', options, presetOptionNames);
  const { observation, frameRate, contextFrames = 4, seed = 0, encoder = 'convolution' } = options;
  const { predictor = 'recurrent', velocity = false } = options;
  if (velocity && predictor !== 'recurrent') fail('predictor', "'recurrent' with velocity", predictor);
  const factor = preset === 'small' ? 2 : 1;
  positive('action.size', options.action?.size);
  const own = typeof encoder === 'object' && encoder !== null;
  if (!own && !pictureEncoders.includes(encoder))
    fail(
      'encoder',
      `${pictureEncoders.map((kind) => `'${kind}'`).join(', ')} or an encoder's configuration`,
      encoder,
      pictureEncoders,
    );
  if (!own && observation?.kind === 'vector' && options.encoder !== undefined)
    fail('encoder', 'left out for vectors, which have their own', encoder);
  return checkedConfig({
    observation,
    action: standardised(options.action),
    frameRate,
    contextFrames,
    seed,
    embeddingSize: options.embeddingSize ?? factor * 32 + 32,
    encoder: own ? encoder : presetEncoder(observation, encoder, factor),
    predictor: { ...presetPredictor(predictor, factor, contextFrames), ...(velocity ? { velocity } : {}) },
    heads: { variance: 128, inverse: 256, critic: 128 },
  });
}

function presetEncoder(observation: ObservationConfig, pictures: PictureEncoder, factor: number): EncoderConfig {
  if (observation?.kind !== 'multimodal') return eye(observation, pictures, factor, { affine: true });
  const encoders = Object.entries(observation.modalities ?? {}).map(([name, modality]) => [
    name,
    eye(modality, pictures, factor, {}),
  ]);
  return { kind: 'multimodal', encoders: Object.fromEntries(encoders), hidden: 256 * factor, affine: true };
}

/** @param last what the configuration says of a normalisation that comes last, if it does */
function eye<Last extends object>(modality: ModalityConfig, pictures: PictureEncoder, factor: number, last: Last) {
  if (modality?.kind !== 'image') return { kind: 'vector' as const, hidden: 256 * factor, ...last };
  switch (pictures) {
    case 'convolution':
      return convolution(modality.height, factor, last);
    case 'keypoints':
      return keypoints(modality.height, factor, last);
    case 'transformer':
      return vision(modality, factor, last);
  }
}

function presetPredictor(kind: PredictorConfig['kind'], factor: number, historySize: number): PredictorConfig {
  const hidden = 256 * factor;
  switch (kind) {
    case 'recurrent':
      return { kind, stateSize: factor === 1 ? 384 : 640, hidden };
    case 'transformer':
      return { kind, historySize, width: 96 * factor, depth: 3 * factor, heads: 4, headWidth: 32 * factor, hidden };
    case 'markov':
      return { kind, hidden };
    default:
      return fail('predictor', "'recurrent', 'transformer' or 'markov'", kind, ['recurrent', 'transformer', 'markov']);
  }
}

/** Actions with their statistics; absent ones mean 'already standardised'. */
export function standardised(action: Partial<ActionConfig> & { readonly size: number }): ActionConfig {
  return {
    ...action,
    mean: action.mean ?? new Array<number>(action.size).fill(0),
    std: action.std ?? new Array<number>(action.size).fill(1),
  };
}

/** Of a colour channel 0 … 255, most of which are bright in drawn worlds: about −3 … 1. */
export const presetPixels = { pixelScale: 4 / 255, pixelOffset: -3.2 };

// A 4×4 patch stem, then halvings down to a 4×4 map: 64 pixels need two, 128 three.
function convolution<Last extends object>(height: number, factor: number, last: Last) {
  const layers: ConvLayer[] = [{ channels: 32 * factor, kernel: 4, stride: 4, padding: 0 }];
  const widths = [64, 96, 128, 128, 128];
  for (
    let size = Math.floor(height / 4), index = 0;
    size > 4 && index < widths.length;
    size = Math.ceil(size / 2), index++
  ) {
    layers.push({ channels: widths[index] * factor, kernel: 3, stride: 2, padding: 1 });
  }
  return { kind: 'convolution' as const, layers, hidden: 256 * factor, ...last, ...presetPixels };
}

// The same stem, halvings down to an 8×8 map, and a layer that sees more before each of its channels becomes a place.
function keypoints<Last extends object>(height: number, factor: number, last: Last) {
  const channels = 64 * factor;
  const layers: ConvLayer[] = [{ channels: 32 * factor, kernel: 4, stride: 4, padding: 0 }];
  for (let size = Math.floor(height / 4); size > 8; size = Math.ceil(size / 2))
    layers.push({ channels, kernel: 3, stride: 2, padding: 1 });
  layers.push({ channels, kernel: 3, stride: 1, padding: 1 });
  return { kind: 'keypoints' as const, layers, ...last, ...presetPixels };
}

// Square patches, at least eight along the shorter side, as few as that allows.
function vision<Last extends object>(
  { height, width }: ModalityConfig & { readonly kind: 'image' },
  factor: number,
  last: Last,
) {
  const divides = (size: number): boolean => height % size === 0 && width % size === 0;
  let patchSize = Math.max(1, Math.floor(Math.min(height, width) / 8));
  while (!divides(patchSize)) patchSize--;
  if ((height * width) / patchSize ** 2 > 1024)
    fail('the sides of pictures for a transformer', 'divisible by about an eighth of the shorter one', [height, width]);
  return {
    kind: 'transformer' as const,
    patchSize,
    width: 96 * factor,
    depth: 4 * factor,
    heads: 3,
    hidden: 256 * factor,
    ...last,
    ...presetPixels,
  };
}
