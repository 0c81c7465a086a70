import { readdir } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { ioError } from '../io/atomic-file.js';

const pictures = /\.(png|jpe?g|webp|gif|tiff?|avif)$/i;

/** Names in a folder, numbers in them compared by value: frame-9 comes before frame-10 on every machine. @throws JepaError ERR_JEPA_IO */
export async function listFolder(path: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw ioError('read', path, cause);
  });
  const names = (chosen: (entry: (typeof entries)[number]) => boolean): string[] =>
    entries
      .filter((entry) => chosen(entry) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort(naturalOrder);
  return { files: names((entry) => !entry.isDirectory()), folders: names((entry) => entry.isDirectory()) };
}

/** Paths of the pictures in a folder and, where asked, below it. */
export async function listPictures(path: string, { below = false } = {}): Promise<string[]> {
  const { files, folders } = await listFolder(path);
  const own = files.filter((name) => pictures.test(name)).map((name) => join(path, name));
  if (!below) return own;
  const others = await Promise.all(folders.map((name) => listPictures(join(path, name), { below })));
  return [...own, ...others.flat()];
}

/** The path of a name in a folder; undefined for a name that leads out of it, as `../secret` does. */
export function pathBelow(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  const way = relative(folder, path);
  return way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) ? undefined : path;
}

/** Compares names, numbers in them by value. */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/));
  for (let part = 0; part < Math.min(left.length, right.length); part++) {
    const [x, y] = [left[part], right[part]];
    const difference = part % 2 === 1 ? Number(x) - Number(y) : 0; // odd parts are numbers
    if (difference !== 0) return difference;
    if (part % 2 === 0 && x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length || (a < b ? -1 : 1);
}
