import { JepaError } from '../errors.js';
import { add, cast, concat, cos, div, floor, mul, neg, reshape, sin, slice, stack, sub } from '../ops/index.js';
import { sameShape, show, type Tensor, tensor } from '../tensor/index.js';

/**
 * 'rotation': both channels of a pair turn by one angle (Su et al. 2021; V-JEPA 2.1). 'tiled': channel j turns by the angle of
 * j mod m/2, so that the channels of a pair have different ones, which is no rotation; released weights of V-JEPA 2 and 2-AC need it.
 */
export type RopeKind = 'rotation' | 'tiled';

export interface RopeOptions {
  readonly kind?: RopeKind;
}

/**
 * Rotary positions: u·cos(p·ω) + v·sin(p·ω) with v = (−u₁, u₀, −u₃, u₂, …) and ω_k = 10000^(−k/(m/2)), computed in float32.
 * @param x queries or keys [B, H, S, m], m even
 * @param positions whole or broken numbers [K] or [B, K]; rows from K on, such as registers, stay as they are
 * @returns [B, H, S, m]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example const q = rope(queries, arange(0, 196));
 */
export function rope(x: Tensor, positions: Tensor, { kind = 'rotation' }: RopeOptions = {}): Tensor<'float32'> {
  const [batch, , rows, width] = x.shape;
  const turned = positions.shape[positions.rank - 1];
  if (x.rank !== 4 || width % 2 !== 0)
    throw new JepaError('ERR_JEPA_SHAPE', `[rope] expected x [B, H, S, m] with an even m, got ${show(x.shape)}`);
  if (!(sameShape(positions.shape, [turned]) || sameShape(positions.shape, [batch, turned])) || turned > rows)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[rope] expected positions [K] or [${batch}, K] of at most ${rows} rows of x ${show(x.shape)}, got ${show(positions.shape)}`,
    );
  if (kind !== 'rotation' && kind !== 'tiled')
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[rope] expected kind 'rotation' or 'tiled', got '${String(kind)}'`,
    );
  const half = width / 2;
  const frequencies = Float32Array.from(
    { length: width },
    (_, j) => 10000 ** (-(kind === 'tiled' ? j % half : Math.floor(j / 2)) / half),
  );
  const places = reshape(cast(positions, 'float32'), [positions.rank === 2 ? batch : 1, 1, turned, 1]);
  const angles = mul(places, tensor(frequencies)); // [1 or B, 1, K, m]
  const values = cast(x, 'float32');
  const u = slice(values, 2, 0, turned);
  const pairs = reshape(u, [...u.shape.slice(0, 3), half, 2]);
  const v = reshape(concat([neg(slice(pairs, 4, 1)), slice(pairs, 4, 0, 1)], 4), u.shape);
  const y = add(mul(u, cos(angles)), mul(v, sin(angles)));
  return turned === rows ? y : concat([y, slice(values, 2, turned)], 2);
}

/** Channels that each of time, row and column turns in a head of d channels: 2·⌊⌊d/3⌋/2⌋. */
export function ropeSegment(headWidth: number): number {
  return 2 * Math.floor(Math.floor(headWidth / 3) / 2);
}

/**
 * Rotary positions in space and time (V-JEPA 2): {@link rope} of the channels [0, m) by time, [m, 2m) by row and [2m, 3m) by column
 * with m = {@link ropeSegment}; the rest stays.
 * @param x queries or keys [B, H, S, d]   @param coordinates [3, K] or [3, B, K], as from {@link tokenCoordinates}   @returns [B, H, S, d]
 * @throws JepaError ERR_JEPA_SHAPE
 * @example const q = rope3d(queries, tokenCoordinates(kept, [16, 16]), { kind: 'tiled' }); // kept [B, K]
 */
export function rope3d(x: Tensor, coordinates: Tensor, options: RopeOptions = {}): Tensor<'float32'> {
  if (x.rank !== 4 || coordinates.shape[0] !== 3 || coordinates.rank < 2)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[rope3d] expected x [B, H, S, d] and coordinates [3, K] or [3, B, K], got ${show(x.shape)} and ${show(coordinates.shape)}`,
    );
  const width = ropeSegment(x.shape[3]);
  const turned = [0, 1, 2].map((axis) =>
    rope(
      slice(x, 3, axis * width, (axis + 1) * width),
      reshape(slice(coordinates, 0, axis, axis + 1), coordinates.shape.slice(1)),
      options,
    ),
  );
  const rest = slice(cast(x, 'float32'), 3, 3 * width);
  return concat(rest.shape[3] === 0 ? turned : [...turned, rest], 3);
}

/**
 * Time, row and column of tokens by their number, row-major over clips of any length.
 * @param ids int32 [...], below 2²²   @param frame [rows, columns] of tokens   @returns int32 [3, ...]
 * @example tokenCoordinates(tensor(Int32Array.of(0, 17)), [4, 4]) // [[0, 1], [0, 0], [0, 1]]
 */
export function tokenCoordinates(ids: Tensor, [rows, columns]: readonly [number, number]): Tensor<'int32'> {
  const whole = cast(ids, 'int32');
  const quotient = (x: Tensor<'int32'>, by: number): Tensor<'int32'> => cast(floor(div(x, by)), 'int32');
  const time = quotient(whole, rows * columns);
  const inFrame = sub(whole, cast(mul(time, rows * columns), 'int32'));
  const row = quotient(inFrame, columns);
  return stack([time, row, sub(inFrame, cast(mul(row, columns), 'int32'))], 0);
}
