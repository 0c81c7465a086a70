import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerDependencies } from './version.js';

/** An optional package, as it is found here. */
export interface OptionalPackage {
  readonly needed: string;
  /** What it must be, as package.json has it. */
  readonly range: string;
  /** Null where it is not installed. */
  readonly version: string | null;
  /** Why it cannot be used though it is installed. */
  readonly problem?: string;
}

/** What each is for, and what of it is imported where that is not its main entry. */
const uses: Readonly<Record<string, { readonly needed: string; readonly entry?: string }>> = {
  '@dimforge/rapier2d-deterministic-compat': { needed: 'the physics suite' },
  h5wasm: { needed: 'HDF5 files', entry: 'h5wasm/node' },
  hyparquet: { needed: 'LeRobot datasets and Parquet files' },
  'hyparquet-compressors': { needed: 'compressed Parquet files' },
  sharp: { needed: 'folders of pictures and frames' },
};

/** All optional packages of this one. */
export async function optionalPackages(): Promise<Record<string, OptionalPackage>> {
  const found: Record<string, OptionalPackage> = {};
  for (const [name, range] of Object.entries(peerDependencies())) {
    const { needed = 'an optional part', entry = name } = uses[name] ?? {};
    found[name] = { needed, range, ...(await installed(name, entry)) };
  }
  return found;
}

async function installed(name: string, entry: string): Promise<Pick<OptionalPackage, 'version' | 'problem'>> {
  let file: string;
  try {
    file = fileURLToPath(import.meta.resolve(entry));
  } catch {
    return { version: null };
  }
  const version = versionAbove(name, file);
  try {
    await import(entry);
    return { version };
  } catch (error) {
    return { version, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Version in the package.json of this name in a folder above a file. Packages need not export theirs. */
function versionAbove(name: string, file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (manifest.name === name) return String(manifest.version);
    } catch {
      // No such file here, or one of a folder inside the package: the next one up.
    }
  return 'unknown';
}
