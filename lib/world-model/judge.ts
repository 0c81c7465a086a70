import { JepaError } from '../errors.js';
import { type Tensor, tensor } from '../tensor/index.js';
import { batched, chunkClips } from './batched.js';
import { bestProbabilities } from './confidence.js';
import { expectJudge, expectTensor } from './expect.js';
import type { Inference } from './inference.js';
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

/**
 * Costs [N] of candidate plans [N, T, A] from the embeddings [1, c, D] of the seen frames to the embedding [D] of the goal.
 * @param critic the model's program of its own critic
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_CONFIG for the critic of a model without one
 */
export async function planCosts(
  world: WorldModel,
  critic: Inference['critic'],
  seen: Tensor,
  candidates: Tensor,
  goal: Float32Array,
  { by = 'latent', signal }: { readonly by?: Judge; readonly signal?: AbortSignal },
): Promise<Float32Array> {
  if (typeof by !== 'object') expectJudge(by, world.network.critic !== undefined);
  const width = world.config.embeddingSize;
  expectTensor('embeddings of seen frames', seen);
  expectTensor('candidates', candidates);
  if (goal?.length !== width)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected the embedding [${width}] of one goal, got ${goal?.length ?? 'no'} values`,
    );
  if (typeof by === 'object') return by.costs(world, seen, candidates, goal, { signal });
  const [count] = candidates.shape;
  const context = seen.shape[1];
  const start = (await seen.data()) as Float32Array;
  const known = new Float32Array(count * context * width);
  for (let index = 0; index < count; index++) known.set(start, index * start.length);
  const repeated = tensor(known, { shape: [count, context, width] });
  const { embeddings } = await world.imagine(repeated, candidates, { signal, context });
  const future = (await embeddings.data()) as Float32Array;
  if (by !== 'critic') return distancesToGoal(future, count, goal, by);
  const { cost } = await batched(
    (a, b) => critic.call({ signal }, a, b),
    besideGoal(future, count, goal),
    8 * chunkClips,
    signal,
  );
  return (await cost.data()) as Float32Array;
}

/** Candidates by cost, lowest first, the earlier of equals first. @param temperature of the confidences; without it there are none */
export function inOrder(costs: Float32Array, temperature?: number): RankedAction[] {
  const confidence = temperature === undefined ? undefined : bestProbabilities(costs, temperature);
  return [...costs]
    .map((cost, index) => ({ index, cost, ...(confidence ? { confidence: confidence[index] } : {}) }))
    .sort((a, b) => a.cost - b.cost || a.index - b.index);
}

/** Mean squared distances [N] of imagined futures [N, K, D] to the embedding [D] of a goal: of their ends, or along the path. */
function distancesToGoal(
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
function besideGoal(futures: Float32Array, count: number, goal: Float32Array): [outcomes: Tensor, goals: Tensor] {
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
