import { fileURLToPath } from 'node:url';

/** The repository: this file runs from build/js/bench/harness. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** A compiled contender, to run with Node. */
export function contenderPath(name: string): string {
  return fileURLToPath(new URL(`../contenders/${name}.js`, import.meta.url));
}
