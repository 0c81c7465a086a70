import { JepaError } from '../errors.js';
import { digestOf, expectKind, type FileKind, sealed } from '../io/digest.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../io/safetensors.js';
import type { Module } from '../nn/module.js';
import { checkedConfig } from './check-config.js';
import { compacted, expanded, type WeightFormat, weightFormats } from './compact.js';
import type { InferenceOptions, WorldModelConfig } from './config.js';

const format = 'jepa-world-model';
const version = '1';
const kind: FileKind = {
  format,
  version,
  means: 'to be a world model',
  otherFormat: (found) =>
    found === 'jepa-checkpoint'
      ? ['this is a training checkpoint: resume it with `jepa train --resume`, which writes the model when it is done']
      : [],
  otherVersion: ['load it with the version of jepa that wrote it, or a newer one'],
};

/** Writes a `.jepa` file, its weights as they are or {@link compacted}: safetensors with `format`, `version`, `config` (JSON) and `sha256` in its `__metadata__`. */
export async function writeWorldModel(
  path: string,
  config: WorldModelConfig,
  state: ReadonlyMap<string, HostTensor>,
  weights: WeightFormat = 'float32',
): Promise<void> {
  if (!weightFormats.includes(weights))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[WorldModel.save] expected weights to be 'float32' or 'int8', got ${JSON.stringify(weights)}`,
    );
  const stored = weights === 'int8' ? compacted(state) : state;
  await writeSafetensors(path, stored, sealed({ format, version, config: JSON.stringify(config) }, stored));
}

/** SHA-256 of everything that decides what a model answers: sizes, weights, and what is rounded when it is asked. */
export async function fingerprint(
  config: WorldModelConfig,
  network: Module,
  { precision = 'float32', quantize = 'none' }: InferenceOptions = {},
): Promise<string> {
  return digestOf({ config: JSON.stringify(config), precision, quantize }, await network.stateDict());
}

/** @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CONFIG */
export async function readWorldModel(
  path: string,
): Promise<{ config: WorldModelConfig; state: ReadonlyMap<string, HostTensor> }> {
  const file = await readSafetensors(path);
  const { metadata, tensors } = file;
  expectKind('worldModel', path, file, kind);
  let config: WorldModelConfig;
  try {
    config = JSON.parse(metadata.config ?? '') as WorldModelConfig;
  } catch (cause) {
    throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[worldModel] expected a JSON configuration in ${path}`, {
      cause,
    });
  }
  return { config: checkedConfig(config), state: expanded(tensors) };
}
