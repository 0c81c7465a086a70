import { pi } from '../arithmetic.js';
import type { GoalEpisode, GoalEpisodesOptions } from '../goal-environment.js';
import { Random } from '../random.js';

/** Steps at rest in which a model with a memory sees that nothing moves yet. */
const stillSteps = 8;

export interface PendulumEpisodesOptions extends GoalEpisodesOptions {
  /** 'swing up' from hanging, within 10 s: for a motor that must swing to and fro; or to 'hold' any angle, within 5 s: for a strong one. */
  readonly task: 'swing up' | 'hold';
}

/**
 * Episodes of an evaluation: the rod hangs nearly still at first.
 * @example const episodes = pendulum.pendulumEpisodes({ task: 'hold', split: 'test', seed: 0, count: 50 });
 */
export function pendulumEpisodes({ task, split, seed, count }: PendulumEpisodesOptions): GoalEpisode[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new Random(seed, `pendulum ${task} ${split} ${index}`);
    const hanging = pi + random.uniform(-0.2, 0.2);
    const goal = task === 'swing up' ? 0 : random.uniform(-pi, pi);
    return {
      reset: { options: { state: [hanging, 0], goal } },
      before: new Float32Array(stillSteps),
      budget: task === 'swing up' ? 200 : 100,
    };
  });
}
