import type { Tensor } from '../tensor/index.js';
import { bestProbabilities } from './confidence.js';
import type { WorldModel } from './world-model.js';

export interface RankedAction {
  /** Row of the candidate. */
  readonly index: number;
  /** Mean squared distance in representation space, or what the critic expects; lower is better. */
  readonly cost: number;
  /** How likely it is the best of the candidates, where a temperature is known: that of a {@link RankingCritic}, or one given. */
  readonly confidence?: number;
}

/** What orders plans: a distance in representation space at the end or along the path, the critic trained in passing, or a judge of its own. */
export type Judge = 'latent' | 'path' | 'critic' | PlanJudge;

/** Judges plans by what a model imagines of them; {@link RankingCritic} is one. */
export interface PlanJudge {
  /** Of its confidences: see {@link bestProbabilities}. */
  readonly temperature?: number;
  /** @param seen [1, c, D]   @param candidates [N, T, A]   @param goal [D]   @returns costs [N], lower is better */
  costs(
    world: WorldModel,
    seen: Tensor,
    candidates: Tensor,
    goal: Float32Array,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
}

/** Candidates by cost, lowest first, the earlier of equals first. @param temperature of the confidences; without it there are none */
export function inOrder(costs: Float32Array, temperature?: number): RankedAction[] {
  const confidence = temperature === undefined ? undefined : bestProbabilities(costs, temperature);
  return [...costs]
    .map((cost, index) => ({ index, cost, ...(confidence ? { confidence: confidence[index] } : {}) }))
    .sort((a, b) => a.cost - b.cost || a.index - b.index);
}
