import { apply } from '../tensor/op.js';
import { show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { im2colOp, pair, windowOf } from './conv.js';
import { ones } from './create.js';
import { cast, div } from './elementwise.js';
import { pad } from './parts.js';
import { max, mean } from './reduce.js';
import { reshape } from './views.js';

type Extents = number | readonly [number, number];

export interface PoolOptions {
  /** Default: the window, so that windows do not overlap. */
  readonly stride?: Extents;
  readonly padding?: Extents;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether zeros of the padding count as elements (default true, as in PyTorch). */
  readonly countPadding?: boolean;
}

/**
 * Mean over windows. @param x [N, C, H, W]   @returns [N, C, H', W']   @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await avgPool2d(tensor([[[[1, 2], [3, 4]]]]), 2).toArray(); // [[[[2.5]]]]
 */
export function avgPool2d(
  x: Tensor,
  kernel: Extents,
  { stride = kernel, padding = 0, countPadding = true }: AvgPoolOptions = {},
): Tensor<'float32'> {
  const pool = (picture: Tensor): Tensor<'float32'> => {
    const { rows, shape } = windows('avgPool2d', picture, kernel, stride, padding);
    return reshape(mean(rows, { axes: [1] }), shape);
  };
  const everywhere = countPadding || pair(padding).every((width) => width === 0);
  return everywhere ? pool(x) : div(pool(x), pool(ones(x.shape)));
}

/**
 * Largest element of each window; NaN wins, equal ones share the gradient.
 * @param x [N, C, H, W]   @returns [N, C, H', W']   @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await maxPool2d(tensor([[[[1, 2], [3, 4]]]]), 2).toArray(); // [[[[4]]]]
 */
export function maxPool2d(
  x: Tensor,
  kernel: Extents,
  { stride = kernel, padding = 0 }: PoolOptions = {},
): Tensor<'float32'> {
  const [down, across] = pair(padding);
  const [kh, kw] = pair(kernel);
  if (!(2 * down <= kh && 2 * across <= kw))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[maxPool2d] expected a padding of at most half the kernel ${show([kh, kw])}, got ${show([down, across])}`,
    );
  const bordered =
    x.rank === 4 && down + across > 0
      ? pad(cast(x, 'float32'), [[0, 0], [0, 0], [down, down], [across, across]], Number.NEGATIVE_INFINITY) // biome-ignore format: an axis each
      : x;
  const { rows, shape } = windows('maxPool2d', bordered, kernel, stride, 0);
  return reshape(max(rows, { axes: [1] }), shape);
}

/** The windows of every channel as rows, and the shape of what they are pooled to. */
function windows(
  op: string,
  x: Tensor,
  kernel: Extents,
  stride: Extents,
  padding: Extents,
): { rows: Tensor<'float32'>; shape: readonly number[] } {
  if (x.rank !== 4) throw opError('ERR_JEPA_SHAPE', `[${op}] expected x [N, C, H, W], got ${show(x.shape)}`);
  const [n, c, h, w] = x.shape;
  const window = windowOf(op, [n * c, h, w, 1], pair(kernel), pair(stride), pair(padding));
  const [rows] = apply(im2colOp, [reshape(cast(x, 'float32'), [n * c, h, w, 1])], window) as Tensor<'float32'>[];
  return { rows, shape: [n, c, ...window.output] };
}
