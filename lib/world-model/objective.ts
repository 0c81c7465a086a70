import { openLoop, type Rollout } from '../models/predictor.js';
import { covarianceLoss, mse, sigreg, smoothL1, varianceLoss } from '../nn/losses/index.js';
import { add, concat, mean, mul, permute, reshape, slice, sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { consequence } from './consequence.js';
import { likelihood } from './expected-error.js';
import { laterContexts, laterRollouts } from './later-rollouts.js';
import type { WorldModelNetwork } from './network.js';
import type { Observations } from './observations.js';
import { contrastive, effectError, outcomePairs } from './twin-terms.js';

/** Weights and settings of the training loss; every coefficient of the recipe is here, 0 leaves a term out. */
export interface ObjectiveOptions {
  /** Open-loop error from `contextFrames` to the end of the clip. */
  readonly rollout: number;
  /** Open-loop error of `starts` more rollouts, begun at places evenly spread behind the context, over `reach` frames each; weighs as `rollout`. */
  readonly starts: number;
  readonly reach: number;
  /** First frame whose one-step prediction counts: earlier ones cannot know velocities. */
  readonly firstTarget: number;
  /** SIGReg on the embeddings of each frame. */
  readonly sigreg: number;
  /** SIGReg on √2·(z − mean over time) of the first half of the dimensions, relative to `sigreg`. */
  readonly temporalSigreg: number;
  /** Random directions of SIGReg. */
  readonly directions: number;
  /** VICReg's variance hinge and covariance penalty. */
  readonly variance: number;
  readonly covariance: number;
  /** Inverse dynamics: standardised action between three embeddings. */
  readonly inverseDynamics: number;
  /** Relative error of the effect of an action over a group of counterfactual twins. */
  readonly effect: number;
  /** InfoNCE over the futures of a twin group, and its temperature on mean squared distances. */
  readonly contrastive: number;
  readonly temperature: number;
  /** InfoNCE over a clip's own actions and those of `alternatives` other clips of the batch, with the same temperature. */
  readonly consequence: number;
  readonly alternatives: number;
  /** Frames before this one do not count in `effect`, `contrastive` and `consequence`: futures have not parted yet. */
  readonly firstTwinFrame: number;
  /** Negative log-likelihood of the variance head (detached). */
  readonly likelihood: number;
  /** Smooth-L1 of the critic against given outcome costs (detached). */
  readonly critic: number;
}

export const defaultObjective: ObjectiveOptions = {
  rollout: 0.5,
  starts: 3,
  reach: 6,
  firstTarget: 3,
  sigreg: 0.2,
  temporalSigreg: 0.25,
  directions: 64,
  variance: 0,
  covariance: 0,
  inverseDynamics: 0.25,
  effect: 0.8,
  contrastive: 0.05,
  temperature: 0.1,
  consequence: 0,
  alternatives: 3,
  firstTwinFrame: 6,
  likelihood: 0.1,
  critic: 1,
};

/** One training batch as the objective sees it. */
export interface WorldModelBatch {
  /** [B, T, H, W, C] uint8 or [B, T, size] float32, or a record of these */
  readonly observations: Observations;
  /** [B, T, D] computed already, their gradient stopped by the caller; the observations are not read then. */
  readonly embeddings?: Tensor;
  /** [B, T, A] float32 in the world's units; action t is taken at frame t */
  readonly actions: Tensor;
  /** [G, K, K] float32: cost of outcome i when outcome j was the goal, in each of G twin groups; the last G·K clips are the twins. */
  readonly twinCosts?: Tensor;
}

export interface ObjectiveTerms {
  readonly loss: Tensor;
  readonly [term: string]: Tensor;
}

/**
 * The world-model loss: one-step and open-loop prediction in representation space, a regulariser against collapse,
 * inverse dynamics, and, where the batch has counterfactual twins, the size and identity of an action's effect.
 * @param random seed and step that key SIGReg's directions
 */
export function worldModelLoss(
  network: WorldModelNetwork,
  batch: WorldModelBatch,
  contextFrames: number,
  options: ObjectiveOptions,
  random: { readonly seed: Tensor | number; readonly step: Tensor },
): ObjectiveTerms {
  const actions = network.standardise(batch.actions);
  const z = batch.embeddings ?? network.encode(batch.observations);
  const frames = z.shape[1];
  const known = network.predictor.teacherForced(slice(z, 1, 0, frames - 1), slice(actions, 1, 0, frames - 1));
  const open = openLoop(network.predictor, known, actions, contextFrames);
  const first = options.firstTarget;
  const oneStep = slice(known.embeddings, 1, first - 1, frames - 1);
  const oneStepTarget = slice(z, 1, first, frames);
  const openTarget = slice(z, 1, contextFrames, frames);

  const terms: Record<string, Tensor> = { oneStep: mse(oneStep, oneStepTarget) };
  const weighted: Tensor[] = [terms.oneStep];
  const include: Include = (name, weight, value) => {
    if (weight === 0) return;
    terms[name] = value();
    weighted.push(mul(terms[name], weight));
  };

  include('rollout', options.rollout, () => mse(open.embeddings, openTarget));
  const contexts = laterContexts(frames, contextFrames, options.starts, options.reach);
  const later = contexts.length > 0 && laterRollouts(network.predictor, known, z, actions, contexts, options.reach);
  if (later) include('laterRollouts', options.rollout, () => mse(later.open.embeddings, later.target));
  includeSpread(include, z, options, random);
  include('consequence', options.consequence, () =>
    consequence(network.predictor, known, actions, openTarget, {
      context: contextFrames,
      first: Math.min(options.firstTwinFrame, frames - 1),
      alternatives: options.alternatives,
      temperature: options.temperature,
    }),
  );
  const { inverse, variance } = network;
  if (inverse) {
    include('inverseDynamics', options.inverseDynamics, () => {
      const triples = concat([slice(z, 1, 0, frames - 2), slice(z, 1, 1, frames - 1), slice(z, 1, 2, frames)], -1);
      return mse(inverse.forward(triples), slice(actions, 1, 1, frames - 1));
    });
  }
  if (batch.twinCosts)
    includeTwins(include, network, batch.twinCosts, open.embeddings, openTarget, contextFrames, options);
  if (variance) {
    const frameByFrame = sliceRollout(known, first - 1, frames - 1);
    const horizon = (k: number): number => k + 1;
    include('likelihood', options.likelihood, () =>
      [
        likelihood(network, frameByFrame, slice(actions, 1, first - 1, frames - 1), oneStepTarget, () => 1),
        likelihood(network, open, slice(actions, 1, contextFrames - 1, frames - 1), openTarget, horizon),
        ...(later ? [likelihood(network, later.open, later.actions, later.target, horizon)] : []),
      ].reduce((total, term) => add(total, term)),
    );
  }
  return { loss: weighted.reduce((total, term) => add(total, term)), ...terms };
}

/** Adds a term to the loss, unless its weight is 0. */
type Include = (name: string, weight: number, value: () => Tensor) => void;

type SigregKeys = Parameters<typeof worldModelLoss>[4];

/** Against collapse: embeddings [B, T, D] stay spread out. */
function includeSpread(include: Include, z: Tensor, options: ObjectiveOptions, random: SigregKeys): void {
  const [clips, frames, width] = z.shape;
  const { directions } = options;
  const { seed, step } = random;
  include('sigreg', options.sigreg, () => sigreg(permute(z, [1, 0, 2]), { directions, seed, step, stream: 'sigreg' }));
  include('temporalSigreg', options.sigreg * options.temporalSigreg, () => {
    const half = slice(z, 2, 0, Math.ceil(width / 2));
    const centred = mul(sub(half, mean(half, { axes: [1], keepDims: true })), Math.SQRT2);
    return sigreg(permute(centred, [1, 0, 2]), { directions, seed, step, stream: 'sigreg.temporal' });
  });
  include('variance', options.variance, () => varianceLoss(reshape(z, [clips * frames, width])));
  include('covariance', options.covariance, () => covarianceLoss(reshape(z, [clips * frames, width])));
}

/**
 * What an action changes, told from twins.
 * @param costs [G, K, K]   @param expected [B, T − c, D], of which the last G·K clips are the twins   @param seen the same of what came
 */
function includeTwins(
  include: Include,
  { critic }: WorldModelNetwork,
  costs: Tensor,
  expected: Tensor,
  seen: Tensor,
  contextFrames: number,
  options: ObjectiveOptions,
): void {
  const [groups, twins] = costs.shape;
  const [clips, steps, width] = seen.shape;
  const skip = options.firstTwinFrame - contextFrames;
  const future = (x: Tensor): Tensor =>
    reshape(slice(slice(x, 0, clips - groups * twins, clips), 1, skip, steps), [groups, twins, steps - skip, width]);
  const [predicted, actual] = [future(expected), future(seen)];
  include('effect', options.effect, () => effectError(predicted, actual));
  include('contrastive', options.contrastive, () => contrastive(predicted, actual, options.temperature));
  if (critic)
    include('critic', options.critic, () =>
      smoothL1(reshape(critic.forward(outcomePairs(predicted, actual)), [groups, twins, twins]), costs),
    );
}

function sliceRollout(rollout: Rollout, start: number, end: number): Rollout {
  return {
    states: slice(rollout.states, 1, start, end),
    inputs: slice(rollout.inputs, 1, start, end),
    embeddings: slice(rollout.embeddings, 1, start, end),
  };
}
