import { apply, type OpDefinition } from '../tensor/op.js';
import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { cast } from './elementwise.js';

interface Attributes {
  readonly epsilon: number;
  readonly weight: boolean;
  readonly bias: boolean;
}

const flags = ({ weight, bias }: Attributes): number => Number(weight) | (Number(bias) << 1);

const layerNormOp: OpDefinition<Attributes> = {
  name: 'layer_norm',
  outputs: ([x]) => {
    const rows = x.shape.slice(0, -1);
    return [
      { shape: x.shape, dtype: 'float32' },
      { shape: rows, dtype: 'float32' },
      { shape: rows, dtype: 'float32' },
    ];
  },
  native: {
    layouts: ['rows', 'contiguous', 'contiguous'],
    encode: (writer, attributes) => writer.f32(attributes.epsilon).u32(flags(attributes)),
  },
  gradient: ({ inputs: [x, ...affine], outputs: [, mean, rstd], attributes, cotangents: [dy] }) =>
    dy ? apply(layerNormGradientOp, [dy, x, mean, rstd, ...(attributes.weight ? [affine[0]] : [])], attributes) : [],
};

const layerNormGradientOp: OpDefinition<Attributes> = {
  name: 'layer_norm_gradient',
  outputs: ([, x], { weight, bias }) => {
    const width = [x.shape[x.rank - 1]];
    return [
      { shape: x.shape, dtype: 'float32' },
      ...[weight, bias].filter(Boolean).map(() => ({ shape: width, dtype: 'float32' as const })),
    ];
  },
  native: { layouts: ['rows', 'rows', 'contiguous'], encode: (writer, attributes) => writer.u32(flags(attributes)) },
};

/**
 * Normalises the last axis: y = (x − mean)/√(var + ε)·weight + bias, var biased (Ba, Kiros & Hinton 2016, eq. 4).
 * @param x [..., D]   @param weight [D]   @param bias [D]   @returns [..., D]
 * @throws JepaError ERR_JEPA_SHAPE if weight or bias is not [D]
 * @example await layerNorm(tensor([[1, 3]]), ones([2]), zeros([2])).toArray(); // [[-1, 1]]
 */
export function layerNorm(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): Tensor<'float32'> {
  if (x.rank < 1) throw opError('ERR_JEPA_SHAPE', `[layerNorm] expected at least one axis, got ${show(x.shape)}`);
  if (!(epsilon >= 0))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[layerNorm] expected a non-negative epsilon, got ${epsilon}`);
  const width = x.shape.slice(-1);
  for (const [name, operand] of Object.entries({ weight, bias })) {
    if (operand && !sameShape(operand.shape, width))
      throw opError(
        'ERR_JEPA_SHAPE',
        `[layerNorm] expected ${name} of shape ${show(width)} (last axis of x ${show(x.shape)}), got ${show(operand.shape)}`,
      );
  }
  const affine = [weight, bias].filter((operand) => operand !== undefined).map((operand) => cast(operand, 'float32'));
  return apply(layerNormOp, [cast(x, 'float32'), ...affine], {
    epsilon,
    weight: weight !== undefined,
    bias: bias !== undefined,
  })[0] as Tensor<'float32'>;
}
