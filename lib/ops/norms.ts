import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, mul, rsqrt } from './elementwise.js';
import { layerNorm } from './layer-norm.js';
import { sumOfSquares } from './reduce.js';
import { broadcastTo, reshape } from './views.js';

/**
 * x/√(mean(x²) + ε)·weight over the last axis (Zhang & Sennrich 2019).
 * @param x [..., D]   @param weight [D]   @returns [..., D]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 */
export function rmsNorm(
  x: Tensor,
  weight?: Tensor,
  { epsilon = 1e-6 }: { readonly epsilon?: number } = {},
): Tensor<'float32'> {
  const width = x.shape[x.rank - 1];
  if (x.rank < 1 || (weight && !sameShape(weight.shape, [width])))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[rmsNorm] expected a last axis, and weight of its extent, got x ${show(x.shape)}${weight ? ` and weight ${show(weight.shape)}` : ''}`,
    );
  checkEpsilon('rmsNorm', epsilon);
  const values = cast(x, 'float32');
  const power = mul(sumOfSquares(values, { axes: [-1], keepDims: true }), 1 / Math.max(width, 1));
  const y = mul(values, rsqrt(add(power, epsilon)));
  return weight ? mul(y, cast(weight, 'float32')) : y;
}

/**
 * Normalises the channels of each sample in groups, over all their positions: (x − mean)/√(var + ε)·weight + bias, var biased (Wu & He 2018).
 * @param x [N, C, ...]   @param groups divides C   @param weight [C]   @param bias [C]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  weight?: Tensor,
  bias?: Tensor,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): Tensor<'float32'> {
  const [samples, channels] = x.shape;
  if (x.rank < 2 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[groupNorm] expected x [N, C, ...] with C a multiple of the ${groups} groups, got ${show(x.shape)}`,
    );
  for (const [name, operand] of Object.entries({ weight, bias }))
    if (operand && !sameShape(operand.shape, [channels]))
      throw opError(
        'ERR_JEPA_SHAPE',
        `[groupNorm] expected ${name} of shape [${channels}] (axis 1 of x ${show(x.shape)}), got ${show(operand.shape)}`,
      );
  checkEpsilon('groupNorm', epsilon);
  const rows = reshape(x, [samples, groups, x.size / Math.max(samples * groups, 1)]);
  const y = reshape(layerNorm(rows, undefined, undefined, { epsilon }), x.shape);
  const perChannel = (values: Tensor): Tensor<'float32'> =>
    reshape(
      cast(values, 'float32'),
      x.shape.map((_, axis) => (axis === 1 ? channels : 1)),
    );
  const scaled = weight ? mul(y, perChannel(weight)) : y;
  return bias ? add(scaled, perChannel(bias)) : scaled;
}

/**
 * Layer norm that a condition shifts and scales: norm(x)·(1 + scale) + shift (adaLN: Peebles & Xie 2023).
 * @param x [B, S, D]   @param shift, scale [B, D] for a sample, [B, S, D] for each token, or [B, T, D] for each of T runs of S/T tokens
 * @returns [B, S, D]   @throws JepaError ERR_JEPA_SHAPE
 * @example const y = gatedAdd(x, attend(adaLayerNorm(x, shift, scale)), gate);
 */
export function adaLayerNorm(
  x: Tensor,
  shift: Tensor,
  scale: Tensor,
  { epsilon = 1e-6 }: { readonly epsilon?: number } = {},
): Tensor<'float32'> {
  const normed = layerNorm(x, undefined, undefined, { epsilon });
  const [added, factor] = [perToken('adaLayerNorm', shift, x), perToken('adaLayerNorm', scale, x)];
  return add(mul(normed, add(factor, 1)), added);
}

/**
 * residual + gate·x.
 * @param residual [B, S, D]   @param x [B, S, D]   @param gate as the scale of {@link adaLayerNorm}   @throws JepaError ERR_JEPA_SHAPE
 */
export function gatedAdd(residual: Tensor, x: Tensor, gate: Tensor): Tensor<'float32'> {
  if (!sameShape(residual.shape, x.shape))
    throw opError('ERR_JEPA_SHAPE', `[gatedAdd] expected a residual ${show(x.shape)}, got ${show(residual.shape)}`);
  return add(cast(residual, 'float32'), mul(perToken('gatedAdd', gate, x), cast(x, 'float32')));
}

/** A condition in a shape that broadcasts over the tokens of x. */
function perToken(op: string, condition: Tensor, x: Tensor): Tensor<'float32'> {
  const [batch, tokens, width] = x.shape;
  const runs = condition.rank === 2 ? 1 : condition.shape[1];
  const fits = condition.shape[0] === batch && condition.shape[condition.rank - 1] === width && tokens % runs === 0;
  if (x.rank !== 3 || ![2, 3].includes(condition.rank) || !fits)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[${op}] expected x [B, S, D] and a condition [B, D] or [B, T, D] with S a multiple of T, got ${show(x.shape)} and ${show(condition.shape)}`,
    );
  const values = reshape(cast(condition, 'float32'), [batch, runs, width]);
  if (runs === 1 || runs === tokens) return values;
  const each = [batch, runs, tokens / runs, width];
  return reshape(broadcastTo(reshape(values, [batch, runs, 1, width]), each), x.shape);
}

function checkEpsilon(op: string, epsilon: number): void {
  if (!(epsilon >= 0))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected a non-negative epsilon, got ${epsilon}`);
}
