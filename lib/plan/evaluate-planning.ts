import { clipBatches } from '../data/clips.js';
import type { Episodes } from '../data/episodes.js';
import type { Share } from '../eval/statistics.js';
import { checkOptions } from '../io/options.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { ForeseeableEnvironment, GoalEpisode } from '../worlds/goal-environment.js';
import { Random } from '../worlds/random.js';
import { type BoxSpace, sample } from '../worlds/space.js';
import { type DecideBlock, planGoalEpisodes, playGoalEpisodes, successShare } from './goal-episodes.js';
import { trainImitation } from './imitation.js';
import type { PlannerOptions } from './planner.js';
import { simulatorBlocks } from './simulator-blocks.js';

/** A world with goals, and how one plans in it. */
export interface PlanningTask {
  readonly world: ForeseeableEnvironment<Uint8Array, Float32Array>;
  readonly episodes: readonly GoalEpisode[];
  /** Actions of a block: the model's action is a block of the world's. */
  readonly blockSteps: number;
  readonly planner: PlannerOptions;
  /** Blocks between two plans (default 1); Infinity plans once. */
  readonly replanEvery?: number;
  /** Blocks of a plan when plans are a block shorter each time, as of {@link planGoalEpisodes} (default: the horizon, always). */
  readonly leastHorizon?: number;
  /**
   * What counts of a plan for the oracle: the sum over its blocks (default), over each of its steps, or 'arrival', the end alone of plans that
   * are a block shorter each time, so that the goal is met when a first plan of the whole horizon would meet it.
   */
  readonly oracleCost?: 'sum' | 'steps' | 'arrival';
}

export interface EvaluatePlanningOptions {
  readonly seed: number;
  /** What the imitation row learns from: the recordings that the model was trained on. */
  readonly recordings: Episodes;
  /** Frames of a clip that it learns from (default 8), and its steps of training (default 300). */
  readonly clipFrames?: number;
  readonly imitationSteps?: number;
  /** Episodes that the oracle plays, the first ones (default all): a simulator is slow. */
  readonly oracleEpisodes?: number;
  readonly signal?: AbortSignal;
}

/** Who decides. Shares of episodes in percent, with Wilson's 95 % interval. */
export interface PlanningRows {
  readonly random: Share;
  /** Goal-conditioned behaviour cloning on the model's own embeddings. */
  readonly imitation: Share;
  /** The planner with the model. */
  readonly model: Share;
  /** Cross-entropy search on the true simulator. */
  readonly oracle: Share;
  /** [episodes] step of the planner's success, −1 if never */
  readonly first: Int32Array;
  readonly planMilliseconds: readonly number[];
}

/**
 * Planning in a world with goals beside random actions, imitation of the recordings, and the same kind of search on the true simulator.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
 */
export async function evaluatePlanning(
  model: WorldModel,
  task: PlanningTask,
  options: EvaluatePlanningOptions,
): Promise<PlanningRows> {
  checkOptions('evaluatePlanning', options, [
    'seed',
    'recordings',
    'clipFrames',
    'imitationSteps',
    'oracleEpisodes',
    'signal',
  ]);
  const { seed, recordings, clipFrames = 8, imitationSteps: steps, oracleEpisodes, signal } = options;
  const { world, episodes, blockSteps, planner, replanEvery, leastHorizon } = task;
  const play = async (decide: DecideBlock, which = episodes): Promise<Share> =>
    successShare(await playGoalEpisodes(world, which, decide, model.config.contextFrames, { blockSteps, signal }));
  const planned = await planGoalEpisodes(model, world, episodes, {
    blockSteps,
    planner: { ...planner, seed },
    replanEvery,
    leastHorizon,
    signal,
  });
  const batches = clipBatches(recordings, { frames: clipFrames, frameSkip: blockSteps, seed });
  const imitation = await trainImitation(model, batches, { seed, steps, signal });
  return {
    random: await play(randomBlocks(task, seed)),
    imitation: await play(imitation.decide).finally(() => imitation.dispose()),
    model: successShare(planned.first),
    oracle: await play(simulatorBlocks(task, seed), episodes.slice(0, oracleEpisodes)),
    ...planned,
  };
}

/** Evenly drawn actions, in every step anew. */
function randomBlocks({ world, blockSteps }: PlanningTask, seed: number): DecideBlock {
  const space = world.actionSpace as BoxSpace;
  const [size] = space.shape;
  return ({ block, episode }) => {
    const random = new Random(seed, `random actions ${episode} ${block}`);
    const actions = new Float32Array(size * blockSteps);
    for (let at = 0; at < actions.length; at += size) actions.set(sample(space, random) as Float32Array, at);
    return actions;
  };
}
