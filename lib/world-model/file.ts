import { JepaError } from '../errors.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../io/safetensors.js';
import { checkedConfig, type WorldModelConfig } from './config.js';

const format = 'jepa-world-model';
const version = '1';

/** Writes a `.jepa` file: safetensors with `format`, `version` and `config` (JSON) in its `__metadata__`. */
export async function writeWorldModel(
  path: string,
  config: WorldModelConfig,
  state: ReadonlyMap<string, HostTensor>,
): Promise<void> {
  await writeSafetensors(path, state, { format, version, config: JSON.stringify(config) });
}

/** @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CONFIG */
export async function readWorldModel(
  path: string,
): Promise<{ config: WorldModelConfig; state: ReadonlyMap<string, HostTensor> }> {
  const { metadata, tensors } = await readSafetensors(path);
  if (metadata.format !== format) {
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[worldModel] expected ${path} to be a world model (format '${format}'), got format '${metadata.format ?? 'none'}'`,
      {
        help:
          metadata.format === 'jepa-checkpoint'
            ? [
                'this is a training checkpoint: resume it with `jepa train --resume`, which writes the model when it is done',
              ]
            : [],
      },
    );
  }
  if (metadata.version !== version) {
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_VERSION',
      `[worldModel] expected version ${version}, got ${metadata.version} in ${path}`,
      { help: ['load it with the version of jepa that wrote it, or a newer one'] },
    );
  }
  let config: WorldModelConfig;
  try {
    config = JSON.parse(metadata.config ?? '') as WorldModelConfig;
  } catch (cause) {
    throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[worldModel] expected a JSON configuration in ${path}`, {
      cause,
    });
  }
  return { config: checkedConfig(config), state: tensors };
}
