import type { EncoderConfig } from '../world-model/config.js';
import { presetPixels } from '../world-model/preset.js';
import { PushT } from '../worlds/push-t/environment.js';
import { pushTEpisodes, recordPushes } from '../worlds/push-t/recording.js';
import type { PlanningRecipe } from './recipe.js';
import { spreadTraining } from './spread-objective.js';

const imageSize = 48;
/** Actions of a block: half a second. */
const blockSteps = 5;

/** Convolutions whose kernels overlap: the block's arms are three pixels thick. */
const encoder: EncoderConfig = {
  kind: 'convolution',
  layers: [16, 32, 64, 128].map((channels, index) => ({
    channels,
    kernel: index === 0 ? 4 : 3,
    stride: 2,
    padding: 1,
  })),
  hidden: 256,
  affine: true,
  ...presetPixels,
};

/** Push-T: goals are 25 steps ahead, five blocks, as far as a plan. */
export const pushTRecipe: PlanningRecipe = {
  name: 'push-t',
  imageSize,
  actionSize: 2 * blockSteps,
  recordings: 4000,
  record: async ({ seed, count }) => recordPushes({ seed, count, imageSize }),
  fit: {
    steps: 2500,
    frameSkip: blockSteps,
    clipFrames: 6,
    clips: 32,
    contextFrames: 2,
    encoder,
    embeddingSize: 96,
    training: spreadTraining,
  },
  imitationFrames: 8,
  oracleEpisodes: 20,
  task: async (options) => ({
    world: new PushT({ imageSize }),
    episodes: pushTEpisodes(options),
    blockSteps,
    oracleCost: 'arrival',
    planner: { horizon: 5, repeat: blockSteps, sharedNoise: 0.5 },
  }),
};
