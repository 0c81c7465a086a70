import { apply, type OpDefinition } from '../tensor/op.js';
import { panelColumns } from '../tensor/product-format.js';
import { show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { isQuantization, type Quantization, tracedQuantization } from '../tensor/trace.js';

/** As native/ops/linear_int8/linear_int8.h has them. */
const group = 4;
const mostInputs = 2 ** 17;

const packOp: OpDefinition<null> = {
  name: 'linear_int8_pack',
  outputs: ([weight]) => {
    const [outputs, inputs] = weight.shape;
    const padded = Math.ceil(outputs / panelColumns) * panelColumns;
    return [
      { shape: [padded * Math.ceil(inputs / group) * group], dtype: 'uint8' },
      { shape: [padded], dtype: 'float32' },
      { shape: [padded], dtype: 'int32' },
    ];
  },
  native: { layouts: ['contiguous'], encode: () => {} },
};

const linearInt8Op: OpDefinition<{ readonly outputs: number }> = {
  name: 'linear_int8',
  outputs: ([x], { outputs }) => [{ shape: [x.shape[0], outputs], dtype: 'float32' }],
  native: { layouts: ['rows', 'contiguous'], encode: (writer) => writer.u32(0).u32(0) },
  gradient: () => {
    throw opError(
      'ERR_JEPA_NOT_DIFFERENTIABLE',
      "[linear] expected no gradient through a layer with quantize: 'int8', whose rounding has none",
      {
        help: [
          "train without it, and give { quantize: 'int8' } to the compile of the forward pass alone",
          "layers that a loss passes through can be left out: { quantize: 'none' }",
        ],
      },
    );
  },
};

/** Whether an op's products are rounded to 8 bits: as its caller says, else as the function that is being compiled has it. */
export function quantizationOf(op: string, given: Quantization | undefined): Quantization {
  if (given !== undefined && !isQuantization(given))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected quantize to be 'int8' or 'none', got '${String(given)}'`,
    );
  return given ?? tracedQuantization();
}

/**
 * x·Wᵀ + bias with a scale for each row of x and W. The weight is packed by an op of its own, so that it is packed once where it
 * holds still.
 * @param x [M, K]   @param weight [N, K]   @param bias [N]   @returns [M, N]   @throws JepaError ERR_JEPA_SHAPE
 */
export function linearInt8(x: Tensor, weight: Tensor, bias?: Tensor): Tensor<'float32'> {
  const [outputs, inputs] = weight.shape;
  if (inputs > mostInputs)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[linear] expected at most ${mostInputs} inputs with quantize: 'int8', got weight ${show(weight.shape)}`,
    );
  return apply(linearInt8Op, [x, ...apply(packOp, [weight], null), ...(bias ? [bias] : [])], {
    outputs,
  })[0] as Tensor<'float32'>;
}
