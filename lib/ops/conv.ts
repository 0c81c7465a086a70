import type { DType } from '../tensor/dtype.js';
import { apply, type OpDefinition } from '../tensor/op.js';
import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, mul } from './elementwise.js';
import { linear, matmul } from './matmul.js';
import { permute, reshape } from './views.js';

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Extents of the picture [N, H, W, C]. */
  readonly input: readonly number[];
  /** Rows and columns of the result. */
  readonly output: readonly [number, number];
}

const encode: NonNullable<OpDefinition<Window>['native']>['encode'] = (
  writer,
  { kernel, stride, padding, dilation, output },
) => {
  for (const [a, b] of [kernel, stride, padding, dilation, output]) writer.u32(a).u32(b);
};

export const im2colOp: OpDefinition<Window> = {
  name: 'im2col',
  outputs: (_, { kernel, input: [n, , , c], output: [h, w] }) => [
    { shape: [n * h * w, kernel[0] * kernel[1] * c], dtype: 'float32' },
  ],
  native: { layouts: ['strided'], encode },
  gradient: ({ attributes, cotangents: [dy] }) => [apply(col2imOp, [dy as Tensor], attributes)[0]],
};

export const col2imOp: OpDefinition<Window> = {
  name: 'col2im',
  outputs: (_, { input }) => [{ shape: input, dtype: 'float32' }],
  native: { layouts: ['contiguous'], encode },
  gradient: ({ attributes, cotangents: [dy] }) => [apply(im2colOp, [dy as Tensor], attributes)[0]],
};

/** Options of {@link conv2d}. */
export interface Conv2dOpOptions {
  readonly stride?: number | readonly [number, number];
  /** Zeros around the picture. */
  readonly padding?: number | readonly [number, number];
  /** Pixels from one of a window to the next (default 1). */
  readonly dilation?: number | readonly [number, number];
  /** Runs of channels that are convolved apart, each to its run of outputs (default 1); as many as channels: depthwise. */
  readonly groups?: number;
  /** Order of the axes of x and of the result (default 'NCHW'). 'NHWC' is the one that is computed without rearranging. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** Convolves x·scale + offset, so that bytes can be read as they are; what it pads with stays 0. */
  readonly input?: { readonly scale: number; readonly offset: number };
}

/**
 * Cross-correlation, as PyTorch's `conv2d`: patches as rows, times the weights.
 * @param x [N, C, H, W], or [N, H, W, C] with layout 'NHWC'   @param weight [O, C/groups, kh, kw]   @param bias [O]
 * @returns [N, O, H', W'] or [N, H', W', O], H' = ⌊(H + 2·padding − dilation·(kh − 1) − 1)/stride⌋ + 1
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await conv2d(tensor([[[[1, 2], [3, 4]]]]), ones([1, 1, 2, 2])).toArray(); // [[[[10]]]]
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { stride = 1, padding = 0, dilation = 1, groups = 1, layout = 'NCHW', input }: Conv2dOpOptions = {},
): Tensor<'float32'> {
  if (x.rank !== 4 || weight.rank !== 4)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv2d] expected x and weight of four axes, got ${show(x.shape)} and ${show(weight.shape)}`,
    );
  if (layout !== 'NCHW' && layout !== 'NHWC')
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[conv2d] expected layout 'NCHW' or 'NHWC', got '${String(layout)}'`);
  const picture = layout === 'NCHW' ? permute(x, [0, 2, 3, 1]) : x;
  const read = (bytes: Tensor): Tensor<'float32'> => {
    const values = cast(bytes, 'float32');
    return input ? add(mul(values, input.scale), input.offset) : values;
  };
  const [outputs, inputs, kh, kw] = weight.shape;
  checkGroups('conv2d', groups, outputs);
  const channels = inputs * groups;
  if (picture.shape[3] !== channels)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv2d] expected ${channels} channels (weight ${show(weight.shape)}${groups > 1 ? ` in ${groups} groups` : ''}), got ${picture.shape[3]} in ${layout} ${show(x.shape)}`,
    );
  if (bias && !sameShape(bias.shape, [outputs]))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv2d] expected bias of shape [${outputs}] (weight ${show(weight.shape)}), got ${show(bias.shape)}`,
    );
  const window = windowOf('conv2d', picture.shape, [kh, kw], pair(stride), pair(padding), pair(dilation));
  const patches = tilesExactly(window) ? read(tiles(picture, window)) : apply(im2colOp, [read(picture)], window)[0];
  const columns = reshape(permute(weight, [0, 2, 3, 1]), [outputs, kh * kw * inputs]);
  const product =
    groups === 1
      ? linear(patches, columns, bias, { quantize: 'none' })
      : grouped(patches, columns, bias, groups, inputs);
  const y = reshape(product, [picture.shape[0], ...window.output, outputs]);
  return layout === 'NCHW' ? permute(y, [0, 3, 1, 2]) : y;
}

/**
 * Non-overlapping patches of pictures or clips as rows, in the order of the weights of a convolution.
 * @param x [N, C, H, W] or [N, C, T, H, W]   @param patch one extent for all axes, or one for each
 * @returns [N, patches, C·elements of a patch], patches row-major   @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example patchify(zeros([1, 3, 32, 32]), 8).shape; // [1, 16, 192]
 */
export function patchify<D extends DType>(x: Tensor<D>, patch: number | readonly number[]): Tensor<D> {
  const [samples, channels, ...size] = x.shape;
  const extents = typeof patch === 'number' ? size.map(() => patch) : patch;
  if (![...extents].every((extent) => Number.isInteger(extent) && extent > 0))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[patchify] expected patches of at least 1, got ${show(extents)}`);
  const even = size.every((extent, axis) => extent % extents[axis] === 0);
  if (![4, 5].includes(x.rank) || extents.length !== size.length || !even)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[patchify] expected [N, C, H, W] or [N, C, T, H, W] with extents that are multiples of ${show(extents)}, got ${show(x.shape)}`,
    );
  const counts = size.map((extent, axis) => extent / extents[axis]);
  const split = reshape(x, [samples, channels, ...counts.flatMap((count, axis) => [count, extents[axis]])]);
  const [outer, inner] = [0, 1].map((within) => counts.map((_, axis) => 2 + 2 * axis + within));
  const patches = counts.reduce((product, count) => product * count, 1);
  const width = extents.reduce((product, extent) => product * extent, channels);
  return reshape(permute(split, [0, ...outer, 1, ...inner]), [samples, patches, width]);
}

/** The product of each group's columns of the patches [rows, pixels·groups·inputs] with its weights [outputs, pixels·inputs]. */
function grouped(
  patches: Tensor,
  weights: Tensor,
  bias: Tensor | undefined,
  groups: number,
  inputs: number,
): Tensor<'float32'> {
  const [rows] = patches.shape;
  const [outputs, width] = weights.shape;
  const own = permute(reshape(patches, [rows, width / inputs, groups, inputs]), [2, 0, 1, 3]);
  const columns = permute(reshape(weights, [groups, outputs / groups, width]), [0, 2, 1]);
  const apart = matmul(reshape(own, [groups, rows, width]), columns);
  const y = reshape(permute(apart, [1, 0, 2]), [rows, outputs]);
  return bias ? add(y, cast(bias, 'float32')) : y;
}

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT */
export function checkGroups(op: string, groups: number, outputs: number): void {
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0)
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected groups that divide the ${outputs} outputs, got ${groups}`,
    );
}

/** Whether windows neither overlap nor leave anything out: then each of them is a view, and no element is copied twice. */
function tilesExactly({ kernel, stride, padding, dilation, input: [, h, w] }: Window): boolean {
  return [0, 1].every(
    (axis) =>
      stride[axis] === kernel[axis] && padding[axis] === 0 && dilation[axis] === 1 && [h, w][axis] % kernel[axis] === 0,
  );
}

/** The windows of {@link tilesExactly} as rows, columns in the order kh, kw, c as those of im2col. */
function tiles(picture: Tensor, { kernel: [kh, kw], input: [n, , , c], output: [h, w] }: Window): Tensor {
  return reshape(permute(reshape(picture, [n, h, kh, w, kw, c]), [0, 1, 3, 2, 4, 5]), [n * h * w, kh * kw * c]);
}

export function pair(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

export function windowOf(
  op: string,
  input: readonly number[],
  kernel: readonly [number, number],
  stride: readonly [number, number],
  padding: readonly [number, number],
  dilation: readonly [number, number] = [1, 1],
): Window {
  for (const value of [...kernel, ...stride])
    if (!Number.isInteger(value) || value < 1)
      throw opError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[${op}] expected kernel and stride of at least 1, got ${show(kernel)} and ${show(stride)}`,
      );
  for (const value of dilation)
    if (!Number.isInteger(value) || value < 1)
      throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected dilation of at least 1, got ${show(dilation)}`);
  for (const value of padding)
    if (!Number.isInteger(value) || value < 0)
      throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected non-negative padding, got ${show(padding)}`);
  const reach = kernel.map((extent, axis) => dilation[axis] * (extent - 1) + 1);
  const output = [0, 1].map(
    (axis) => Math.floor((input[axis + 1] + 2 * padding[axis] - reach[axis]) / stride[axis]) + 1,
  ) as [number, number];
  if (output.some((extent) => extent < 1))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[${op}] expected a picture at least as large as the kernel ${show(reach)}, got ${show(input.slice(1, 3))} with padding ${show(padding)}`,
    );
  return { kernel, stride, padding, dilation, input, output };
}
