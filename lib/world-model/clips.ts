import type { Clips } from '../data/clips.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModelConfig } from './config.js';

export type { Clips };

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
