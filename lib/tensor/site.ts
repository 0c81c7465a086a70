import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JepaError, type JepaErrorCode, type JepaErrorOptions } from '../errors.js';

/** Where in the user's code something was made: kept as a stack, read only when an error or a printout needs it. */
export interface Site {
  readonly stack?: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
// As they are, and as source maps name them.
const ownFolders = [`${root}dist${sep}`, `${root}lib${sep}`];
const depth = 48; // a model's layers, and the ops under them, lie between the caller and here

export function captureSite(): Site {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  Error.captureStackTrace(holder, captureSite);
  Error.stackTraceLimit = limit;
  return holder;
}

/** `file:line:column` of the first frame outside this library, or '' if all frames are inside. */
export function describeSite({ stack }: Site): string {
  for (const line of String(stack ?? '').split('\n')) {
    const location = /^ *at (?:.* \()?(?:async )?(.+):(\d+:\d+)\)?$/.exec(line);
    if (!location) continue;
    const [, file, position] = location;
    if (file.startsWith('node:')) continue;
    const path = file.startsWith('file://') ? fileURLToPath(file) : file;
    if (!ownFolders.some((folder) => path.startsWith(folder))) return `${path}:${position}`;
  }
  return '';
}

/** The error of an op about its arguments, with the line of the user's code that gave them. */
export function opError(code: JepaErrorCode, message: string, options: JepaErrorOptions = {}): JepaError {
  const site = describeSite(captureSite());
  if (site === '') return new JepaError(code, message, options);
  return new JepaError(code, `${message}\n    at ${site}`, { ...options, details: { ...options.details, site } });
}
