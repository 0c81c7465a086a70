export { type Checkpoint, checkpointPath, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export type { HealthReport, Metrics, TrainingEvent } from './events.js';
export { type Losses, ModuleTraining, type ModuleTrainingOptions } from './module-training.js';
export { TensorBoardWriter } from './tensorboard.js';
export type { Trainable } from './trainable.js';
export { Trainer, type TrainerOptions } from './trainer.js';
