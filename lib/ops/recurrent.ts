import { sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import { add, cast, mul, sigmoid, sub, tanh } from './elementwise.js';
import { linear } from './matmul.js';
import { stack } from './parts.js';
import { reshape, slice } from './views.js';

/**
 * One step of a gated recurrent unit, PyTorch's variant (Cho et al. 2014 with the reset gate after the product):
 * r = σ(xᵣ + hᵣ), z = σ(x_z + h_z), n = tanh(x_n + r·h_n), h' = (1 − z)·n + z·h with x = x·W_ihᵀ + b_ih, h = h·W_hhᵀ + b_hh.
 * @param x [B, I]   @param h [B, H]   @param weightIh [3H, I], rows in the order r, z, n   @param weightHh [3H, H]   @returns [B, H]
 * @example
 * const [x, h] = [ones([2, 3]), zeros([2, 4])];
 * gruCell(x, h, zeros([12, 3]), zeros([12, 4])).shape; // [2, 4]
 */
export function gruCell(
  x: Tensor,
  h: Tensor,
  weightIh: Tensor,
  weightHh: Tensor,
  biasIh?: Tensor,
  biasHh?: Tensor,
): Tensor<'float32'> {
  return gruAdvance(linear(x, weightIh, biasIh), h, weightHh, biasHh);
}

/**
 * {@link gruCell} over a sequence: the products with all inputs are one.
 * @param x [B, T, I]   @param h state before the first step [B, H]   @returns states after every step [B, T, H], and the last [B, H]
 * @throws JepaError ERR_JEPA_SHAPE
 */
export function gru(
  x: Tensor,
  h: Tensor,
  weightIh: Tensor,
  weightHh: Tensor,
  biasIh?: Tensor,
  biasHh?: Tensor,
): { output: Tensor<'float32'>; state: Tensor<'float32'> } {
  const [batch, steps] = x.shape;
  if (x.rank !== 3 || steps < 1)
    throw opError('ERR_JEPA_SHAPE', `[gru] expected x [B, T, I] of at least one step, got ${show(x.shape)}`);
  const projected = linear(x, weightIh, biasIh);
  let state = cast(h, 'float32');
  const states: Tensor<'float32'>[] = [];
  for (let t = 0; t < steps; t++) {
    state = gruAdvance(reshape(slice(projected, 1, t, t + 1), [batch, -1]), state, weightHh, biasHh);
    states.push(state);
  }
  return { output: stack(states, 1), state };
}

/** {@link gruCell} from the input's product x·W_ihᵀ + b_ih [B, 3H], which can be computed for all steps at once. */
export function gruAdvance(projected: Tensor, h: Tensor, weightHh: Tensor, biasHh?: Tensor): Tensor<'float32'> {
  const width = h.shape[h.rank - 1];
  if (!sameShape(projected.shape, [h.shape[0], 3 * width]))
    throw opError(
      'ERR_JEPA_SHAPE',
      `[gruCell] expected gates [${h.shape[0]}, ${3 * width}] for a state ${show(h.shape)}, got ${show(projected.shape)}`,
    );
  const recurrent = linear(h, weightHh, biasHh);
  const state = cast(h, 'float32');
  const gate = (x: Tensor, index: number): Tensor<'float32'> =>
    slice(cast(x, 'float32'), 1, index * width, (index + 1) * width);
  const r = sigmoid(add(gate(projected, 0), gate(recurrent, 0)));
  const z = sigmoid(add(gate(projected, 1), gate(recurrent, 1)));
  const n = tanh(add(gate(projected, 2), mul(r, gate(recurrent, 2))));
  return add(n, mul(z, sub(state, n)));
}
