import { arange } from '../tensor/create.js';
import { show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, mul } from './elementwise.js';
import { matmul } from './matmul.js';
import { stack } from './parts.js';
import { softmax } from './reduce.js';
import { broadcastTo, reshape } from './views.js';

/** Options of {@link softArgmax}. */
export interface SoftArgmaxOptions {
  /** Divides x: the smaller, the nearer to the largest element's place (default 1). */
  readonly temperature?: number;
  /** Places from −1 to 1 at the centres of the outermost pixels (default), or in pixels from 0. */
  readonly coordinates?: 'normalized' | 'pixel';
}

/**
 * Where each channel is large: the mean place under softmax(x/temperature) over its pixels (spatial softmax: Levine et al. 2016; Finn et al. 2016).
 * @param x [N, C, H, W]   @returns [N, C, 2], along the width and along the height
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await softArgmax(tensor([[[[0, 50], [0, 0]]]]), { coordinates: 'pixel' }).toArray(); // [[[1, 0]]]
 */
export function softArgmax(
  x: Tensor,
  { temperature = 1, coordinates = 'normalized' }: SoftArgmaxOptions = {},
): Tensor<'float32'> {
  if (x.rank !== 4 || x.shape[2] * x.shape[3] === 0)
    throw opError('ERR_JEPA_SHAPE', `[softArgmax] expected x [N, C, H, W] with pixels, got ${show(x.shape)}`);
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[softArgmax] expected a temperature above 0, got ${String(temperature)}`,
    );
  if (coordinates !== 'normalized' && coordinates !== 'pixel')
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[softArgmax] expected coordinates 'normalized' or 'pixel', got '${String(coordinates)}'`,
    );
  const [samples, channels, height, width] = x.shape;
  const pixels = height * width;
  const scores = reshape(mul(cast(x, 'float32'), 1 / temperature), [samples * channels, pixels]);
  const places = (count: number, shape: readonly number[]): Tensor => {
    const [scale, first] = coordinates === 'pixel' ? [1, 0] : [2 / Math.max(count - 1, 1), -1]; // a single one lies at −1
    return broadcastTo(reshape(add(mul(arange(0, count, 'float32'), scale), first), shape), [height, width]);
  };
  const grid = reshape(stack([places(width, [1, width]), places(height, [height, 1])], 2), [pixels, 2]);
  return reshape(matmul(softmax(scores, -1), grid, { precision: 'float32' }), [samples, channels, 2]); // places keep all their digits
}
