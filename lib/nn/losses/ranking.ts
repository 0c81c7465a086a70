import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import { add, broadcastTo, cast, div, exp, less, log, maximum, mul, neg, reshape, sub, sum } from '../../ops/index.js';
import { stopGradient, type Tensor } from '../../tensor/index.js';

export interface RankingLossOptions {
  /** How far apart two scores should be, as a share of how far apart the targets are (default 0.5). */
  readonly margin?: number;
  /** Width of the transition from wrong to right, in units of the scores (default 0.1). */
  readonly temperature?: number;
}

/**
 * Logistic loss of pairs (RankNet, Burges et al. 2005) with a margin: τ·softplus((x_i − x_j + m·(t_j − t_i))/τ), mean over the pairs of a
 * row with t_i < t_j. It only asks for the right order, where the error of a regression also asks for the right values.
 * @param x [..., K] scores   @param target [..., K] what they should be ordered by; no gradient flows into it   @returns a scalar, 0 without pairs
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example const loss = rankingLoss(tensor([[1, 3, 2]]), tensor([[0.1, 0.2, 0.9]]));
 */
export function rankingLoss(x: Tensor, target: Tensor, options: RankingLossOptions = {}): Tensor {
  checkOptions('rankingLoss', options, ['margin', 'temperature']);
  const { margin = 0.5, temperature = 0.1 } = options;
  if (x.shape.length === 0 || x.shape.join() !== target.shape.join())
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[rankingLoss] expected x and target of the same shape [..., K], got [${x.shape.join(', ')}] and [${target.shape.join(', ')}]`,
    );
  if (!(margin >= 0 && temperature > 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[rankingLoss] expected a margin of 0 or more and a temperature above 0, got ${margin} and ${temperature}`,
    );
  const rows = x.shape.slice(0, -1);
  const count = x.shape[x.shape.length - 1];
  const pairs = [...rows, count, count];
  const differences = (values: Tensor): Tensor =>
    sub(
      broadcastTo(reshape(values, [...rows, count, 1]), pairs),
      broadcastTo(reshape(values, [...rows, 1, count]), pairs),
    );
  const apart = differences(stopGradient(target)); // t_i − t_j
  const counted = cast(less(apart, 0), 'float32');
  const excess = div(sub(differences(x), mul(apart, margin)), temperature);
  // softplus(u) = max(u, 0) + log(1 + e^−|u|): e^u alone leaves the range of float32 at 88.
  const softplus = add(maximum(excess, 0), log(add(exp(neg(maximum(excess, neg(excess)))), 1)));
  return mul(div(sum(mul(softplus, counted)), maximum(sum(counted), 1)), temperature);
}
