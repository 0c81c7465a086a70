import type { Episodes } from '../data/episodes.js';
import { checkOptions } from '../io/options.js';
import type { TrainingEvent } from '../train/events.js';
import type { FitEpisodesOptions } from '../world-model/fit.js';
import { WorldModel } from '../world-model/world-model.js';
import type { GoalEpisodesOptions } from '../worlds/goal-environment.js';
import {
  type EvaluatePlanningOptions,
  evaluatePlanning,
  type PlanningRows,
  type PlanningTask,
} from './evaluate-planning.js';
import { planGoalEpisodes, playGoalEpisodes, successShare } from './goal-episodes.js';
import { expectWhole } from './settings.js';
import { simulatorBlocks } from './simulator-blocks.js';

/** How a model of a world is made, and how one plans with it. */
export interface PlanningRecipe {
  readonly name: string;
  /** px of the pictures, and numbers of the model's action, a block of the world's. */
  readonly imageSize: number;
  readonly actionSize: number;
  /** Episodes that are recorded, and the recording of so many. */
  readonly recordings: number;
  readonly record: (options: {
    readonly seed: number;
    readonly count: number;
    readonly signal?: AbortSignal;
  }) => Promise<Episodes>;
  /** How the model learns from them: options of `WorldModel.fit`, or a training in stages. */
  readonly fit: (Omit<FitEpisodesOptions, 'seed' | 'signal' | 'onEvent'> & { readonly steps: number }) | StagedTraining;
  /** Frames of the clips that imitation learns from. */
  readonly imitationFrames: number;
  /** Episodes that the search on the true simulator plays, the first ones: a simulator may be slow (default: all). */
  readonly oracleEpisodes?: number;
  /** The world, episodes of it, and the search. */
  readonly task: (options: GoalEpisodesOptions) => Promise<PlanningTask>;
}

/** Where one objective from beginning to end does not do. */
export interface StagedTraining {
  /** Of all stages together, as its events count them. */
  readonly steps: number;
  readonly train: (recordings: Episodes, options: StagedTrainingOptions) => Promise<WorldModel>;
}

export type StagedTrainingOptions = Pick<TrainRecipeOptions, 'seed' | 'signal' | 'onEvent'> & {
  readonly steps: number;
};

export interface TrainRecipeOptions {
  readonly seed: number;
  /** Steps of training, and recorded episodes, other than the recipe's. */
  readonly steps?: number;
  readonly recordings?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/**
 * A world model made as a recipe says.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED; ERR_JEPA_MISSING_PEER if the world needs a physics engine
 * @example
 * const model = await trainRecipe(pendulumRecipe, { seed: 7 });
 * const { rows } = await evaluateRecipe(pendulumRecipe, model, { seed: 7, split: 'test', episodes: 50 });
 */
export async function trainRecipe(recipe: PlanningRecipe, options: TrainRecipeOptions): Promise<WorldModel> {
  checkOptions('trainRecipe', options, ['seed', 'steps', 'recordings', 'signal', 'onEvent']);
  const { seed, steps = recipe.fit.steps, recordings: count = recipe.recordings, signal, onEvent } = options;
  expectWhole('trainRecipe', { steps, recordings: count });
  const recordings = await recipe.record({ seed, count, signal });
  const training = { steps, seed, signal, onEvent };
  const { fit } = recipe;
  return 'train' in fit ? fit.train(recordings, training) : WorldModel.fit(recordings, { ...fit, ...training });
}

export interface EvaluateRecipeOptions {
  readonly seed: number;
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: 'validation' | 'test';
  /** Episodes (default 50). */
  readonly episodes?: number;
  /** Also rows with rarer replanning (default false). */
  readonly replanning?: boolean;
  /** Recorded episodes that imitation learns from (default: the recipe's, as the model), and its steps of training. */
  readonly recordings?: number;
  readonly imitationSteps?: number;
  readonly signal?: AbortSignal;
}

/** The planner with the model, and the same kind of search on the true simulator. */
export type ReplanningShares = Pick<PlanningRows, 'model' | 'oracle'>;

export interface RecipeResults {
  readonly rows: PlanningRows;
  /** By how often the plan is made anew: after each block, after two, or never. Replanning hides a model that ranks plans badly. */
  readonly replanning?: {
    readonly every: ReplanningShares;
    readonly everySecond?: ReplanningShares;
    readonly never: ReplanningShares;
  };
}

/**
 * Planning with a model of the recipe beside random actions, imitation of the recordings, and the true simulator.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED; ERR_JEPA_MISSING_PEER
 */
export async function evaluateRecipe(
  recipe: PlanningRecipe,
  model: WorldModel,
  options: EvaluateRecipeOptions,
): Promise<RecipeResults> {
  const optional = ['episodes', 'replanning', 'recordings', 'imitationSteps', 'signal'];
  checkOptions('evaluateRecipe', options, ['seed', 'split', ...optional]);
  const { seed, split, episodes: count = 50, replanning = false, imitationSteps, signal } = options;
  const { recordings = recipe.recordings } = options;
  expectWhole('evaluateRecipe', { episodes: count, recordings });
  const task = await recipe.task({ split, seed, count });
  try {
    const rows = await evaluatePlanning(model, task, {
      seed,
      recordings: await recipe.record({ seed, count: recordings, signal }),
      clipFrames: recipe.imitationFrames,
      imitationSteps,
      oracleEpisodes: recipe.oracleEpisodes,
      signal,
    });
    if (!replanning) return { rows };
    const rarer = (replanEvery: number) =>
      sharesOf(model, { ...task, replanEvery }, { seed, oracleEpisodes: recipe.oracleEpisodes, signal });
    const { model: every, oracle } = rows;
    // A plan of one block has no second one to carry out.
    const everySecond = (task.planner.horizon ?? 5) > 1 ? await rarer(2) : undefined;
    const never = await rarer(Number.POSITIVE_INFINITY);
    return { rows, replanning: { every: { model: every, oracle }, ...(everySecond ? { everySecond } : {}), never } };
  } finally {
    task.world.close?.();
  }
}

async function sharesOf(
  model: WorldModel,
  task: PlanningTask,
  { seed, oracleEpisodes, signal }: Pick<EvaluatePlanningOptions, 'seed' | 'oracleEpisodes' | 'signal'>,
): Promise<ReplanningShares> {
  const { world, episodes, blockSteps, planner, replanEvery, leastHorizon } = task;
  const { contextFrames } = model.config;
  const planning = { blockSteps, planner: { ...planner, seed }, replanEvery, leastHorizon, signal };
  const planned = await planGoalEpisodes(model, world, episodes, planning);
  const decide = simulatorBlocks(task, seed);
  const searched = await playGoalEpisodes(world, episodes.slice(0, oracleEpisodes), decide, contextFrames, {
    blockSteps,
    signal,
  });
  return { model: successShare(planned.first), oracle: successShare(searched) };
}
