import { recordEpisodes } from '../data/record.js';
import { Pendulum } from '../worlds/pendulum/environment.js';
import { pendulumEpisodes } from '../worlds/pendulum/episodes.js';
import type { PlanningRecipe } from './recipe.js';
import { spreadTraining } from './spread-objective.js';

/** N·m: strong enough to hold the rod at any angle. */
const torque = 6;
/** Actions of a block: a tenth of a second. */
const blockSteps = 2;

/** The pendulum, to be held at any angle. */
export const pendulumRecipe: PlanningRecipe = {
  name: 'pendulum',
  imageSize: 32,
  actionSize: blockSteps,
  recordings: 600,
  record: ({ count, ...options }) =>
    recordEpisodes(new Pendulum({ torque }), { ...options, episodes: count, frames: 64 }),
  fit: {
    steps: 1000,
    frameSkip: blockSteps,
    clipFrames: 12,
    contextFrames: 2,
    training: spreadTraining,
  },
  imitationFrames: 8,
  task: async (options) => ({
    world: new Pendulum({ torque }),
    episodes: pendulumEpisodes({ task: 'hold', ...options }),
    blockSteps,
    planner: { horizon: 8, bounds: [-torque, torque], std: torque / 2, repeat: blockSteps, sharedNoise: 0.5 },
  }),
};
