import { type Tensor, tensor } from '../tensor/index.js';
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

/** Mean squared distances [N] of imagined futures [N, K, D] to the embedding [D] of a goal: of their ends, or along the path. */
export function distancesToGoal(
  futures: Float32Array,
  count: number,
  goal: Float32Array,
  by: 'latent' | 'path',
): Float32Array {
  const size = futures.length / count;
  const counted = by === 'path' ? size : goal.length;
  return Float32Array.from({ length: count }, (_, index) => {
    const path = futures.subarray((index + 1) * size - counted, (index + 1) * size);
    return path.reduce((total, value, i) => total + (value - goal[i % goal.length]) ** 2, 0) / counted;
  });
}

/** The ends of imagined futures [N, K, D] and, beside each, the embedding [D] of the goal: [N, D] both. */
export function besideGoal(
  futures: Float32Array,
  count: number,
  goal: Float32Array,
): [outcomes: Tensor, goals: Tensor] {
  const [size, width] = [futures.length / count, goal.length];
  const shape = [count, width];
  const outcomes = Float32Array.from(
    { length: count * width },
    (_, at) => futures[(Math.floor(at / width) + 1) * size - width + (at % width)],
  );
  return [
    tensor(outcomes, { shape }),
    tensor(
      outcomes.map((_, at) => goal[at % width]),
      { shape },
    ),
  ];
}
