import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkGroups, conv2d } from './conv.js';
import { concat, pad } from './parts.js';
import { permute, reshape, slice } from './views.js';

type Triple = readonly [number, number, number];

/** Options of {@link conv3d}: times, rows, columns, or one number for all. */
export interface Conv3dOpOptions {
  readonly stride?: number | Triple;
  /** Zeros around the clip. */
  readonly padding?: number | Triple;
  /** Frames and pixels from one of a window to the next (default 1). */
  readonly dilation?: number | Triple;
  /** Runs of channels that are convolved apart, as in {@link conv2d} (default 1). */
  readonly groups?: number;
}

/**
 * Cross-correlation of clips, as PyTorch's `conv3d`: frames that one window sees become channels of a picture, and one {@link conv2d}
 * convolves them all.
 * @param x [N, C, T, H, W]   @param weight [O, C/groups, kt, kh, kw]   @param bias [O]   @returns [N, O, T', H', W']
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example const tubelets = conv3d(clip, weight, bias, { stride: [2, 16, 16] }); // weight [D, 3, 2, 16, 16]
 */
export function conv3d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv3dOpOptions = {},
): Tensor<'float32'> {
  if (x.rank !== 5 || weight.rank !== 5)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv3d] expected x and weight of five axes, got ${show(x.shape)} and ${show(weight.shape)}`,
    );
  const [clips, channels, frames, height, width] = x.shape;
  const [outputs, inputs, kt, kh, kw] = weight.shape;
  checkGroups('conv3d', groups, outputs);
  if (channels !== inputs * groups || (bias && !sameShape(bias.shape, [outputs])))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv3d] expected ${inputs * groups} channels and bias [${outputs}] (weight ${show(weight.shape)}), got x ${show(x.shape)}${bias ? ` and bias ${show(bias.shape)}` : ''}`,
    );
  const [st, ...strides] = triple(stride);
  const [pt, ...paddings] = triple(padding);
  const [dt, ...dilations] = triple(dilation);
  if (![st, kt, dt].every((value) => Number.isInteger(value) && value >= 1) || !(Number.isInteger(pt) && pt >= 0))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[conv3d] expected whole steps in time, got stride ${st}, padding ${pt}, dilation ${dt}`,
    );
  const reach = dt * (kt - 1) + 1;
  const times = Math.floor((frames + 2 * pt - reach) / st) + 1;
  if (times < 1)
    throw opError(
      'ERR_JEPA_SHAPE',
      `[conv3d] expected a clip at least as long as the kernel of ${reach} frames, got ${frames} with padding ${pt}`,
    );
  const none = [0, 0];
  const padded = permute(pad(x, [none, none, [pt, pt], none, none]), [0, 2, 3, 4, 1]); // [N, T, H, W, C]
  const seen = Array.from({ length: kt }, (_, k) => slice(padded, 1, k * dt, k * dt + (times - 1) * st + 1, st));
  const byFrame = reshape(concat(seen, 4), [clips * times, height, width, kt, groups, inputs]);
  const pictures = reshape(groups === 1 ? byFrame : permute(byFrame, [0, 1, 2, 4, 3, 5]), [
    clips * times,
    height,
    width,
    kt * channels,
  ]);
  const kernel = reshape(permute(weight, [0, 2, 1, 3, 4]), [outputs, kt * inputs, kh, kw]);
  const y = conv2d(pictures, kernel, bias, {
    stride: [strides[0], strides[1]],
    padding: [paddings[0], paddings[1]],
    dilation: [dilations[0], dilations[1]],
    groups,
    layout: 'NHWC',
  });
  return permute(reshape(y, [clips, times, ...y.shape.slice(1)]), [0, 4, 1, 2, 3]);
}

function triple(value: number | Triple): Triple {
  return typeof value === 'number' ? [value, value, value] : value;
}
