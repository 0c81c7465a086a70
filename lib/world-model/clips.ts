import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModelConfig } from './config.js';

/** Clips on the host. */
export interface Clips {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, H, W, C] uint8, or [clips, frames, size] float32 */
  readonly observations: Uint8Array | Float32Array;
  /** [clips, frames, A] in the world's units */
  readonly actions: Float32Array;
}

/** Observations and actions of clips as tensors of the shapes that a model takes. @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE */
export function clipTensors(
  { observation, action }: WorldModelConfig,
  { clips, frames, observations, actions }: Clips,
): [observations: Tensor, actions: Tensor] {
  const image = observation.kind === 'image';
  const shape = image ? [observation.height, observation.width, observation.channels] : [observation.size];
  return [
    tensor(observations, { shape: [clips, frames, ...shape], dtype: image ? 'uint8' : 'float32' }),
    tensor(actions, { shape: [clips, frames, action.size] }),
  ];
}
