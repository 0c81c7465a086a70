import { apply } from '../tensor/op.js';
import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { col2imOp, pair, windowOf } from './conv.js';
import { add, cast } from './elementwise.js';
import { matmul } from './matmul.js';
import { permute, reshape } from './views.js';

/** Options of {@link convTranspose2d}: rows and columns, or one number for both. */
export interface ConvTranspose2dOpOptions {
  readonly stride?: number | readonly [number, number];
  /** Of the convolution that this is the adjoint of: it is cut off the result. */
  readonly padding?: number | readonly [number, number];
  /** Rows and columns more at the end: which of the pictures that the convolution would shrink to x. Below the stride. */
  readonly outputPadding?: number | readonly [number, number];
}

/**
 * Adjoint of {@link conv2d}, as PyTorch's `conv_transpose2d`: every pixel adds its value times the kernel. Decoders grow pictures with it.
 * @param x [N, C, H, W]   @param weight [C, O, kh, kw]   @param bias [O]
 * @returns [N, O, H', W'] with H' = (H − 1)·stride − 2·padding + kh + outputPadding
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example const twice = convTranspose2d(features, weight, bias, { stride: 2, padding: 1 }); // kernel 4: [N, O, 2H, 2W]
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { stride = 1, padding = 0, outputPadding = 0 }: ConvTranspose2dOpOptions = {},
): Tensor<'float32'> {
  const [samples, channels, height, width] = x.shape;
  const [inputs, outputs, kh, kw] = weight.shape;
  if (x.rank !== 4 || weight.rank !== 4 || channels !== inputs || (bias && !sameShape(bias.shape, [outputs])))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[convTranspose2d] expected x [N, C, H, W], weight [C, O, kh, kw] and bias [O], got ${[x, weight, ...(bias ? [bias] : [])].map(({ shape }) => show(shape)).join(', ')}`,
    );
  const [steps, cut, more] = [pair(stride), pair(padding), pair(outputPadding)];
  if (more.some((extra, axis) => !Number.isInteger(extra) || extra < 0 || extra >= steps[axis]))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[convTranspose2d] expected an outputPadding from 0 to below the stride ${show(steps)}, got ${show(more)}`,
    );
  const extents = [height, width].map(
    (extent, axis) => (extent - 1) * steps[axis] - 2 * cut[axis] + [kh, kw][axis] + more[axis],
  );
  const window = windowOf('convTranspose2d', [samples, ...extents, outputs], [kh, kw], steps, cut);
  const rows = reshape(permute(cast(x, 'float32'), [0, 2, 3, 1]), [samples * height * width, channels]);
  const columns = reshape(permute(weight, [0, 2, 3, 1]), [channels, kh * kw * outputs]);
  const [picture] = apply(col2imOp, [matmul(rows, columns)], window) as Tensor<'float32'>[];
  const y = bias ? add(picture, cast(bias, 'float32')) : picture;
  return permute(y, [0, 3, 1, 2]);
}
