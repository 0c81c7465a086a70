import type { WorldModelTrainingOptions } from '../world-model/training-settings.js';

/** VICReg's variance and covariance terms instead of SIGReg: in short trainings on these worlds, places are held more exactly. */
export const spreadTraining: WorldModelTrainingOptions = {
  objective: { sigreg: 0, temporalSigreg: 0, variance: 1, covariance: 0.1, inverseDynamics: 0.5 },
  learningRate: 2e-3,
};
