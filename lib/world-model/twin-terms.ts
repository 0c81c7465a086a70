import { crossEntropy } from '../nn/losses/index.js';
import { add, broadcastTo, concat, div, mean, neg, permute, reshape, slice, square, sub, sum } from '../ops/index.js';
import { stopGradient, type Tensor, tensor } from '../tensor/index.js';

/** Σ‖(ẑ_i − mean ẑ) − (z_i − mean z)‖² / Σ‖z_i − mean z‖² over the twins of a group [G, K, T, D], mean over groups. */
export function effectError(predicted: Tensor, actual: Tensor): Tensor {
  const centre = (x: Tensor): Tensor => sub(x, mean(x, { axes: [1], keepDims: true }));
  const truth = centre(actual);
  const error = sum(square(sub(centre(predicted), truth)), { axes: [1, 2, 3] });
  return mean(div(error, add(sum(square(truth), { axes: [1, 2, 3] }), 1e-3)));
}

/** InfoNCE (van den Oord et al. 2018) with logits −mean squared distance / τ: which twin's future was predicted? */
export function contrastive(predicted: Tensor, actual: Tensor, temperature: number): Tensor {
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
export function outcomePairs(predicted: Tensor, actual: Tensor): Tensor {
  const [groups, twins, frames, width] = predicted.shape;
  const last = (x: Tensor): Tensor => reshape(slice(x, 2, frames - 1, frames), [groups, twins, width]);
  const pairs = [groups, twins, twins, width];
  const outcome = broadcastTo(reshape(last(predicted), [groups, twins, 1, width]), pairs);
  const goal = broadcastTo(reshape(last(actual), [groups, 1, twins, width]), pairs);
  return stopGradient(reshape(concat([outcome, goal], -1), [groups * twins * twins, 2 * width]));
}
