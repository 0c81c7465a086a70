import { tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import { candidateForcePlans } from '../worlds/physics/evaluation.js';
import { actionSize } from '../worlds/physics/layout.js';
import type { Split } from '../worlds/physics/seeds.js';
import type { PixelAutoencoder } from './autoencoder.js';
import { type EmbeddedClips, embed } from './embedded.js';
import { fitRidge, predictLinear } from './ridge.js';
import { mean, orderedPairs, spearman } from './statistics.js';

export interface ActionRankResults {
  /** Share of pairs of plans, 5 cm or more apart in true cost, that the distance to the goal's embedding orders rightly. */
  readonly auc: number;
  /** The same by the critic's read-out; NaN for a model without one. */
  readonly aucCritic: number;
  /** Rank correlation of latent and true cost over the plans of a start, mean over starts. */
  readonly spearman: number;
  /** Plans ordered by how likely a policy cloned from the training clips would take them. */
  readonly imitation: number;
  /** The autoencoder's drawing of the imagined end against the goal's pixels. */
  readonly pixel: number;
  /** Chance. */
  readonly random: number;
}

const margin = 0.05; // m

interface Options {
  readonly split: Split;
  readonly seed: number;
  readonly starts: number;
  readonly signal?: AbortSignal;
}

/** Which of two actions is better? Eight plans a start; the goal is the outcome of one of them. */
export async function evaluateActionRanking(
  model: WorldModel,
  autoencoder: PixelAutoencoder,
  demonstrations: EmbeddedClips,
  { split, seed, starts, signal }: Options,
): Promise<ActionRankResults> {
  const { plans, clips, costs } = await candidateForcePlans({ split, seed, count: starts, signal });
  const embedded = await embed(model, clips, signal);
  const rival = await embed(autoencoder.model, clips, signal);
  const likelihoods = await imitationCosts(model, demonstrations, embedded, signal);
  const scores = {
    latent: [] as number[],
    critic: [] as number[],
    imitation: [] as number[],
    pixel: [] as number[],
    spearman: [] as number[],
  };
  const context = model.config.contextFrames;
  const [frames, width] = [clips.frames, model.config.embeddingSize];
  const z = (await embedded.embeddings.data()) as Float32Array;
  const imaginedPixels = await lastImagined(autoencoder.model, rival, signal);
  const frameBytes = clips.observations.length / (clips.clips * frames);
  for (let start = 0; start < starts; start++) {
    const goalPlan = start % plans;
    const first = start * plans;
    const truth = Array.from({ length: plans }, (_, plan) => costs[(start * plans + plan) * plans + goalPlan]);
    const seen = tensor(z.slice(first * frames * width, (first * frames + context) * width), {
      shape: [1, context, width],
    });
    const goalFrame = (first + goalPlan) * frames + frames - 1;
    const goal = z.slice(goalFrame * width, (goalFrame + 1) * width);
    const actions = tensor(clips.actions.slice(first * frames * actionSize, (first + plans) * frames * actionSize), {
      shape: [plans, frames, actionSize],
    });
    const latent = await model.planCosts(seen, actions, goal, { signal });
    const critic = model.network.critic && (await model.planCosts(seen, actions, goal, { by: 'critic', signal }));
    const goalPixels = clips.observations.subarray(goalFrame * frameBytes, (goalFrame + 1) * frameBytes);
    const repeated = new Uint8Array(plans * frameBytes);
    for (let plan = 0; plan < plans; plan++) repeated.set(goalPixels, plan * frameBytes);
    const pixel = await autoencoder.pixelDistances(
      imaginedPixels.slice(first * width, (first + plans) * width),
      repeated,
    );
    scores.latent.push(orderedPairs(latent, truth, margin));
    if (critic) scores.critic.push(orderedPairs(critic, truth, margin));
    scores.imitation.push(orderedPairs(likelihoods.subarray(first, first + plans), truth, margin));
    scores.pixel.push(orderedPairs(pixel, truth, margin));
    scores.spearman.push(spearman(latent, truth));
  }
  const average = (values: readonly number[]): number => mean(values.filter((value) => !Number.isNaN(value)));
  return {
    auc: average(scores.latent),
    aucCritic: average(scores.critic),
    spearman: average(scores.spearman),
    imitation: average(scores.imitation),
    pixel: average(scores.pixel),
    random: 0.5,
  };
}

/** [clips, D] the embedding imagined for the last frame. */
async function lastImagined(model: WorldModel, clips: EmbeddedClips, signal?: AbortSignal): Promise<Float32Array> {
  const { embeddings } = await model.imagine(clips.embeddings, clips.actions, { signal });
  const [count, steps, width] = embeddings.shape;
  const data = (await embeddings.data()) as Float32Array;
  const last = new Float32Array(count * width);
  for (let clip = 0; clip < count; clip++)
    last.set(data.subarray(((clip + 1) * steps - 1) * width, (clip + 1) * steps * width), clip * width);
  return last;
}

/**
 * Behaviour cloning: a Gaussian policy whose mean force is linear in the predictor's state at the last seen frame, fitted to the
 * demonstrations. @returns −log-likelihood of each plan, up to constants
 */
async function imitationCosts(
  model: WorldModel,
  demonstrations: EmbeddedClips,
  clips: EmbeddedClips,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const context = model.config.contextFrames;
  const features = async (set: EmbeddedClips): Promise<{ rows: Float32Array; width: number }> => {
    const { states } = await model.states(set.embeddings, set.actions, { signal });
    const [count, frames, width] = states.shape;
    const data = (await states.data()) as Float32Array;
    const rows = new Float32Array(count * width);
    for (let clip = 0; clip < count; clip++)
      rows.set(data.subarray((clip * frames + context - 1) * width, (clip * frames + context) * width), clip * width);
    return { rows, width };
  };
  const future = async (set: EmbeddedClips): Promise<Float32Array> => {
    const actions = (await set.actions.data()) as Float32Array;
    const steps = set.frames - context;
    const rows = new Float32Array(set.clips * steps * actionSize);
    for (let clip = 0; clip < set.clips; clip++)
      rows.set(
        actions.subarray((clip * set.frames + context) * actionSize, (clip + 1) * set.frames * actionSize),
        clip * steps * actionSize,
      );
    return rows;
  };
  const train = await features(demonstrations);
  const outputs = (demonstrations.frames - context) * actionSize;
  const policy = fitRidge(train.rows, await future(demonstrations), train.width, outputs, 1e-2 * demonstrations.clips);
  const expected = predictLinear(policy, (await features(clips)).rows);
  const taken = await future(clips);
  return Float32Array.from({ length: clips.clips }, (_, clip) => {
    let total = 0;
    for (let k = 0; k < outputs; k++) total += (taken[clip * outputs + k] - expected[clip * outputs + k]) ** 2;
    return total;
  });
}
