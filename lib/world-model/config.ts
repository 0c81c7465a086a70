import type { AdaptiveTransformerSize } from '../models/adaptive-predictor.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import type { RecurrentPredictorOptions } from '../models/recurrent-predictor.js';
import type { VisionEncoderSize } from '../models/vision-encoder.js';
import type { CompileOptions } from '../tensor/index.js';

/** What a model is asked in, as of `compile`. */
export type InferenceOptions = Pick<CompileOptions, 'precision' | 'quantize'>;

/** What is seen by one camera, pictures, or told by one set of sensors, vectors of readings. */
export type ModalityConfig =
  | { readonly kind: 'image'; readonly height: number; readonly width: number; readonly channels: number }
  | {
      readonly kind: 'vector';
      readonly size: number;
      readonly names?: readonly string[];
      readonly units?: readonly string[];
      readonly mean?: readonly number[];
      readonly std?: readonly number[];
    };

/** What the encoder sees: one modality, or several at once, by name. */
export type ObservationConfig =
  | ModalityConfig
  | { readonly kind: 'multimodal'; readonly modalities: Readonly<Record<string, ModalityConfig>> };

/** The actions of a world and how they are standardised: (action − mean) / std, per channel. */
export interface ActionConfig {
  readonly size: number;
  readonly names?: readonly string[];
  readonly units?: readonly string[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What sees one modality. */
export type ModalityEncoderConfig =
  | {
      readonly kind: 'convolution';
      readonly layers: readonly ConvLayer[];
      readonly hidden: number;
      readonly pixelScale: number;
      readonly pixelOffset: number;
    }
  | {
      /** Convolutions, and where each channel of the last one is large. */
      readonly kind: 'keypoints';
      readonly layers: readonly ConvLayer[];
      readonly pixelScale: number;
      readonly pixelOffset: number;
    }
  | ({ readonly kind: 'transformer' } & VisionEncoderSize)
  | { readonly kind: 'vector'; readonly hidden: number };

/** What sees all that there is; `affine`: whether the batch normalisation that comes last has a learnt weight and bias. */
export type EncoderConfig = { readonly affine: boolean } & (
  | ModalityEncoderConfig
  | {
      readonly kind: 'multimodal';
      /** Of each modality, by the names of the observation. */
      readonly encoders: Readonly<Record<string, ModalityEncoderConfig>>;
      /** Width of the hidden layer that the modalities meet in. */
      readonly hidden: number;
    }
);

export type PredictorConfig =
  | ({ readonly kind: 'recurrent' } & Omit<RecurrentPredictorOptions, 'embeddingSize' | 'actionSize' | 'seed'>)
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
