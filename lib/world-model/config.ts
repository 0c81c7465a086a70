import { checkOptions } from '../io/options.js';
import type { AdaptiveTransformerSize } from '../models/adaptive-predictor.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import type { VisionEncoderSize } from '../models/vision-encoder.js';
import type { CompileOptions } from '../tensor/index.js';
import { checkedConfig, fail, positive } from './check-config.js';

/** What a model is asked in, as of `compile`. */
export type InferenceOptions = Pick<CompileOptions, 'precision' | 'quantize'>;

/** What the encoder sees: pictures, or vectors of sensor readings. */
export type ObservationConfig =
  | { readonly kind: 'image'; readonly height: number; readonly width: number; readonly channels: number }
  | {
      readonly kind: 'vector';
      readonly size: number;
      readonly names?: readonly string[];
      readonly units?: readonly string[];
      readonly mean?: readonly number[];
      readonly std?: readonly number[];
    };

/** The actions of a world and how they are standardised: (action − mean) / std, per channel. */
export interface ActionConfig {
  readonly size: number;
  readonly names?: readonly string[];
  readonly units?: readonly string[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export type EncoderConfig =
  | {
      readonly kind: 'convolution';
      readonly layers: readonly ConvLayer[];
      readonly hidden: number;
      readonly affine: boolean;
      readonly pixelScale: number;
      readonly pixelOffset: number;
    }
  | ({ readonly kind: 'transformer' } & VisionEncoderSize)
  | { readonly kind: 'vector'; readonly hidden: number; readonly affine: boolean };

export type PredictorConfig =
  | { readonly kind: 'recurrent'; readonly stateSize: number; readonly hidden: number }
  | ({ readonly kind: 'transformer'; readonly historySize: number } & AdaptiveTransformerSize)
  | { readonly kind: 'markov'; readonly hidden: number };

/** Everything that defines a world model apart from its weights; stored in the file. */
export interface WorldModelConfig {
  readonly observation: ObservationConfig;
  readonly action: ActionConfig;
  /** Frames per second of the clips it learns from. */
  readonly frameRate: number;
  readonly embeddingSize: number;
  readonly encoder: EncoderConfig;
  readonly predictor: PredictorConfig;
  /** Hidden width of the heads used in training and read-outs; 0 leaves a head out. */
  readonly heads: { readonly variance: number; readonly inverse: number; readonly critic: number };
  /** Frames seen before an open-loop prediction starts. */
  readonly contextFrames: number;
  readonly seed: number;
}

export type Preset = 'tiny' | 'small';

/** What a preset leaves to the user. */
export interface PresetOptions {
  readonly observation: ObservationConfig;
  readonly action: Partial<ActionConfig> & { readonly size: number };
  readonly frameRate: number;
  readonly contextFrames?: number;
  readonly seed?: number;
  /** What sees pictures: convolutions (default) or a vision transformer. */
  readonly encoder?: 'convolution' | 'transformer';
  /** What predicts: a GRU (default), a transformer over the last `contextFrames` frames, or a perceptron without memory. */
  readonly predictor?: PredictorConfig['kind'];
}

const presetOptionNames = ['observation', 'action', 'frameRate', 'contextFrames', 'seed', 'encoder', 'predictor'];

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
  if (preset !== 'tiny' && preset !== 'small') fail('the preset', "'tiny' or 'small'", preset);
  checkOptions('worldModel', options, presetOptionNames);
  const { observation, frameRate, contextFrames = 4, seed = 0, encoder = 'convolution' } = options;
  const { predictor = 'recurrent' } = options;
  const factor = preset === 'small' ? 2 : 1;
  positive('action.size', options.action?.size);
  if (encoder !== 'convolution' && encoder !== 'transformer')
    fail('encoder', "'convolution' or 'transformer'", encoder);
  if (observation?.kind === 'vector' && options.encoder !== undefined)
    fail('encoder', 'left out for vectors, which have their own', encoder);
  return checkedConfig({
    observation,
    action: standardised(options.action),
    frameRate,
    contextFrames,
    seed,
    embeddingSize: factor * 32 + 32,
    encoder:
      observation?.kind !== 'image'
        ? { kind: 'vector', hidden: 256 * factor, affine: true }
        : encoder === 'convolution'
          ? convolution(observation.height, factor)
          : vision(observation, factor),
    predictor: presetPredictor(predictor, factor, contextFrames),
    heads: { variance: 128, inverse: 256, critic: 128 },
  });
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
      return fail('predictor', "'recurrent', 'transformer' or 'markov'", kind);
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
const pixels = { pixelScale: 4 / 255, pixelOffset: -3.2 };

// A 4×4 patch stem, then halvings down to a 4×4 map: 64 pixels need two, 128 three.
function convolution(height: number, factor: number): EncoderConfig {
  const layers: ConvLayer[] = [{ channels: 32 * factor, kernel: 4, stride: 4, padding: 0 }];
  const widths = [64, 96, 128, 128, 128];
  for (
    let size = Math.floor(height / 4), index = 0;
    size > 4 && index < widths.length;
    size = Math.ceil(size / 2), index++
  ) {
    layers.push({ channels: widths[index] * factor, kernel: 3, stride: 2, padding: 1 });
  }
  return { kind: 'convolution', layers, hidden: 256 * factor, affine: true, ...pixels };
}

// Square patches, at least eight along the shorter side, as few as that allows.
function vision({ height, width }: ObservationConfig & { readonly kind: 'image' }, factor: number): EncoderConfig {
  const divides = (size: number): boolean => height % size === 0 && width % size === 0;
  let patchSize = Math.max(1, Math.floor(Math.min(height, width) / 8));
  while (!divides(patchSize)) patchSize--;
  if ((height * width) / patchSize ** 2 > 1024)
    fail('the sides of pictures for a transformer', 'divisible by about an eighth of the shorter one', [height, width]);
  return {
    kind: 'transformer',
    patchSize,
    width: 96 * factor,
    depth: 4 * factor,
    heads: 3,
    hidden: 256 * factor,
    affine: true,
    ...pixels,
  };
}
