import type { Clips } from '../data/clips.js';
import { type HostObservations, mapModalities } from '../data/modalities.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModelConfig } from './config.js';
import { frameOf } from './observations.js';

export type { Clips };

/** The tensors of what clips have in memory. */
export type TensorsOfClips<Data extends HostObservations> = Data extends Uint8Array | Float32Array
  ? Tensor
  : { readonly [Name in keyof Data]: Tensor };

/**
 * Observations and actions of clips as tensors of the shapes that a model takes.
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE, ERR_JEPA_INVALID_ARGUMENT for other modalities
 */
export function clipTensors<Data extends HostObservations>(
  { observation, action }: WorldModelConfig,
  { clips, frames, observations, actions }: Clips<Data>,
): [observations: TensorsOfClips<Data>, actions: Tensor] {
  const given: HostObservations = observations;
  return [
    mapModalities('worldModel', observation, given, (values, modality) => {
      const { shape, dtype } = frameOf(modality);
      return tensor(values, { shape: [clips, frames, ...shape], dtype });
    }) as TensorsOfClips<Data>,
    tensor(actions, { shape: [clips, frames, action.size] }),
  ];
}
