import { JepaError } from '../../errors.js';
import { concat, slice } from '../../ops/index.js';
import type { Tensor } from '../../tensor/index.js';
import type { Layer } from '../module.js';
import { mse } from './distance.js';

/**
 * Inverse dynamics: the action, told from the embeddings around it; keeps what the agent controls in the representation.
 * With `frames` 2 the head sees [z_t, z_{t+1}] and names a_t; with 3 [z_t, z_{t+1}, z_{t+2}] and a_{t+1}: a force is an
 * acceleration, which two frames cannot show.
 * @param embeddings [B, T, D]   @param actions [B, T or more, A], action t taken at frame t   @param head [..., frames·D] → [..., A]
 * @returns mean squared error, a scalar
 * @example
 * const head = new MLP(2 * 8, 32, 2); // [z_t, z_{t+1}] → a_t
 * const loss = inverseDynamics(normal([4, 16, 8], { seed: 1 }), zeros([4, 16, 2]), head);
 */
export function inverseDynamics(
  embeddings: Tensor,
  actions: Tensor,
  head: Pick<Layer, 'forward'>,
  { frames = 2 }: { readonly frames?: number } = {},
): Tensor {
  const steps = embeddings.shape[1] - frames + 1;
  if (frames < 2 || steps < 1)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[inverseDynamics] expected at least ${Math.max(frames, 2)} frames, got embeddings [${embeddings.shape.join(', ')}]`,
    );
  const windows = concat(
    Array.from({ length: frames }, (_, offset) => slice(embeddings, 1, offset, offset + steps)),
    -1,
  );
  return mse(head.forward(windows), slice(actions, 1, frames - 2, frames - 2 + steps));
}
