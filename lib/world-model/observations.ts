import { allOf, mapEach, type PerModality, valuesOf } from '../data/modalities.js';
import { Tensor, tensor } from '../tensor/index.js';
import type { ModalityConfig, ObservationConfig } from './config.js';

/** What a model sees: [B, T, H, W, C] uint8 pixels or [B, T, size] float32 readings; of several modalities each, by name. */
export type Observations = PerModality<Tensor>;

/** Shape and dtype of one frame. */
export function frameOf(modality: ModalityConfig): {
  readonly shape: readonly number[];
  readonly dtype: 'uint8' | 'float32';
} {
  return modality.kind === 'image'
    ? { shape: [modality.height, modality.width, modality.channels], dtype: 'uint8' }
    : { shape: [modality.size], dtype: 'float32' };
}

/** Clips and frames of observations, of whatever modalities. */
export function extentsOf(observations: Observations): readonly [clips: number, frames: number] {
  const [{ shape }] = valuesOf(observations);
  return [shape[0], shape[1]];
}

/** Materialised observations with so many axes of extent 1 in front. What is no tensor stays, for the model to refuse. */
export async function withLeadingAxes(observations: Observations, axes: number): Promise<Observations> {
  return allOf(
    mapEach(observations, async (given) => {
      if (!(given instanceof Tensor)) return given;
      const shape = [...new Array<number>(axes).fill(1), ...given.shape];
      return tensor(await given.data(), { shape, dtype: given.dtype });
    }),
  );
}

/** What is seen, as a sentence tells it. */
export function describedObservation(observation: ObservationConfig): string {
  if (observation.kind === 'image')
    return `${observation.height} × ${observation.width} × ${observation.channels} pixels`;
  if (observation.kind === 'vector') return `vectors of ${observation.size}`;
  const modalities = Object.entries(observation.modalities).map(
    ([name, modality]) => `'${name}' of ${describedObservation(modality)}`,
  );
  return `several modalities, ${modalities.join(' and ')}`;
}
