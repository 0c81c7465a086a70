import type { Rollout } from '../models/predictor.js';
import { add, broadcastTo, clamp, concat, exp, mean, mul, neg, square, sub } from '../ops/index.js';
import { stopGradient, type Tensor, tensor } from '../tensor/index.js';
import type { WorldModelNetwork } from './network.js';

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
export function likelihood(
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
