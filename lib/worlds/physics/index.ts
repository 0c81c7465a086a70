export { type ClipSet, type ClipSpecification, simulateClip } from './clip.js';
export { PhysicsDataset, type PhysicsDatasetOptions } from './dataset.js';
export { engineVersion, loadEngine } from './engine.js';
export { PhysicsEnvironment } from './environment.js';
export {
  type CandidatePlans,
  type CounterfactualPairs,
  candidateForcePlans,
  counterfactualPairs,
  type PhysicsSetOptions,
  physicsClips,
  type ViolationPairs,
  violationPairs,
} from './evaluation.js';
export {
  actionNames,
  actionSize,
  actionSpace,
  actionUnits,
  clipFrames,
  frameRate,
  imageSize,
  observationSpace,
  room,
  type SceneKind,
  sceneKinds,
  sharedFrames,
  stateNames,
  stateSize,
  stateUnits,
  suiteVersion,
} from './layout.js';
export { clipSeed, type Split } from './seeds.js';
export {
  outcomeCost,
  outcomeCosts,
  type PhysicsBatch,
  type PhysicsBatchOptions,
  physicsTrainingBatch,
  twinGroupSize,
} from './training.js';
export { colourControl, type Property, properties, type Violation, violations } from './violations.js';
