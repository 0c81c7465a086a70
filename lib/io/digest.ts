import { createHash } from 'node:crypto';
import { JepaError } from '../errors.js';
import type { HostTensor, SafetensorsFile } from './safetensors.js';

/** Key of the digest in a file's metadata. */
const key = 'sha256';

/** Metadata with the SHA-256 of everything that the file says, by which damage shows that leaves the file's size as it was. */
export function sealed(
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, HostTensor>,
): Record<string, string> {
  return { ...metadata, [key]: digestOf(metadata, tensors) };
}

/** What a kind of file says of itself in its metadata. */
export interface FileKind {
  readonly format: string;
  readonly version: string;
  /** What errors expect the file to do, such as 'to be a world model'. */
  readonly means: string;
  /** What to do with a file of another format, or of another version. */
  readonly otherFormat?: (format: string | undefined) => readonly string[];
  readonly otherVersion?: readonly string[];
}

/**
 * Refuses a file of another kind or version, and one that does not hold what was written into it.
 * @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION
 */
export function expectKind(
  where: string,
  path: string,
  file: SafetensorsFile,
  { format, version, means, otherFormat, otherVersion = [] }: FileKind,
): void {
  const { metadata } = file;
  if (metadata.format !== format)
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[${where}] expected ${path} ${means} (format '${format}'), got format '${metadata.format ?? 'none'}'`,
      { help: otherFormat?.(metadata.format) ?? [] },
    );
  if (metadata.version !== version)
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_VERSION',
      `[${where}] expected version ${version}, got ${metadata.version} in ${path}`,
      { help: otherVersion },
    );
  expectWhole(where, path, file);
}

/** @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT if a file does not hold what was written into it */
export function expectWhole(where: string, path: string, { metadata, tensors }: SafetensorsFile): void {
  const { [key]: written, ...rest } = metadata;
  const found = digestOf(rest, tensors);
  if (found === written) return;
  throw new JepaError(
    'ERR_JEPA_CHECKPOINT_FORMAT',
    `[${where}] expected contents with SHA-256 ${written ?? 'in the metadata'}, got ${found} in ${path}`,
    { help: ['the file is damaged: take a copy, or write it again'] },
  );
}

/** Over metadata and tensors in the order of their names; each part's length or shape keeps neighbours apart. */
export function digestOf(metadata: Readonly<Record<string, string>>, tensors: ReadonlyMap<string, HostTensor>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(metadata).sort()) hash.update(JSON.stringify([name, metadata[name]]));
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, data } = tensors.get(name) as HostTensor;
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
