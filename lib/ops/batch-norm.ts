import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, mul, rsqrt, square, sub } from './elementwise.js';
import { mean } from './reduce.js';
import { reshape } from './views.js';

/** Options of {@link batchNorm}; parameters and statistics are [C]. */
export interface BatchNormOpOptions {
  readonly weight?: Tensor;
  readonly bias?: Tensor;
  /** Statistics of training, used when `training` is false. */
  readonly runningMean?: Tensor;
  readonly runningVar?: Tensor;
  readonly training: boolean;
  readonly epsilon?: number;
}

/**
 * (x − mean)/√(var + ε)·weight + bias per channel (axis 1), var biased (Ioffe & Szegedy 2015). In training, mean and variance of the batch,
 * through which gradients flow.
 * @param x [N, C, ...]
 * @returns y, and in training the batch's mean [C] and unbiased variance [C], for running statistics
 * @example
 * const { y, batchMean } = batchNorm(tensor([[-2], [4]]), { training: true });
 * await y.toArray(); // [[-1], [1]]
 * await batchMean?.toArray(); // [1]
 */
export function batchNorm(
  x: Tensor,
  { weight, bias, runningMean, runningVar, training, epsilon = 1e-5 }: BatchNormOpOptions,
): { y: Tensor; batchMean?: Tensor; batchVar?: Tensor } {
  if (x.rank < 2) throw opError('ERR_JEPA_SHAPE', `[batchNorm] expected x [N, C, ...], got ${show(x.shape)}`);
  const channels = x.shape[1];
  for (const [name, values] of Object.entries({ weight, bias, runningMean, runningVar })) {
    if (values && !sameShape(values.shape, [channels]))
      throw opError(
        'ERR_JEPA_SHAPE',
        `[batchNorm] expected ${name} of shape [${channels}] (axis 1 of x ${show(x.shape)}), got ${show(values.shape)}`,
      );
  }
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const perChannel = (values: Tensor): Tensor =>
    reshape(
      values,
      x.shape.map((_, axis) => (axis === 1 ? channels : 1)),
    );
  const affine = (standardised: Tensor): Tensor => {
    const scaled = weight ? mul(standardised, perChannel(weight)) : standardised;
    return bias ? add(scaled, perChannel(bias)) : scaled;
  };
  if (!training) {
    if (!runningMean || !runningVar)
      throw opError('ERR_JEPA_INVALID_ARGUMENT', '[batchNorm] expected runningMean and runningVar outside training');
    return { y: affine(mul(sub(x, perChannel(runningMean)), rsqrt(add(perChannel(runningVar), epsilon)))) };
  }
  const count = x.size / Math.max(channels, 1);
  if (count < 2)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[batchNorm] expected more than one value per channel in training, got ${show(x.shape)}`,
    );
  const average = mean(x, { axes, keepDims: true });
  const centred = sub(x, average);
  const biased = mean(square(centred), { axes, keepDims: true });
  return {
    y: affine(mul(centred, rsqrt(add(biased, epsilon)))),
    batchMean: reshape(average, [channels]),
    batchVar: reshape(mul(biased, count / (count - 1)), [channels]),
  };
}
