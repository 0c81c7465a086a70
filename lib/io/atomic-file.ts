import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { JepaError, kindOf } from '../errors.js';

let written = 0;

/**
 * Replaces a file wholly or not at all: writes beside it, syncs, renames over it, syncs the directory. A symbolic link keeps pointing
 * where it does; what is no file (`/dev/stdout`, a pipe) is written to, for a rename would put a file in its place.
 * @throws JepaError ERR_JEPA_IO; the old file is untouched and nothing is left behind
 * @example await writeFileAtomically('run/config.json', [JSON.stringify(config)]);
 */
export async function writeFileAtomically(path: string, parts: Iterable<Uint8Array | string>): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target === undefined) await writeInto(path, parts);
    else await replace(target, parts);
  } catch (cause) {
    throw ioError('write', path, cause);
  }
}

/**
 * Fails at once where writing would fail after hours of work: makes and removes a file beside the path, which stays as it is.
 * @throws JepaError ERR_JEPA_IO
 */
export async function expectWritable(path: string): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target === undefined) return;
    const temporary = temporaryBeside(target);
    await (await open(temporary, 'w')).close();
    await rm(temporary, { force: true });
  } catch (cause) {
    throw ioError('write', path, cause);
  }
}

/** The file that a path names, links followed; undefined for devices and pipes. */
async function targetOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (!found) return path;
  if (found.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
  return found.isFile() ? realpath(path) : undefined;
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${threadId}-${written++}.partial`);
}

async function writeInto(path: string, parts: Iterable<Uint8Array | string>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const part of parts) await file.writeFile(part);
  } finally {
    await file.close();
  }
}

async function replace(path: string, parts: Iterable<Uint8Array | string>): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await removeAbandoned(path);
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
    throw cause;
  }
}

// A process that was killed while it wrote leaves its partial file behind; nobody else would ever remove it.
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix)) continue;
    const writer = /^(\d+)-\d+-\d+\.partial$/.exec(name.slice(prefix.length))?.[1];
    if (writer && !isRunning(Number(writer))) await rm(join(dirname(path), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
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

/** A file system error as a sentence with a remedy. Errors that are not the file system's come back as they are. */
export function ioError(verb: 'read' | 'write', path: string, cause: unknown): unknown {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_INVALID_ARG_TYPE' && typeof path !== 'string')
    return new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[io] expected the path of a file to ${verb}, got ${kindOf(path)}`,
      {
        cause,
      },
    );
  if (cause instanceof JepaError || !code || (!syscall && !Object.hasOwn(remedies, code))) return cause;
  const remedy = Object.hasOwn(remedies, code) ? remedies[code] : undefined;
  const help = remedy ? [typeof remedy === 'string' ? remedy : remedy[verb]] : [];
  return new JepaError('ERR_JEPA_IO', `[io] cannot ${verb} ${path}: ${code}`, { help, cause });
}

const remedies: Record<string, string | { read: string; write: string }> = {
  ENOENT: { read: 'check the path', write: 'create the directory first' },
  EACCES: { read: 'check the permissions of the file', write: 'check the permissions of its directory' },
  EPERM: { read: 'check the permissions of the file', write: 'check the permissions of its directory' },
  EROFS: 'the file system is read-only: choose another path',
  ENOSPC: 'the disk is full: free some space; the previous file is whole',
  EDQUOT: 'the disk quota is used up; the previous file is whole',
  EFBIG: 'the file is larger than this file system or process may write; the previous file is whole',
  EISDIR: 'the path is a directory: name a file in it',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'a part of the path is a file, not a directory', // of mkdir, where the last directory is a file
  EMFILE: 'too many files are open: close some, or raise `ulimit -n`',
};
