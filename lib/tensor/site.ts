import { JepaError, type JepaErrorCode, type JepaErrorOptions } from '../errors.js';

/** Where in the user's code something was made: kept as a stack, read only when an error or a printout needs it. */
export interface Site {
  readonly stack?: string;
}

const ownFiles = import.meta.url.slice(0, import.meta.url.lastIndexOf('/tensor/')); // …/dist/esm

export function captureSite(): Site {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 16;
  Error.captureStackTrace(holder, captureSite);
  Error.stackTraceLimit = limit;
  return holder;
}

/** `file:line:column` of the first frame outside this library, or '' if all frames are inside. */
export function describeSite({ stack }: Site): string {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const location = /^ *at (?:.* \()?(?:async )?(.+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (
      !location ||
      location.startsWith('node:') ||
      location.startsWith(ownFiles) ||
      location.startsWith(ownFiles.replace('file://', ''))
    )
      continue;
    return location.replace('file://', '');
  }
  return '';
}

/** The error of an op about its arguments, with the line of the user's code that gave them. */
export function opError(code: JepaErrorCode, message: string, options: JepaErrorOptions = {}): JepaError {
  const site = describeSite(captureSite());
  if (site === '') return new JepaError(code, message, options);
  return new JepaError(code, `${message}\n    at ${site}`, { ...options, details: { ...options.details, site } });
}
