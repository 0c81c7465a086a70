import type { Clips } from '../data/clips.js';
import { type HostObservations, mapModalities } from '../data/modalities.js';
import { JepaError, kindOf } from '../errors.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { ModalityConfig, WorldModelConfig } from './config.js';
import { frameOf } from './observations.js';

export type { Clips };

/** The tensors of what clips have in memory. */
export type TensorsOfClips<Data extends HostObservations> = Data extends Uint8Array | Float32Array
  ? Tensor
  : { readonly [Name in keyof Data]: Tensor };

/**
 * Observations and actions of clips as tensors of the shapes that a model takes.
 * @param where what errors begin with
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE, ERR_JEPA_INVALID_ARGUMENT for other modalities and for what are no clips
 */
export function clipTensors<Data extends HostObservations>(
  config: WorldModelConfig,
  given: Clips<Data>,
  where = 'worldModel',
): [observations: TensorsOfClips<Data>, actions: Tensor] {
  expectParts(config, given, where);
  const { clips, frames, observations, actions } = given;
  return [
    mapModalities(where, config.observation, observations as HostObservations, (values, modality) => {
      const { shape, dtype } = frameOf(modality);
      return tensor(values, { shape: [clips, frames, ...shape], dtype });
    }) as TensorsOfClips<Data>,
    tensor(actions, { shape: [clips, frames, config.action.size] }),
  ];
}

/** All that clips are made of. */
export function expectParts({ observation, action }: WorldModelConfig, clips: unknown, where = 'worldModel'): void {
  const names = ['clips', 'frames', 'observations', 'actions'];
  const given = (typeof clips === 'object' && clips !== null ? clips : {}) as Readonly<Record<string, unknown>>;
  const missing = names.filter((name) => given[name] === undefined || given[name] === null);
  if (missing.length === 0) return;
  const seen = (modality: ModalityConfig, name = ''): string => {
    const { shape, dtype } = frameOf(modality);
    return `${name}${dtype} [clips, frames, ${shape.join(', ')}]`;
  };
  const observations =
    observation.kind === 'multimodal'
      ? Object.entries(observation.modalities).map(([name, modality]) => seen(modality, `'${name}' `))
      : [seen(observation)];
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[${where}] expected an object with ${names.join(', ')}, got ${given === clips ? `an object without ${missing.join(', ')}` : kindOf(clips)}`,
    {
      help: [
        `clips and frames are numbers, observations ${observations.join(', ')}, actions float32 [clips, frames, ${action.size}], in typed arrays`,
      ],
    },
  );
}
