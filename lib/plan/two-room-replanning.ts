import { checkOptions } from '../io/options.js';
import type { WorldModel } from '../world-model/world-model.js';
import { simulatorOracle } from '../worlds/two-room/oracle.js';
import { goalPairs, type Policy, randomActions, successRate } from '../worlds/two-room/protocol.js';
import { type TwoRoomBatch, twoRoomTrainingBatch } from '../worlds/two-room/training.js';
import { trainImitation } from './imitation.js';
import { imageSize, planEpisodes, policyEpisodes, walkEpisodes } from './two-room-episodes.js';

export interface ReplanningOptions {
  readonly seed: number;
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: 'validation' | 'test';
  /** Pairs of start and goal (default 100). */
  readonly pairs?: number;
  /** Training steps of the imitation row (default 300). */
  readonly imitationSteps?: number;
  readonly signal?: AbortSignal;
}

/** Successes in percent by how often the plan is made anew: after a block, after two, or never. */
export interface ReplanningRow {
  readonly every: number;
  readonly everySecond: number;
  readonly never: number;
}

/** Who decides: those that do not plan have one rate. Replanning hides a model that ranks plans badly; a plan carried out to its end does not. */
export interface ReplanningResults {
  readonly episodes: number;
  readonly random: number;
  readonly imitation: number;
  readonly cem: ReplanningRow;
  /** The same search on the true simulator with straight-line distance. */
  readonly oracle: ReplanningRow;
}

/**
 * Planning in Two-Room beside random actions, imitation of the training data, and the true simulator, with replanning after each
 * block of five actions, after two, and never (a plan is 25 steps, as far as the goal lies ahead).
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED by the signal
 * @example const { cem, imitation } = await evaluateReplanning(model, { seed: 7, split: 'test' });
 */
export async function evaluateReplanning(model: WorldModel, options: ReplanningOptions): Promise<ReplanningResults> {
  const name = 'evaluateReplanning';
  checkOptions(name, options, ['seed', 'split', 'pairs', 'imitationSteps', 'signal']);
  const { seed, split, pairs: count = 100, imitationSteps: steps, signal } = options;
  const pairs = goalPairs({ split, seed, count });
  const rate = (first: Int32Array): number => 100 * successRate(first);
  const walked = (policy: Policy): Promise<Int32Array> => policyEpisodes(name, pairs, policy, signal);
  const row = async (of: (replanEvery: number) => Promise<Int32Array>): Promise<ReplanningRow> => ({
    every: rate(await of(1)),
    everySecond: rate(await of(2)),
    never: rate(await of(Number.POSITIVE_INFINITY)),
  });
  const cloned = await trainImitation(model, batchesOf(seed), { seed, steps, signal });
  const imitation = rate(await walkEpisodes(pairs, cloned.decide, signal).finally(() => cloned.dispose()));
  return {
    episodes: pairs.count,
    random: rate(await walked(randomActions(seed))),
    imitation,
    cem: await row(async (replanEvery) => (await planEpisodes(model, pairs, seed, { replanEvery, signal })).first),
    oracle: await row(async (replanEvery) => walked(simulatorOracle(seed, replanEvery))),
  };
}

/** What the model was trained on, in longer clips: goals in hindsight are up to 25 steps ahead. */
function* batchesOf(seed: number): Generator<TwoRoomBatch> {
  for (let index = 0; ; index++) yield twoRoomTrainingBatch({ seed, clips: 32, frames: 6, imageSize }, index);
}
