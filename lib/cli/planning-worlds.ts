import { bucketRecipe } from '../plan/bucket-model.js';
import { pendulumRecipe } from '../plan/pendulum-model.js';
import { evaluatePldmTwoRoom, trainPldmTwoRoom } from '../plan/pldm-two-room.js';
import { pushTRecipe } from '../plan/push-t-model.js';
import { evaluateRecipe, type PlanningRecipe, trainRecipe } from '../plan/recipe.js';
import { planTimes } from '../plan/time.js';
import { evaluateTwoRoom, trainTwoRoom } from '../plan/two-room.js';
import { imageSize } from '../plan/two-room-episodes.js';
import type { TrainTwoRoomOptions } from '../plan/two-room-model.js';
import { evaluateReplanning } from '../plan/two-room-replanning.js';
import type { WorldModel } from '../world-model/world-model.js';
import { worldSize } from '../worlds/pldm-two-room/room.js';
import { frameSkip } from '../worlds/two-room/training.js';
import type { Progress } from './progress.js';

export interface Evaluation {
  readonly seed: number;
  readonly episodes: number;
  readonly replanning: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A world to plan in: what its models see and do, how one is trained, and what is measured. */
export interface PlanningWorld {
  readonly title: string;
  /** px of square pictures, and numbers of an action. */
  readonly imageSize: number;
  readonly actionSize: number;
  /** Whether there are rows of rarer replanning. */
  readonly replans: boolean;
  readonly train: (seed: number, options: TrainTwoRoomOptions) => Promise<WorldModel>;
  readonly evaluate: (model: WorldModel, options: Evaluation) => Promise<object>;
}

export const planningWorlds: Readonly<Record<string, PlanningWorld>> = {
  'two-room': {
    title: 'Two-Room',
    imageSize,
    actionSize: 2 * frameSkip,
    replans: true,
    train: trainTwoRoom,
    async evaluate(model, { seed, episodes, replanning, progress, signal }) {
      const rates = await evaluateTwoRoom(model, {
        seed,
        split: 'test',
        ownPairs: episodes,
        hardPairs: Math.min(episodes, 100),
        published: false,
        signal,
        onEpisode: (over, all) => progress.update(`planning: episode ${over}/${all}`),
      });
      if (!replanning) return rates;
      return {
        ...rates,
        replanning: await evaluateReplanning(model, { seed, split: 'test', pairs: episodes, signal }),
      };
    },
  },
  'pldm-two-room': {
    title: "PLDM's Two-Room",
    imageSize: worldSize,
    actionSize: 2 * frameSkip,
    replans: false,
    train: trainPldmTwoRoom,
    async evaluate(model, { seed, episodes, progress, signal }) {
      progress.update('planning, and the rows beside it');
      const rows = await evaluatePldmTwoRoom(model, { seed, split: 'test', episodes, signal });
      const { random, imitation, model: planned, straight, oracle } = rows;
      return { pldmTwoRoom: { random, imitation, model: planned, straight, oracle, episodes: rows.first.length } };
    },
  },
  'push-t': ofRecipe('pushT', 'Push-T', pushTRecipe),
  pendulum: ofRecipe('pendulum', 'the pendulum', pendulumRecipe),
  bucket: ofRecipe('bucket', 'the bucket', bucketRecipe),
};

/** @param key under which its results stand */
function ofRecipe(key: string, title: string, recipe: PlanningRecipe): PlanningWorld {
  return {
    title,
    imageSize: recipe.imageSize,
    actionSize: recipe.actionSize,
    replans: true,
    train: (seed, options) => trainRecipe(recipe, { seed, ...options }),
    async evaluate(model, { seed, episodes, replanning, progress, signal }) {
      progress.update('planning, and the rows beside it');
      const results = await evaluateRecipe(recipe, model, { seed, split: 'test', episodes, replanning, signal });
      const { random, imitation, model: planned, oracle, first, planMilliseconds } = results.rows;
      return {
        [key]: {
          random,
          imitation,
          model: planned,
          oracle,
          episodes: first.length,
          planMilliseconds: planTimes(planMilliseconds),
        },
        ...(results.replanning ? { replanning: results.replanning } : {}),
      };
    },
  };
}
