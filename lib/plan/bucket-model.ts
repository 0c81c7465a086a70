import { Bucket, throwSteps } from '../worlds/bucket/environment.js';
import { bucketEpisodes, recordThrows } from '../worlds/bucket/episodes.js';
import { imageSize } from '../worlds/physics/layout.js';
import type { BoxSpace } from '../worlds/space.js';
import type { PlanningRecipe } from './recipe.js';

/** Numbers of a block: the throw, then nothing that has an effect. */
const actionSize = 2 * throwSteps;

/** Throws into the bucket: the model sees the ball before a throw and where it ends, so a plan is one block. */
export const bucketRecipe: PlanningRecipe = {
  name: 'bucket',
  imageSize,
  actionSize,
  recordings: 1500,
  // A frame of a clip is followed by a whole block of recorded ones.
  record: ({ seed, count }) => recordThrows({ seed, count, frames: 2 * throwSteps }),
  fit: {
    steps: 700,
    frameSkip: throwSteps,
    clipFrames: 2,
    clips: 64,
    contextFrames: 1,
    predictor: 'markov',
    training: {
      // The regulariser over time keeps the ball: what stands still, the bucket, is easier to predict.
      objective: {
        firstTarget: 1,
        rollout: 0,
        sigreg: 0.1,
        temporalSigreg: 4,
        variance: 1,
        covariance: 0.1,
        inverseDynamics: 0,
      },
      learningRate: 2e-3,
    },
  },
  imitationFrames: 2,
  async task(options) {
    const world = await Bucket.create();
    const { low, high } = world.actionSpace as BoxSpace;
    const throwOf = (side: number | readonly number[]) =>
      Array.from({ length: actionSize }, (_, at) => (at < 2 ? [side].flat()[at] : 0));
    return {
      world,
      episodes: bucketEpisodes(options),
      blockSteps: throwSteps,
      oracleCost: 'steps',
      planner: { horizon: 1, numSamples: 256, numElites: 16, bounds: [throwOf(low), throwOf(high)], std: 2.5 },
    };
  },
};
