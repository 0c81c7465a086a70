export type { CalibrationOptions } from './calibrate.js';
export {
  type CalibrationMeasures,
  type JudgedFrame,
  type Judgement,
  SurpriseCalibration,
  type UnknownReason,
} from './calibration.js';
export type { Clips, TensorsOfClips } from './clips.js';
export type { WeightFormat } from './compact.js';
export { bestProbabilities, fitTemperature, type RankedChoice } from './confidence.js';
export type {
  ActionConfig,
  EncoderConfig,
  InferenceOptions,
  ModalityConfig,
  ModalityEncoderConfig,
  ObservationConfig,
  PredictorConfig,
  WorldModelConfig,
} from './config.js';
export { RankingCritic } from './critic.js';
export { type CriticTrainingOptions, type PlanChoices, trainCritic } from './critic-training.js';
export { effectiveRank } from './effective-rank.js';
export type { FitDatasetOptions, FitEnvironmentOptions, FitEpisodesOptions, FitOptions } from './fit.js';
export type { Judge, PlanJudge, RankedAction } from './judge.js';
export type { WorldModelNetwork } from './network.js';
export {
  defaultObjective,
  type ObjectiveOptions,
  type ObjectiveTerms,
  type WorldModelBatch,
  worldModelLoss,
} from './objective.js';
export type { Observations } from './observations.js';
export { Outliers } from './outliers.js';
export { forceStatistics, type PhysicsTrainingOptions, physicsCritic, physicsTraining } from './physics-training.js';
export { type PredictorTrainingOptions, trainPredictor } from './predictor-training.js';
export { type Preset, type PresetOptions, presetConfig } from './preset.js';
export type { PretrainedName } from './pretrained.js';
export { type Observation, Session, type SessionOptions } from './session.js';
export { type ClipBatch, WorldModelTraining } from './training.js';
export type { WorldModelTrainingOptions } from './training-settings.js';
export {
  type Imagined,
  type Surprise,
  WorldModel,
} from './world-model.js';
