import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { JepaError } from '../errors.js';

/**
 * Replaces a file wholly or not at all: writes beside it, syncs, renames over it, syncs the directory.
 * @throws JepaError ERR_JEPA_IO; the old file is untouched and nothing is left behind
 */
export async function writeFileAtomically(path: string, parts: Iterable<Uint8Array | string>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw ioError('write', path, cause);
  }
}

// A rename survives a power failure only when its directory has been synced too. Windows cannot open directories.
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A file system error as a sentence with a remedy. */
export function ioError(verb: 'read' | 'write', path: string, cause: unknown): JepaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const remedies: Record<string, string> = {
    ENOENT: verb === 'read' ? 'check the path' : 'create the directory first',
    EACCES: `check the permissions of ${dirname(path)}`,
    EPERM: `check the permissions of ${dirname(path)}`,
    EROFS: 'the file system is read-only: choose another path',
    ENOSPC: 'the disk is full: free some space; the previous file is whole',
    EDQUOT: 'the disk quota is used up; the previous file is whole',
    EISDIR: 'the path is a directory: name a file in it',
    ENOTDIR: 'a part of the path is a file, not a directory',
  };
  return new JepaError('ERR_JEPA_IO', `[io] cannot ${verb} ${path}: ${code}`, { help: remedies[code] ? [remedies[code]] : [], cause });
}
