import type { RankedChoice } from '../world-model/confidence.js';
import { checkFinite, invalid } from './expect.js';
import { averageRanks, mean, spearman } from './statistics.js';

/** How well a scorer orders candidates; means over the choices in which a figure is defined. */
export interface RankingScores {
  /** {@link pairwiseAuc}: 0.5 is chance, 1 is perfect. */
  readonly auc: number;
  /** {@link topRegret} of all choices over that of choosing at random: 0 is perfect, 1 is chance. */
  readonly regret: number;
  /** {@link topRegret}, mean over choices, in units of the costs. */
  readonly regretCost: number;
  /** Rank correlation of predicted and true costs. */
  readonly spearman: number;
  /** {@link eliteSpearman}. */
  readonly eliteSpearman: number;
}

export interface RankingOptions {
  /** Pairs whose true costs differ by no more do not count in the AUC (default 0). */
  readonly margin?: number;
  /** Candidates of the elite stage (default: half of them, rounded up). */
  readonly elites?: number;
}

/**
 * Share of pairs that `predicted` orders as the true costs do, over pairs that differ by more than `margin`; ties in `predicted` count
 * one half, so that a constant has 0.5. NaN without such pairs.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for lists of different lengths, no numbers, or values that are not finite
 * @example pairwiseAuc([1, 3, 2], [0.1, 0.2, 0.9]); // 2 of 3
 */
export function pairwiseAuc(predicted: ArrayLike<number>, truth: ArrayLike<number>, margin = 0): number {
  checkChoice('pairwiseAuc', predicted, truth);
  if (!(margin >= 0)) throw invalid('pairwiseAuc', 'a margin of 0 or more', `${margin}`);
  let right = 0;
  let pairs = 0;
  for (let i = 0; i < truth.length; i++) {
    for (let j = 0; j < truth.length; j++) {
      if (!(truth[i] < truth[j] - margin)) continue;
      pairs++;
      right += predicted[i] < predicted[j] ? 1 : predicted[i] === predicted[j] ? 0.5 : 0;
    }
  }
  return right / pairs;
}

/**
 * What it costs to take the candidate that looks best: its true cost less the lowest true cost. Where several look equally good, the mean
 * of theirs.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT as {@link pairwiseAuc}
 * @example topRegret([0.2, 0.1], [0, 0.5]); // 0.5
 */
export function topRegret(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  checkChoice('topRegret', predicted, truth);
  const least = lowest(predicted);
  const chosen = Array.from(truth).filter((_, index) => predicted[index] === least);
  return mean(chosen) - lowest(truth);
}

/**
 * Spearman's rank correlation among the `elites` candidates that look best (ties: the earlier ones): those that a sampling planner such as
 * CEM goes on with, where large differences no longer help. NaN where either side does not vary among them.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT as {@link pairwiseAuc}, and for a number of elites that is none
 */
export function eliteSpearman(predicted: ArrayLike<number>, truth: ArrayLike<number>, elites: number): number {
  checkChoice('eliteSpearman', predicted, truth);
  if (!Number.isInteger(elites) || elites < 2 || elites > truth.length)
    throw invalid('eliteSpearman', `2 to ${truth.length} elites`, `${elites}`);
  const best = Array.from(averageRanks(predicted).entries())
    .sort(([i, a], [j, b]) => a - b || i - j)
    .slice(0, elites)
    .map(([index]) => index);
  return spearman(
    best.map((index) => predicted[index]),
    best.map((index) => truth[index]),
  );
}

/**
 * All measures of a scorer over many choices.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT as {@link pairwiseAuc}
 * @example
 * const { auc, regret } = rankingScores([{ predicted: [1, 2, 3], truth: [0.1, 0.4, 0.3] }], { margin: 0.05 });
 */
export function rankingScores(choices: readonly RankedChoice[], options: RankingOptions = {}): RankingScores {
  if (choices.length === 0) throw invalid('rankingScores', 'at least one choice', 'none');
  const { margin = 0, elites = Math.max(2, Math.ceil(choices[0].truth.length / 2)) } = options;
  const regrets = choices.map(({ predicted, truth }) => topRegret(predicted, truth));
  const chance = choices.map(({ truth }) => mean(truth) - lowest(truth));
  return {
    auc: meanDefined(choices.map(({ predicted, truth }) => pairwiseAuc(predicted, truth, margin))),
    regret: mean(regrets) / mean(chance),
    regretCost: mean(regrets),
    spearman: meanDefined(choices.map(({ predicted, truth }) => spearman(predicted, truth))),
    eliteSpearman: meanDefined(choices.map(({ predicted, truth }) => eliteSpearman(predicted, truth, elites))),
  };
}

const meanDefined = (values: readonly number[]): number => mean(values.filter((value) => !Number.isNaN(value)));

function lowest(values: ArrayLike<number>): number {
  let least = values[0];
  for (let i = 1; i < values.length; i++) least = Math.min(least, values[i]);
  return least;
}

function checkChoice(where: string, predicted: ArrayLike<number>, truth: ArrayLike<number>): void {
  if (predicted.length !== truth.length || truth.length === 0)
    throw invalid(where, 'as many true as predicted costs, at least one', `${truth.length} and ${predicted.length}`);
  checkFinite(where, predicted);
  checkFinite(where, truth);
}
