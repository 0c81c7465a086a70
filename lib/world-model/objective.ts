import type { Rollout } from '../models/predictor.js';
import { openLoop } from '../models/predictor.js';
import { covarianceLoss, crossEntropy, mse, sigreg, smoothL1, varianceLoss } from '../nn/losses/index.js';
import {
  add,
  broadcastTo,
  clamp,
  concat,
  div,
  exp,
  mean,
  mul,
  neg,
  permute,
  reshape,
  slice,
  square,
  sub,
  sum,
} from '../ops/index.js';
import { stopGradient, type Tensor, tensor } from '../tensor/index.js';
import { consequence } from './consequence.js';
import type { WorldModelNetwork } from './network.js';
import type { Observations } from './observations.js';

/** Weights and settings of the training loss; every coefficient of the recipe is here, 0 leaves a term out. */
export interface ObjectiveOptions {
  /** Open-loop error from `contextFrames` to the end of the clip. */
  readonly rollout: number;
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
  firstTarget: 3,
  sigreg: 0.2,
  temporalSigreg: 0.25,
  directions: 64,
  variance: 0,
  covariance: 0,
  inverseDynamics: 0.25,
  effect: 0.6,
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
  const z = network.encode(batch.observations);
  const [clips, frames, width] = z.shape;
  const known = network.predictor.teacherForced(slice(z, 1, 0, frames - 1), slice(actions, 1, 0, frames - 1));
  const open = openLoop(network.predictor, known, actions, contextFrames);
  const first = options.firstTarget;
  const oneStep = slice(known.embeddings, 1, first - 1, frames - 1);
  const oneStepTarget = slice(z, 1, first, frames);
  const openTarget = slice(z, 1, contextFrames, frames);

  const terms: Record<string, Tensor> = { oneStep: mse(oneStep, oneStepTarget) };
  const weighted: Tensor[] = [terms.oneStep];
  const include = (name: string, weight: number, value: () => Tensor): void => {
    if (weight === 0) return;
    terms[name] = value();
    weighted.push(mul(terms[name], weight));
  };

  include('rollout', options.rollout, () => mse(open.embeddings, openTarget));
  include('sigreg', options.sigreg, () =>
    sigreg(permute(z, [1, 0, 2]), {
      directions: options.directions,
      seed: random.seed,
      step: random.step,
      stream: 'sigreg',
    }),
  );
  include('temporalSigreg', options.sigreg * options.temporalSigreg, () => {
    const half = slice(z, 2, 0, Math.ceil(width / 2));
    const centred = mul(sub(half, mean(half, { axes: [1], keepDims: true })), Math.SQRT2);
    return sigreg(permute(centred, [1, 0, 2]), {
      directions: options.directions,
      seed: random.seed,
      step: random.step,
      stream: 'sigreg.temporal',
    });
  });
  include('variance', options.variance, () => varianceLoss(reshape(z, [clips * frames, width])));
  include('covariance', options.covariance, () => covarianceLoss(reshape(z, [clips * frames, width])));
  include('consequence', options.consequence, () =>
    consequence(network.predictor, known, actions, openTarget, {
      context: contextFrames,
      first: Math.min(options.firstTwinFrame, frames - 1),
      alternatives: options.alternatives,
      temperature: options.temperature,
    }),
  );
  const { inverse, variance, critic } = network;
  if (inverse) {
    include('inverseDynamics', options.inverseDynamics, () => {
      const triples = concat([slice(z, 1, 0, frames - 2), slice(z, 1, 1, frames - 1), slice(z, 1, 2, frames)], -1);
      return mse(inverse.forward(triples), slice(actions, 1, 1, frames - 1));
    });
  }
  if (batch.twinCosts) {
    const [groups, twins] = batch.twinCosts.shape;
    const skip = options.firstTwinFrame - contextFrames;
    const future = (x: Tensor): Tensor =>
      reshape(slice(slice(x, 0, clips - groups * twins, clips), 1, skip, frames - contextFrames), [
        groups,
        twins,
        frames - options.firstTwinFrame,
        width,
      ]);
    const predicted = future(open.embeddings);
    const actual = future(openTarget);
    include('effect', options.effect, () => effectError(predicted, actual));
    include('contrastive', options.contrastive, () => contrastive(predicted, actual, options.temperature));
    if (critic) {
      include('critic', options.critic, () =>
        smoothL1(
          reshape(critic.forward(outcomePairs(predicted, actual)), [groups, twins, twins]),
          batch.twinCosts as Tensor,
        ),
      );
    }
  }
  if (variance) {
    include('likelihood', options.likelihood, () =>
      add(
        likelihood(
          network,
          sliceRollout(known, first - 1, frames - 1),
          slice(actions, 1, first - 1, frames - 1),
          oneStepTarget,
          () => 1,
        ),
        likelihood(network, open, slice(actions, 1, contextFrames - 1, frames - 1), openTarget, (k) => k + 1),
      ),
    );
  }
  return { loss: weighted.reduce((total, term) => add(total, term)), ...terms };
}

/** Σ‖(ẑ_i − mean ẑ) − (z_i − mean z)‖² / Σ‖z_i − mean z‖² over the twins of a group [G, K, T, D], mean over groups. */
function effectError(predicted: Tensor, actual: Tensor): Tensor {
  const centre = (x: Tensor): Tensor => sub(x, mean(x, { axes: [1], keepDims: true }));
  const truth = centre(actual);
  const error = sum(square(sub(centre(predicted), truth)), { axes: [1, 2, 3] });
  return mean(div(error, add(sum(square(truth), { axes: [1, 2, 3] }), 1e-3)));
}

/** InfoNCE (van den Oord et al. 2018) with logits −mean squared distance / τ: which twin's future was predicted? */
function contrastive(predicted: Tensor, actual: Tensor, temperature: number): Tensor {
  const [groups, twins, frames, width] = predicted.shape;
  const pairs = [groups, twins, twins, frames, width];
  const difference = sub(
    broadcastTo(reshape(predicted, [groups, twins, 1, frames, width]), pairs),
    broadcastTo(reshape(actual, [groups, 1, twins, frames, width]), pairs),
  );
  const logits = div(neg(mean(square(difference), { axes: [4] })), temperature); // [G, K, K, T]
  const labels = Int32Array.from({ length: groups * twins * frames }, (_, index) => Math.floor(index / frames) % twins);
  return crossEntropy(reshape(permute(logits, [0, 1, 3, 2]), [groups * twins * frames, twins]), tensor(labels));
}

/** Last predicted embedding of twin i beside last actual embedding of twin j: [G·K·K, 2D], detached. */
function outcomePairs(predicted: Tensor, actual: Tensor): Tensor {
  const [groups, twins, frames, width] = predicted.shape;
  const last = (x: Tensor): Tensor => reshape(slice(x, 2, frames - 1, frames), [groups, twins, width]);
  const pairs = [groups, twins, twins, width];
  const outcome = broadcastTo(reshape(last(predicted), [groups, twins, 1, width]), pairs);
  const goal = broadcastTo(reshape(last(actual), [groups, 1, twins, width]), pairs);
  return stopGradient(reshape(concat([outcome, goal], -1), [groups * twins * twins, 2 * width]));
}

function sliceRollout(rollout: Rollout, start: number, end: number): Rollout {
  return {
    states: slice(rollout.states, 1, start, end),
    inputs: slice(rollout.inputs, 1, start, end),
    embeddings: slice(rollout.embeddings, 1, start, end),
  };
}

/**
 * What error the variance head expects: log E[e] [B, K, D + 1] (per dimension; last: their mean), from detached inputs.
 * @param horizon how many frames after the last seen one prediction k lies
 */
export function expectedLogError(
  network: WorldModelNetwork,
  rollout: Rollout,
  actions: Tensor,
  horizon: (k: number) => number,
): Tensor {
  if (!network.variance) throw new RangeError('[worldModel] expected a model with a variance head');
  const [batch, steps] = rollout.inputs.shape;
  const horizons = tensor(
    Float32Array.from({ length: steps }, (_, k) => horizon(k) / 8),
    { shape: [1, steps, 1] },
  );
  const inputs = stopGradient(
    concat([rollout.states, rollout.inputs, actions, broadcastTo(horizons, [batch, steps, 1])], -1),
  );
  return clamp(network.variance.forward(inputs), -12, 4);
}

/** Negative log-likelihood ½(v + e·exp(−v)) of squared errors e under the predicted log error v. */
function likelihood(
  network: WorldModelNetwork,
  rollout: Rollout,
  actions: Tensor,
  target: Tensor,
  horizon: (k: number) => number,
): Tensor {
  const expected = expectedLogError(network, rollout, actions, horizon);
  const squared = stopGradient(square(sub(rollout.embeddings, target)));
  const errors = concat([squared, mean(squared, { axes: [2], keepDims: true })], -1);
  return mul(mean(add(expected, mul(errors, exp(neg(expected))))), 0.5);
}
