import { JepaError } from '../errors.js';
import type { HostTensor } from '../io/host-tensor.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { actionsOf } from './actions.js';
import { type Episodes, stridedRows } from './episodes.js';
import { pathBelow } from './files.js';
import { ImageDecoder, type ImageOptions, imageSize } from './image.js';
import { type LeRobotEpisode, type LeRobotLayout, leRobotLayout } from './lerobot-layout.js';
import { ParquetFile } from './parquet.js';

export interface LeRobotOptions extends ImageOptions {
  /** Column of observations (default: the first of pictures, else 'observation.state'). */
  readonly observations?: string;
  /** Column of actions (default 'action'); null where there are none. */
  readonly actions?: string | null;
}

/**
 * Recorded episodes of a LeRobot dataset on disk, version 2 or 3: tables of numbers and pictures in Parquet files, read by the optional
 * package hyparquet; pictures, decoded as they are read, need sharp too. Columns of video (.mp4) are not read.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_MISSING_PEER, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION;
 *   ERR_JEPA_DATASET without episodes and for a column that does not exist or is video; ERR_JEPA_CORRUPT_SAMPLE for files with fewer rows than
 *   the episodes have, and while reading
 * @example
 * const episodes = await leRobotEpisodes('datasets/pusht_image', { height: 64, width: 64 });
 * const world = WorldModel.create('tiny', await episodeStatistics(episodes));
 */
export async function leRobotEpisodes(path: string, options: LeRobotOptions = {}): Promise<Episodes> {
  checkOptions('leRobotEpisodes', options, ['observations', 'actions', 'height', 'width', 'channels']);
  const layout = await leRobotLayout(path);
  const names = withDefaults({ observations: defaultObservations(layout), actions: 'action' }, options);
  const kind = expectFeature(layout, path, names.observations).dtype;
  if (names.actions !== null) expectFeature(layout, path, names.actions);
  const files = new Map<string, ParquetFile>();
  for (const { file } of layout.episodes)
    if (!files.has(file)) files.set(file, await ParquetFile.open('leRobotEpisodes', file));
  const reader = new Reader(layout.episodes, files);
  reader.expectRows();
  const actions = names.actions === null ? [] : await reader.vectors(names.actions);
  const described = {
    frameRate: layout.frameRate,
    lengths: layout.episodes.map(({ frames }) => frames),
    ...actionsOf(
      'leRobotEpisodes',
      layout.episodes.map(({ frames }, index) => ({
        name: `episode ${index} of ${path}`,
        frames,
        actions: actions[index],
      })),
    ),
  };
  if (kind === 'image') return { ...described, ...(await pictures(path, names.observations, reader, options)) };
  const vectors = await reader.vectors(names.observations);
  const readings = vectors.map(({ data }) => data as Float32Array);
  const [, size] = vectors[0].shape;
  return {
    ...described,
    observation: { kind: 'vector', size },
    observe: async (episode, start, count, stride) => stridedRows(readings[episode], size, start, count, stride),
  };
}

async function pictures(
  path: string,
  column: string,
  reader: Reader,
  options: ImageOptions,
): Promise<Pick<Episodes, 'observation' | 'observe'>> {
  const decoder = await ImageDecoder.load('leRobotEpisodes');
  const encoded = (row: Record<string, unknown> | undefined, name: string): Uint8Array | string => {
    const { bytes, path: file } = (row?.[column] ?? {}) as { readonly bytes?: unknown; readonly path?: unknown };
    if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
    const beside = typeof file === 'string' ? pathBelow(path, file) : undefined;
    if ((bytes ?? undefined) === undefined && beside !== undefined) return beside; // a file where it is not in the table
    throw new JepaError(
      'ERR_JEPA_CORRUPT_SAMPLE',
      `[leRobotEpisodes] expected bytes or a file below ${path} as ${name}, got ${typeof file === 'string' ? `'${file}'` : 'neither'}`,
    );
  };
  const size = await imageSize('leRobotEpisodes', options, async () => {
    const [first] = await reader.rows(0, column, 0, 1);
    const name = `${column} of episode 0`;
    return decoder.size(encoded(first, name), name);
  });
  const length = size.height * size.width * size.channels;
  return {
    observation: { kind: 'image', ...size },
    observe: async (episode, start, count, stride) => {
      const rows = await reader.rows(episode, column, start, start + (count - 1) * stride + 1);
      const seen = new Uint8Array(count * length);
      const decode = async (index: number): Promise<void> => {
        const name = `${column} of frame ${start + index * stride} of episode ${episode}`;
        seen.set(await decoder.decode(encoded(rows[index * stride], name), name, size), index * length);
      };
      await Promise.all(Array.from({ length: count }, (_, index) => decode(index)));
      return seen;
    },
  };
}

/** Rows of episodes. */
class Reader {
  constructor(
    readonly episodes: readonly LeRobotEpisode[],
    readonly files: ReadonlyMap<string, ParquetFile>,
  ) {}

  /** @throws JepaError ERR_JEPA_CORRUPT_SAMPLE where a file ends before an episode in it does */
  expectRows(): void {
    for (const [episode, { file, first, frames }] of this.episodes.entries()) {
      const { count } = this.#file(file);
      if (first + frames > count)
        throw new JepaError(
          'ERR_JEPA_CORRUPT_SAMPLE',
          `[leRobotEpisodes] expected rows ${first} to ${first + frames - 1} for episode ${episode} in ${file}, got a file of ${count}`,
        );
    }
  }

  async rows(episode: number, column: string, start: number, end: number): Promise<Record<string, unknown>[]> {
    const { file, first } = this.episodes[episode];
    return this.#file(file).rows([column], first + start, first + end);
  }

  /** A column of numbers or of lists of numbers of all episodes, [frames, size] each. */
  async vectors(column: string): Promise<HostTensor[]> {
    const columns = new Map<string, unknown[]>();
    for (const [path, file] of this.files)
      columns.set(
        path,
        (await file.rows([column])).map((row) => row[column]),
      );
    return this.episodes.map(({ file, first, frames }, episode) => {
      const rows = (columns.get(file) ?? []).slice(first, first + frames);
      const values = rows.flatMap((row) =>
        Array.isArray(row) || ArrayBuffer.isView(row) ? [...(row as number[])] : [row],
      );
      const data = Float32Array.from(values, Number);
      const size = data.length / frames;
      if (rows.length !== frames || !Number.isInteger(size))
        throw new JepaError(
          'ERR_JEPA_SHAPE',
          `[leRobotEpisodes] expected ${frames} rows of equal size for '${column}' of episode ${episode} in ${file}, got ${rows.length} with ${data.length} numbers`,
        );
      return { dtype: 'float32', shape: [frames, size], data };
    });
  }

  #file(path: string): ParquetFile {
    return this.files.get(path) as ParquetFile; // every episode's file has been opened
  }
}

function defaultObservations({ features }: LeRobotLayout): string {
  return Object.keys(features).find((name) => features[name].dtype === 'image') ?? 'observation.state';
}

function expectFeature({ features }: LeRobotLayout, path: string, name: string): { readonly dtype: string } {
  const feature = Object.hasOwn(features, name) ? features[name] : undefined;
  if (feature && feature.dtype !== 'video') return feature;
  throw new JepaError(
    'ERR_JEPA_DATASET',
    `[leRobotEpisodes] expected a column '${name}' of numbers or pictures in ${path}, got ${feature ? 'video' : Object.keys(features).join(', ')}`,
    {
      help: feature
        ? ['decode it into folders of frames, and use frameFolders: ffmpeg -i episode.mp4 episode/%06d.png']
        : ['name the columns: { observations: …, actions: … }'],
    },
  );
}
