import { checkOptions } from '../io/options.js';
import { type Tensor, tensor } from '../tensor/index.js';
import { bestProbabilities, type RankedChoice } from '../world-model/confidence.js';
import type { RankingCritic } from '../world-model/critic.js';
import type { WorldModel } from '../world-model/world-model.js';
import { candidateForcePlans } from '../worlds/physics/evaluation.js';
import { actionSize } from '../worlds/physics/layout.js';
import type { Split } from '../worlds/physics/seeds.js';
import { Random } from '../worlds/random.js';
import type { PixelAutoencoder } from './autoencoder.js';
import { type EmbeddedClips, embed, embedTrainingClips } from './embedded.js';
import { imitationCosts } from './imitation.js';
import { expectPhysicsModel } from './physics-model.js';
import { type RankingScores, rankingScores } from './ranking.js';
import { type Reliability, reliability } from './reliability.js';

/** Who orders the plans, from floors to judges; those after `latent` and `pixel` only where there are such ones. */
export const rankScorers = ['random', 'imitation', 'pixel', 'latent', 'critic', 'rankingCritic'] as const;
export type RankScorer = (typeof rankScorers)[number];

export interface ActionRankResults {
  /** Share of pairs of plans, 5 cm or more apart in true cost, that the distance to the goal's embedding orders rightly. */
  readonly auc: number;
  /** The same by the ranking critic, without one by the critic trained in passing; NaN for a model without either. */
  readonly aucCritic: number;
  /** Rank correlation of latent and true cost over the plans of a start, mean over starts. */
  readonly spearman: number;
  /** Plans ordered by how likely a policy cloned from the training clips would take them. */
  readonly imitation: number;
  /** The autoencoder's drawing of the imagined end against the goal's pixels. */
  readonly pixel: number;
  /** Chance. */
  readonly random: number;
  /** Every measure of every scorer. */
  readonly scorers: Readonly<Partial<Record<RankScorer, RankingScores>>>;
  /** Whether the ranking critic's confidence in what it puts first is what it says, every plan's outcome being a goal in turn. */
  readonly confidence?: Reliability;
}

const margin = 0.05; // m
const trainingClips = 1500;

export interface RankEvaluationOptions {
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: Exclude<Split, 'train'>;
  readonly seed: number;
  /** Starts, each with eight plans (default 100). */
  readonly starts?: number;
  /** The rival of the row `pixel`, which is left out without it. */
  readonly autoencoder?: PixelAutoencoder;
  /** Embedded training clips that the policy of the row `imitation` is cloned from (default: 1,500 of the seed). */
  readonly demonstrations?: EmbeddedClips;
  /** The judge of the row `rankingCritic`, which is left out without it. */
  readonly critic?: RankingCritic;
  readonly signal?: AbortSignal;
}

/**
 * Which of two actions is better? Eight plans a start; the goal is the outcome of one of them. The simulator judges: its states make the
 * true costs, and no scorer sees them.
 * @throws JepaError ERR_JEPA_CONFIG for a model of another world, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED, ERR_JEPA_MISSING_PEER without the physics engine
 * @example const { auc, scorers } = await evaluateActionRanking(model, { split: 'validation', seed: 1 });
 */
export async function evaluateActionRanking(
  model: WorldModel,
  options: RankEvaluationOptions,
): Promise<ActionRankResults> {
  const optional = ['starts', 'autoencoder', 'demonstrations', 'critic', 'signal'];
  checkOptions('evaluateActionRanking', options, ['split', 'seed', ...optional]);
  const { split, seed, starts = 100, autoencoder, demonstrations, critic, signal } = options;
  expectPhysicsModel('evaluateActionRanking', model);
  const { plans, clips, costs } = await candidateForcePlans({ split, seed, count: starts, signal });
  const embedded = await embed(model, clips, signal);
  const cloned = demonstrations ?? (await embedTrainingClips(model, seed, trainingClips, signal));
  const likelihoods = await imitationCosts(model, cloned, embedded, signal);
  const drawn =
    autoencoder && (await drawnCosts(autoencoder, clips, await embed(autoencoder.model, clips, signal), plans, signal));
  const random = new Random(seed, 'random ranking');
  const choices: Record<RankScorer, RankedChoice[]> = {
    random: [],
    imitation: [],
    pixel: [],
    latent: [],
    critic: [],
    rankingCritic: [],
  };
  for (let start = 0; start < starts; start++) {
    const goalPlan = start % plans;
    const first = start * plans;
    const truth = Array.from({ length: plans }, (_, plan) => costs[(first + plan) * plans + goalPlan]);
    const { seen, actions, goal } = await question(embedded, first, plans, goalPlan, model.config.contextFrames);
    const judge = (scorer: RankScorer, predicted: ArrayLike<number>): void => {
      choices[scorer].push({ predicted, truth });
    };
    judge(
      'random',
      Array.from({ length: plans }, () => random.uniform()),
    );
    judge('imitation', likelihoods.subarray(first, first + plans));
    if (drawn) judge('pixel', drawn.subarray(first, first + plans));
    judge('latent', await model.planCosts(seen, actions, goal, { signal }));
    if (critic) judge('rankingCritic', await model.planCosts(seen, actions, goal, { by: critic, signal }));
    if (model.network.critic) judge('critic', await model.planCosts(seen, actions, goal, { by: 'critic', signal }));
  }
  const scorers: Partial<Record<RankScorer, RankingScores>> = {};
  for (const scorer of rankScorers)
    if (choices[scorer].length > 0) scorers[scorer] = rankingScores(choices[scorer], { margin });
  const auc = (scorer: RankScorer): number => scorers[scorer]?.auc ?? Number.NaN;
  return {
    auc: auc('latent'),
    aucCritic: auc(critic ? 'rankingCritic' : 'critic'),
    spearman: scorers.latent?.spearman ?? Number.NaN,
    imitation: auc('imitation'),
    pixel: auc('pixel'),
    random: 0.5,
    scorers,
    ...(critic ? { confidence: await confidences(critic, embedded, costs, starts, plans, signal) } : {}),
  };
}

/** How often the critic's first choice is truly the best of its start, beside how sure it was. */
async function confidences(
  critic: RankingCritic,
  clips: EmbeddedClips,
  costs: Float32Array,
  starts: number,
  plans: number,
  signal?: AbortSignal,
): Promise<Reliability> {
  const sure: number[] = [];
  const right: boolean[] = [];
  for (let start = 0; start < starts; start++) {
    for (let goalPlan = 0; goalPlan < plans; goalPlan++) {
      const first = start * plans;
      const { seen, actions, goal } = await question(clips, first, plans, goalPlan, critic.world.config.contextFrames);
      const expected = await critic.costs(critic.world, seen, actions, goal, { signal });
      const probabilities = bestProbabilities(expected, critic.temperature ?? 1);
      const chosen = probabilities.indexOf(Math.max(...probabilities));
      const cost = (plan: number): number => costs[(first + plan) * plans + goalPlan];
      sure.push(probabilities[chosen]);
      right.push(Array.from({ length: plans }, (_, plan) => cost(plan)).every((other) => cost(chosen) <= other));
    }
  }
  return reliability(sure, right);
}

/** What a start's plans are judged from: the frames seen [1, c, D], all plans [N, T, A], and the embedding [D] of the goal. */
async function question(
  { embeddings, actions, frames }: EmbeddedClips,
  first: number,
  plans: number,
  goalPlan: number,
  context: number,
): Promise<{ seen: Tensor; actions: Tensor; goal: Float32Array }> {
  const width = embeddings.shape[2];
  const z = (await embeddings.data()) as Float32Array;
  const taken = (await actions.data()) as Float32Array;
  const size = frames * actionSize;
  const goalFrame = (first + goalPlan + 1) * frames - 1;
  return {
    seen: tensor(z.slice(first * frames * width, (first * frames + context) * width), { shape: [1, context, width] }),
    actions: tensor(taken.slice(first * size, (first + plans) * size), { shape: [plans, frames, actionSize] }),
    goal: z.slice(goalFrame * width, (goalFrame + 1) * width),
  };
}

/** [clips] the autoencoder's drawing of each imagined end against the pixels of its start's goal. */
async function drawnCosts(
  autoencoder: PixelAutoencoder,
  { observations }: { readonly observations: Uint8Array },
  clips: EmbeddedClips,
  plans: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { embeddings } = await autoencoder.model.imagine(clips.embeddings, clips.actions, { signal });
  const [count, steps, width] = embeddings.shape;
  const imagined = (await embeddings.data()) as Float32Array;
  const bytes = observations.length / (count * clips.frames);
  const costs = new Float32Array(count);
  for (let first = 0; first < count; first += plans) {
    const goalFrame = (first + ((first / plans) % plans) + 1) * clips.frames - 1;
    const ends = new Float32Array(plans * width);
    const goals = new Uint8Array(plans * bytes);
    for (let plan = 0; plan < plans; plan++) {
      const end = (first + plan + 1) * steps * width;
      ends.set(imagined.subarray(end - width, end), plan * width);
      goals.set(observations.subarray(goalFrame * bytes, (goalFrame + 1) * bytes), plan * bytes);
    }
    costs.set(await autoencoder.pixelDistances(ends, goals), first);
  }
  return costs;
}
