import { checkOptions } from '../io/options.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import { checkedConfig, fail, positive } from './check-config.js';

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
  | { readonly kind: 'vector'; readonly hidden: number; readonly affine: boolean };

export type PredictorConfig =
  | { readonly kind: 'recurrent'; readonly stateSize: number; readonly hidden: number }
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
}

/** `tiny` (1.2 M parameters at 64×64: minutes on two cores) and `small` (about four times the compute). */
export function presetConfig(preset: Preset, options: PresetOptions): WorldModelConfig {
  if (preset !== 'tiny' && preset !== 'small') fail('the preset', "'tiny' or 'small'", preset);
  checkOptions('worldModel', options, ['observation', 'action', 'frameRate', 'contextFrames', 'seed']);
  const wide = preset === 'small';
  const { observation, frameRate, contextFrames = 4, seed = 0 } = options;
  positive('action.size', options.action?.size);
  return checkedConfig({
    observation,
    action: standardised(options.action),
    frameRate,
    contextFrames,
    seed,
    embeddingSize: wide ? 96 : 64,
    encoder:
      observation?.kind === 'image'
        ? convolution(observation.height, wide ? 2 : 1)
        : { kind: 'vector', hidden: wide ? 512 : 256, affine: true },
    predictor: { kind: 'recurrent', stateSize: wide ? 640 : 384, hidden: wide ? 512 : 256 },
    heads: { variance: 128, inverse: 256, critic: 128 },
  });
}

/** Actions with their statistics; absent ones mean 'already standardised'. */
export function standardised(action: Partial<ActionConfig> & { readonly size: number }): ActionConfig {
  return {
    ...action,
    mean: action.mean ?? new Array<number>(action.size).fill(0),
    std: action.std ?? new Array<number>(action.size).fill(1),
  };
}

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
  return { kind: 'convolution', layers, hidden: 256 * factor, affine: true, pixelScale: 4 / 255, pixelOffset: -3.2 };
}
