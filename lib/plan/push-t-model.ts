import { PushT } from '../worlds/push-t/environment.js';
import { pushTEpisodes, recordPushes } from '../worlds/push-t/recording.js';
import type { PlanningRecipe } from './recipe.js';

const imageSize = 48;
/** Actions of a block: half a second. */
const blockSteps = 5;

/** Push-T: goals are 25 steps ahead, five blocks, as far as a plan. */
export const pushTRecipe: PlanningRecipe = {
  name: 'push-t',
  imageSize,
  actionSize: 2 * blockSteps,
  recordings: 4000,
  record: async ({ seed, count }) => recordPushes({ seed, count, imageSize }),
  fit: {
    steps: 9000,
    frameSkip: blockSteps,
    clipFrames: 8,
    contextFrames: 2,
    // The block moves seldom: without a regulariser over time the embedding would keep what stands still.
    training: { objective: { temporalSigreg: 2 } },
  },
  imitationFrames: 8,
  oracleEpisodes: 20,
  task: async (options) => ({
    world: new PushT({ imageSize }),
    episodes: pushTEpisodes(options),
    blockSteps,
    planner: { horizon: 5, repeat: blockSteps, sharedNoise: 0.5 },
  }),
};
