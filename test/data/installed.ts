import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../package/source-files.js';

/** Whether an optional package is there, as it is after `npm ci`: what needs one is skipped elsewhere. */
export function installed(name: string): boolean {
  return existsSync(join(root, 'node_modules', name));
}
