import { PushT } from '../worlds/push-t/environment.js';
import { pushTEpisodes, recordPushes } from '../worlds/push-t/recording.js';
import { distanceTowardsEnd } from './objective.js';
import { blockSteps, imageSize, trainPushT } from './push-t-training.js';
import type { PlanningRecipe } from './recipe.js';

/** Push-T: goals are 25 steps ahead, five blocks, as far as a plan. */
export const pushTRecipe: PlanningRecipe = {
  name: 'push-t',
  imageSize,
  actionSize: 2 * blockSteps,
  recordings: 10_000,
  record: (options) => recordPushes({ ...options, imageSize }),
  fit: { steps: 18_000, train: trainPushT },
  imitationFrames: 8,
  oracleEpisodes: 20,
  task: async (options) => ({
    world: new PushT({ imageSize }),
    episodes: pushTEpisodes(options),
    blockSteps,
    leastHorizon: 3,
    oracleCost: 'arrival',
    planner: {
      horizon: 5,
      repeat: blockSteps,
      sharedNoise: 0.5,
      numSamples: 512,
      iterations: 8,
      answer: 'best',
      warmStart: false,
      objective: distanceTowardsEnd(),
    },
  }),
};
