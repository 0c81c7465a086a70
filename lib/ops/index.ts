import './algebra.js';
import './methods.js';

export { type AttentionMask, type AttentionOptions, attention, attentionMask } from './attention.js';
export { type BatchNormOpOptions, batchNorm } from './batch-norm.js';
export { type Conv2dOpOptions, conv2d, patchify } from './conv.js';
export { type ConvTranspose2dOpOptions, convTranspose2d } from './conv-transpose.js';
export { type Conv3dOpOptions, conv3d } from './conv3d.js';
export { full, ones, zeros } from './create.js';
export {
  abs,
  add,
  cast,
  clamp,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  gelu,
  greater,
  greaterEqual,
  isFinite,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  reciprocal,
  relu,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './elementwise.js';
export { layerNorm } from './layer-norm.js';
export { type ActivationKind, activate, type LinearOpOptions, linear, type MatmulOptions, matmul } from './matmul.js';
export { adaLayerNorm, gatedAdd, groupNorm, rmsNorm } from './norms.js';
export { concat, pad, repeatInterleave, split, stack, tile } from './parts.js';
export { type AvgPoolOptions, avgPool2d, maxPool2d, type PoolOptions } from './pool.js';
export { manualSeed, normal, permutation, type RandomKey, randomBits, uniform } from './random.js';
export { gru, gruAdvance, gruCell } from './recurrent.js';
export {
  argmax,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  type ReduceOptions,
  softmax,
  sum,
  sumOfSquares,
  type VarianceOptions,
  variance,
} from './reduce.js';
export { gatherRows, gatherTokens, scatterAddRows, scatterAddTokens, topK } from './rows.js';
export { type SoftArgmaxOptions, softArgmax } from './soft-argmax.js';
export { broadcastTo, flatten, permute, reshape, slice, squeeze, transpose, unsqueeze } from './views.js';
