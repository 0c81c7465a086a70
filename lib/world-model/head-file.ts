import { JepaError } from '../errors.js';
import { expectKind, sealed } from '../io/digest.js';
import { type HostTensor, readSafetensors, type SafetensorsFile, writeSafetensors } from '../io/safetensors.js';
import type { Module } from '../nn/module.js';
import { fingerprint } from './file.js';
import type { WorldModel } from './world-model.js';

/** A kind of file with a head that belongs to one world model, in the weights that it was trained beside. */
export interface HeadKind {
  /** Of errors. */
  readonly where: string;
  readonly format: string;
  readonly version: string;
  /** What errors call it, such as 'a critic', and in short. */
  readonly called: string;
  readonly short: string;
  /** How to make one. */
  readonly help: string;
}

/** Writes one safetensors file. @param more metadata beside the kind's   @throws JepaError ERR_JEPA_IO */
export async function writeHead(
  path: string,
  { format, version }: HeadKind,
  { world, head }: { readonly world: WorldModel; readonly head: Module },
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const state = await head.stateDict();
  const model = await fingerprint(world.config, world.network);
  await writeSafetensors(path, state, sealed({ format, version, model, ...more }, state));
}

/**
 * A file of a kind that belongs to `world`, its weights finite.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CHECKPOINT_MISMATCH
 */
export async function readHead(path: string, kind: HeadKind, world: WorldModel): Promise<SafetensorsFile> {
  const { where, format, version, called } = kind;
  const file = await readSafetensors(path);
  expectKind(where, path, file, { format, version, means: `to be ${called}` });
  if (file.metadata.model !== (await fingerprint(world.config, world.network))) throw otherModel(kind, ` ${path}:`);
  for (const [name, { data }] of file.tensors) {
    if (!(data instanceof Float32Array)) continue; // refused where the head is filled
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad !== undefined)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[${where}] expected ${name} of finite numbers, got ${bad} in ${path}`,
      );
  }
  return file;
}

export function otherModel({ where, short, help }: HeadKind, at = ''): JepaError {
  return new JepaError(
    'ERR_JEPA_CHECKPOINT_MISMATCH',
    `[${where}]${at} expected ${short} of this model, got one of another, or of this one before it was trained on`,
    { help: [help] },
  );
}

/** Fills the head of a new owner with weights of a file, or disposes of it. @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT */
export async function filled<Owner extends { readonly head: Module; dispose(): void }>(
  owner: Owner,
  tensors: ReadonlyMap<string, HostTensor>,
  path: string,
  { where, called }: HeadKind,
): Promise<Owner> {
  try {
    await owner.head.loadStateDict(tensors);
  } catch (cause) {
    owner.dispose();
    const message = `[${where}] expected the weights of ${called}, got others in ${path}`;
    throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', message, { cause });
  }
  return owner;
}
