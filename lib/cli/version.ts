import { readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** The version in package.json. */
export function packageVersion(): string {
  return manifest().version;
}

/** Optional packages and their ranges in package.json. */
export function peerDependencies(): Manifest['peerDependencies'] {
  return manifest().peerDependencies;
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as Manifest;
}
