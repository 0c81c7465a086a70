import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

export const root = new URL('../../', import.meta.url).pathname;

/** Every file below the folders whose name ends as asked; folders that do not exist are empty. */
export function sourceFiles(folders: readonly string[], ending: RegExp): SourceFile[] {
  return folders.flatMap((folder) => {
    let names: string[];
    try {
      names = readdirSync(join(root, folder), { recursive: true }) as string[];
    } catch {
      return [];
    }
    return names
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => ending.test(path) && !path.includes('node_modules'))
      .sort()
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  });
}
