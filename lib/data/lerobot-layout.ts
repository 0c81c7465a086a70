import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { listFolder, pathBelow } from './files.js';
import { ParquetFile } from './parquet.js';

/** What `meta/info.json` says of a column. */
export interface LeRobotFeature {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Where an episode lies: rows first … first + frames − 1 of a Parquet file. */
export interface LeRobotEpisode {
  readonly file: string;
  readonly first: number;
  readonly frames: number;
}

export interface LeRobotLayout {
  readonly frameRate: number;
  readonly features: Readonly<Record<string, LeRobotFeature>>;
  readonly episodes: readonly LeRobotEpisode[];
}

interface Info {
  readonly codebase_version: string;
  readonly fps: number;
  readonly chunks_size: number;
  readonly data_path: string;
  readonly features: Readonly<Record<string, LeRobotFeature>>;
}

/**
 * Reads what a LeRobot dataset of version 2 or 3 says of itself.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_DATASET without episodes
 */
export async function leRobotLayout(path: string): Promise<LeRobotLayout> {
  const [info] = (await jsonLines(join(path, 'meta', 'info.json'), true)) as [Info];
  const { codebase_version, fps, data_path, features, chunks_size } = info;
  const described = isObject(features) && Object.values(features).every(isObject);
  if (typeof data_path !== 'string' || !described || typeof fps !== 'number' || !(fps > 0))
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[leRobotEpisodes] expected fps, data_path and features in ${join(path, 'meta', 'info.json')}, got ${Object.keys(info).join(', ')}`,
    );
  const major = /^v?(\d+)\./.exec(codebase_version ?? '')?.[1];
  if (major !== '2' && major !== '3')
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_VERSION',
      `[leRobotEpisodes] expected a LeRobot dataset of version 2 or 3, got ${codebase_version} in ${path}`,
    );
  const table = major === '3' ? await episodeTable(path) : await episodeLines(path, chunks_size);
  if (table.length === 0)
    throw new JepaError('ERR_JEPA_DATASET', `[leRobotEpisodes] expected episodes in ${path}, got none`);
  const rowsSoFar = new Map<string, number>();
  const episodes = table.map(({ names, frames }, episode) => {
    if (!Number.isSafeInteger(frames) || frames < 1)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[leRobotEpisodes] expected the length of episode ${episode} of ${path} to be a positive integer, got ${frames}`,
      );
    const file = pathBelow(path, filled(data_path, names));
    if (file === undefined)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[leRobotEpisodes] expected data_path to name a file below ${path}, got '${data_path}'`,
      );
    const first = rowsSoFar.get(file) ?? 0;
    rowsSoFar.set(file, first + frames);
    return { file, first, frames };
  });
  return { frameRate: fps, features, episodes };
}

interface Row {
  /** What stands for the names in braces of `data_path`. */
  readonly names: Readonly<Record<string, number>>;
  readonly frames: number;
}

/** Version 3: several episodes a file, as tables in meta/episodes say. */
async function episodeTable(path: string): Promise<Row[]> {
  const columns = ['episode_index', 'length', 'data/chunk_index', 'data/file_index'];
  const rows: (Row & { readonly episode: number })[] = [];
  const root = join(path, 'meta', 'episodes');
  for (const chunk of (await listFolder(root)).folders)
    for (const name of (await listFolder(join(root, chunk))).files) {
      const file = await ParquetFile.open('leRobotEpisodes', join(root, chunk, name));
      for (const row of await file.rows(columns)) {
        const [episode, frames, chunk_index, file_index] = columns.map((column) => Number(row[column]));
        rows.push({ episode, names: { chunk_index, file_index }, frames });
      }
    }
  return rows.sort((a, b) => a.episode - b.episode);
}

/** Version 2: a file for each episode, lengths as lines of JSON. */
async function episodeLines(path: string, chunksSize: number): Promise<Row[]> {
  const lines = await jsonLines(join(path, 'meta', 'episodes.jsonl'), false);
  return lines.map((line) => {
    const { episode_index, length } = line as { readonly episode_index: number; readonly length: number };
    return { names: { episode_index, episode_chunk: Math.floor(episode_index / chunksSize) }, frames: length };
  });
}

/** '{chunk_index:03d}' becomes '007', as Python formats it. */
function filled(template: string, names: Readonly<Record<string, number>>): string {
  return template.replace(/\{(\w+)(?::0(\d\d?)d)?\}/g, (_, name: string, width = '0') => {
    const value = Object.hasOwn(names, name) ? names[name] : undefined;
    if (value === undefined || !Number.isSafeInteger(value) || value < 0)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[leRobotEpisodes] expected a whole number for '${name}' in data_path '${template}', got ${value}`,
      );
    return `${value}`.padStart(Number(width), '0');
  });
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A file that is an object of JSON, or has one a line. */
async function jsonLines(file: string, whole: boolean): Promise<object[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw ioError('read', file, cause);
  });
  try {
    return (whole ? [text] : text.split('\n').filter((line) => line.trim() !== '')).map((line) => {
      const value: unknown = JSON.parse(line);
      if (!isObject(value)) throw new TypeError(`an object was expected, got ${line.slice(0, 40)}`);
      return value;
    });
  } catch (cause) {
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[leRobotEpisodes] expected JSON in ${file}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
