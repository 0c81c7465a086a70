import type { DType } from '../tensor/dtype.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { isRounded, panelColumns } from '../tensor/product-format.js';
import { broadcastShapes, sameShape, show, sizeOf } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Precision, Quantization } from '../tensor/trace.js';
import { add, cast, gelu, relu, silu } from './elementwise.js';
import { linearInt8, quantizationOf } from './linear-int8.js';
import { precisionOf } from './precision.js';
import type { FloatOf } from './promotion.js';
import { unbroadcast } from './unbroadcast.js';
import { broadcastTo, reshape, transpose } from './views.js';

interface Attributes {
  readonly precision: Precision;
}

const matmulOp: OpDefinition<Attributes> = {
  name: 'matmul',
  outputs: ([a, b]) => [{ shape: [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]], dtype: 'float32' }],
  native: {
    layouts: ['matrix', 'matrix', 'contiguous'],
    encode: (writer, { precision }, [, b]) =>
      writer
        .u32(precision === 'bfloat16' ? isRounded : 0)
        .u32(b.shape[b.shape.length - 2])
        .u32(b.shape[b.shape.length - 1])
        .u32(0),
  },
  gradient: ({ inputs: [a, b, bias], attributes: { precision }, cotangents: [cotangent], needs }) => {
    const dy = cotangent as Tensor;
    const dbias = bias && needs[2] ? unbroadcast(dy, bias.shape) : undefined;
    const db = needs[1] ? rightGradient(precision, a, b, dy) : undefined;
    // Last: what follows goes by rows of it, as it does itself.
    const da = needs[0] ? product(precision, dy, transpose(b)) : undefined;
    return bias ? [da, db, dbias] : [da, db];
  },
};

/**
 * aᵀ·dy. Where b is the transpose of a weight, as (dyᵀ·a)ᵀ: the weight's own gradient is then dense, for whoever updates it. Not
 * where that would fill up the last panel of columns with more zeros.
 */
function rightGradient(precision: Precision, a: Tensor, b: Tensor, dy: Tensor): Tensor {
  const [k, n] = b.shape.slice(-2);
  const padded = (columns: number): number => Math.ceil(columns / panelColumns) * panelColumns;
  return b.node?.op.name === 'permute' && b.rank === 2 && padded(k) * n <= padded(n) * k
    ? transpose(product(precision, transpose(dy), a))
    : product(precision, transpose(a), dy);
}

/** a [batch, M, K] · b [batch, K, N] with equal batch axes. */
function product(precision: Precision, a: Tensor, b: Tensor, bias?: Tensor): Tensor<'float32'> {
  return apply(matmulOp, bias ? [a, b, bias] : [a, b], { precision })[0] as Tensor<'float32'>;
}

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** 'bfloat16' rounds both operands; sums are float32. By default as {@link compile} was told, 'float32' elsewhere. */
  readonly precision?: Precision;
}

/**
 * Matrix product of the last two axes; leading axes broadcast. Sums are float32.
 * @param a [..., M, K] ([..., K, M] if transposeA)   @param b [..., K, N] ([..., N, K] if transposeB)   @returns [..., M, N]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT for an unknown precision
 * @example await matmul(tensor([[1, 2]]), tensor([[3], [4]])).toArray(); // [[11]]
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, precision: given }: MatmulOptions = {},
): Tensor<'float32'> {
  if (a.rank < 2 || b.rank < 2)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[matmul] expected at least two axes each, got ${show(a.shape)} and ${show(b.shape)}`,
    );
  const precision = precisionOf('matmul', given);
  const left = cast(transposeA ? transpose(a) : a, 'float32');
  const right = cast(transposeB ? transpose(b) : b, 'float32');
  const [k, n] = right.shape.slice(-2);
  if (left.shape[left.rank - 1] !== k) {
    const how = transposeA || transposeB ? ` (transposeA ${transposeA}, transposeB ${transposeB})` : '';
    throw opError(
      'ERR_JEPA_SHAPE',
      `[matmul] expected inner axes that agree, got ${show(a.shape)} and ${show(b.shape)}${how}`,
    );
  }
  // Rows of all batches go through one product when b has no batch.
  if (right.rank === 2 && left.rank > 2)
    return reshape(product(precision, reshape(left, [sizeOf(left.shape.slice(0, -1)), k]), right), [
      ...left.shape.slice(0, -1),
      n,
    ]);
  const batch = broadcastShapes('matmul', left.shape.slice(0, -2), right.shape.slice(0, -2));
  const stretched = <D extends DType>(x: Tensor<D>): Tensor<D> => broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
  return product(precision, stretched(left), stretched(right));
}

export type ActivationKind = 'none' | 'gelu' | 'geluTanh' | 'silu' | 'relu';

/** Applies an activation by name. @example await activate(tensor([-1, 2]), 'relu').toArray(); // [0, 2] */
export function activate<D extends DType>(x: Tensor<D>, activation: ActivationKind): Tensor<D | FloatOf<D>> {
  switch (activation) {
    case 'none':
      return x;
    case 'gelu':
      return gelu(x);
    case 'geluTanh':
      return gelu(x, { approximate: 'tanh' });
    case 'silu':
      return silu(x);
    case 'relu':
      return relu(x);
    default:
      throw opError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[activation] expected none, gelu, geluTanh, silu or relu, got ${String(activation)}`,
      );
  }
}

/** Options of {@link linear}. */
export interface LinearOpOptions {
  readonly activation?: ActivationKind;
  /** Added after the activation. */
  readonly residual?: Tensor;
  /** As of {@link matmul}; nothing where the layer is quantised. */
  readonly precision?: Precision;
  /**
   * 'int8' rounds x and weight to 8 bits, with a scale for each of their rows; no gradient passes. By default as {@link compile} was
   * told, 'none' elsewhere.
   */
  readonly quantize?: Quantization;
}

/**
 * activation(x·Wᵀ + bias) + residual.
 * @param x [..., in]   @param weight [out, in]   @param bias [out]   @returns [..., out]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT for an unknown precision or quantisation
 * @example await linear(tensor([[1, 2]]), tensor([[3, 4]]), tensor([1])).toArray(); // [[12]]
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { activation = 'none', residual, precision: given, quantize }: LinearOpOptions = {},
): Tensor<'float32'> {
  const [outputs, inputs] = weight.shape;
  if (weight.rank !== 2 || x.rank < 1 || x.shape[x.rank - 1] !== inputs)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[linear] expected x of width ${weight.shape[1]} (weight ${show(weight.shape)}), got ${show(x.shape)}`,
    );
  if (bias && !sameShape(bias.shape, [outputs]))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[linear] expected bias of shape [${outputs}] (weight ${show(weight.shape)}), got ${show(bias.shape)}`,
    );
  const rows = reshape(cast(x, 'float32'), [sizeOf(x.shape.slice(0, -1)), inputs]);
  const precision = precisionOf('linear', given);
  const operands = [cast(weight, 'float32'), bias && cast(bias, 'float32')] as const;
  const y =
    quantizationOf('linear', quantize) === 'int8'
      ? linearInt8(rows, ...operands)
      : product(precision, rows, transpose(operands[0]), operands[1]);
  const shaped = activate(reshape(y, [...x.shape.slice(0, -1), outputs]), activation);
  return residual ? cast(add(shaped, residual), 'float32') : shaped;
}

/** A product of matrices. */
export interface MatrixProduct {
  readonly left: Tensor;
  readonly right: Tensor;
  readonly precision: Precision;
}

/** What a tensor is the product of, possibly transposed, for merging sums of products. */
export function asProduct({ node }: Tensor): MatrixProduct | undefined {
  if (!node) return undefined;
  if (node.op === (matmulOp as OpDefinition<unknown>)) {
    const [left, right] = node.inputs;
    return node.inputs.length === 2 && left.rank === 2
      ? { left, right, precision: (node.attributes as Attributes).precision }
      : undefined;
  }
  if (node.op.name !== 'permute' || node.inputs[0].rank !== 2) return undefined;
  const whole = asProduct(node.inputs[0]);
  return whole && { ...whole, left: transpose(whole.right), right: transpose(whole.left) };
}
