export { Adam, type AdamOptions, adam } from './adam.js';
export { AdamW, type AdamWOptions, adamW } from './adamw.js';
export { clipFactor, clipGradNorm, globalNorm } from './clip.js';
export { Ema, type EmaOptions } from './ema.js';
export { Lars, type LarsOptions, lars } from './lars.js';
export type { MomentOptions } from './moments.js';
export { Optimiser } from './optimiser.js';
export type { ParameterGroup, UpdateOptions } from './parameter-groups.js';
export {
  type BetweenOptions,
  type Beyond,
  constantSchedule,
  cosineSchedule,
  type DecayOptions,
  linearSchedule,
  type OneCycleOptions,
  oneCycle,
  type Schedule,
  type WarmupOptions,
  warmupConstant,
  warmupCosine,
  warmupLinear,
  warmupStableDecay,
} from './schedules.js';
export { SGD, type SGDOptions, sgd } from './sgd.js';
