import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { expectKind, type FileKind, sealed } from '../io/digest.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../io/safetensors.js';

const format = 'jepa-checkpoint';
const version = '1';
const kind: FileKind = {
  format,
  version,
  means: 'to hold a training checkpoint',
  otherVersion: ['resume with the version of jepa that wrote it'],
};

/** A training run frozen between two steps. */
export interface Checkpoint {
  /** Steps done; the next batch is the one of this index. */
  readonly step: number;
  /** Steps that the whole run was planned for, which schedules depend on. */
  readonly steps?: number;
  /** SIMD target that computed it; another one continues by tolerance, not bit by bit. */
  readonly target: string;
  readonly description: Readonly<Record<string, unknown>>;
  readonly state: ReadonlyMap<string, HostTensor>;
}

/** File of a run's latest checkpoint. @example checkpointPath('runs/a'); // 'runs/a/checkpoint.safetensors' */
export function checkpointPath(directory: string): string {
  return join(directory, 'checkpoint.safetensors');
}

/** Writes a checkpoint beside the old one and renames it over it: a crash leaves one of the two whole. */
export async function writeCheckpoint(
  path: string,
  { step, steps, target, description, state }: Checkpoint,
): Promise<void> {
  const metadata: Record<string, string> = {
    format,
    version,
    step: String(step),
    target,
    description: JSON.stringify(description),
  };
  if (steps !== undefined) metadata.steps = String(steps);
  await writeSafetensors(path, state, sealed(metadata, state));
}

/**
 * Reads a checkpoint written by {@link writeCheckpoint}.
 * @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION or ERR_JEPA_IO
 * @example const { step, description } = await readCheckpoint(checkpointPath('runs/a'));
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = await readSafetensors(path);
  const { metadata, tensors } = file;
  expectKind('checkpoint', path, file, kind);
  const whole = (text = ''): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  const step = whole(metadata.step);
  const steps = whole(metadata.steps);
  if (!Number.isSafeInteger(step))
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[checkpoint] expected a step number in ${path}, got '${metadata.step}'`,
    );
  return {
    step,
    ...(Number.isSafeInteger(steps) ? { steps } : {}),
    target: metadata.target ?? 'unknown',
    description: parseDescription(metadata.description, path),
    state: tensors,
  };
}

function parseDescription(text: string | undefined, path: string): Record<string, unknown> {
  try {
    const description = JSON.parse(text ?? '') as unknown;
    if (typeof description !== 'object' || description === null) throw new TypeError(`expected an object, got ${text}`);
    return description as Record<string, unknown>;
  } catch (cause) {
    throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[checkpoint] expected a JSON description in ${path}`, { cause });
  }
}
