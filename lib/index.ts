/** World models for Node.js: tensors and compiled training steps, layers, models, worlds, training, evaluation, planning. */

export * from './data/index.js';
export { errorCodes, JepaError, type JepaErrorCode, type JepaErrorOptions } from './errors.js';
export * from './eval/index.js';
export { readNpy, writeNpy } from './io/npy.js';
export { type NpzReadOptions, type NpzWriteOptions, readNpz, writeNpz } from './io/npz.js';
export {
  type HostTensor,
  readSafetensors,
  type SafetensorsFile,
  type TensorListing,
  writeSafetensors,
} from './io/safetensors.js';
export { ActionEncoder, type ActionEncoderOptions } from './models/action-encoder.js';
export {
  AdaptivePredictor,
  type AdaptivePredictorOptions,
  type AdaptiveTransformerSize,
} from './models/adaptive-predictor.js';
export {
  ConvEncoder,
  type ConvEncoderOptions,
  ConvFeatures,
  type ConvFeaturesOptions,
  type ConvLayer,
  type ConvStackOptions,
} from './models/conv-encoder.js';
export type { Encoder, FeatureEncoder } from './models/encoder.js';
export { GatedResidual, type GatedResidualOptions } from './models/gated-residual.js';
export {
  KeypointEncoder,
  type KeypointEncoderOptions,
  KeypointFeatures,
  type KeypointFeaturesOptions,
} from './models/keypoint-encoder.js';
export { LeWM, type LeWMLossOptions, type LeWMOptions } from './models/lewm.js';
export { MarkovPredictor, type MarkovPredictorOptions } from './models/markov-predictor.js';
export { MultimodalEncoder, type MultimodalEncoderOptions } from './models/multimodal-encoder.js';
export type { Prediction, Predictor, Rollout } from './models/predictor.js';
export { Projector } from './models/projector.js';
export { RecurrentPredictor, type RecurrentPredictorOptions } from './models/recurrent-predictor.js';
export { TransformerPredictor, type TransformerPredictorOptions } from './models/transformer-predictor.js';
export {
  VectorEncoder,
  type VectorEncoderOptions,
  VectorFeatures,
  type VectorFeaturesOptions,
} from './models/vector-encoder.js';
export {
  VisionEncoder,
  type VisionEncoderOptions,
  type VisionEncoderSize,
  VisionFeatures,
  type VisionFeaturesOptions,
} from './models/vision-encoder.js';
export * from './nn/index.js';
export * from './ops/index.js';
export * from './optim/index.js';
export * from './plan/index.js';
export {
  arange,
  assign,
  type CallOptions,
  type Compiled,
  type CompileOptions,
  checkpoint,
  compile,
  type DType,
  dtypes,
  type Float16ArrayLike,
  fromBfloat16,
  fromFloat16,
  type Gradients,
  grad,
  guardFinite,
  type HostValues,
  isFloat,
  type KernelTime,
  type Nested,
  type NestedValues,
  type Passes,
  type Precision,
  type Profile,
  Program,
  type Quantization,
  type Shape,
  scalar,
  stopGradient,
  Tensor,
  type TensorLike,
  type TensorOptions,
  type Tree,
  type TypedArray,
  tensor,
  toBfloat16,
  toFloat16,
  Variable,
  type VariableOptions,
  valueAndGrad,
  variable,
} from './tensor/index.js';
export { describeMachine, memory } from './tensor/machine.js';
export * from './train/index.js';
export * from './world-model/index.js';
export * from './worlds/index.js';
