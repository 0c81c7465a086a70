import { JepaError } from '../errors.js';
import type { DType } from '../io/dtypes.js';
import type { HostTensor } from '../io/host-tensor.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { actionsOf } from './actions.js';
import { type Episodes, observationOf } from './episodes.js';
import { naturalOrder } from './files.js';
import { type Hdf5Array, Hdf5File } from './hdf5.js';

export interface Hdf5EpisodesOptions {
  /** The dataset of observations, [N, H, W, C] uint8 or [N, …] numbers (default 'pixels'). */
  readonly observations?: string;
  /** The dataset of actions, [N, A] (default 'action'); null where there are none. */
  readonly actions?: string | null;
  /** Frames per second. */
  readonly frameRate?: number;
}

/** Episodes of an open file. */
export interface Hdf5Episodes extends Episodes {
  /** Closes the file; reading on throws ERR_JEPA_DISPOSED. */
  close(): void;
}

/** Where an episode lies: rows first … first + frames − 1 of two datasets. */
interface Place {
  readonly name: string;
  readonly observations: Hdf5Array;
  readonly actions: Hdf5Array | undefined;
  readonly first: number;
  readonly frames: number;
  /** Rows of actions: as many as frames, or in a group of its own what there are. */
  readonly actionRows: number;
}

/**
 * Recorded episodes in an HDF5 file, read in parts by the optional package h5wasm. Two layouts are known:
 *
 * - columns, as stable-worldmodel and LeWorldModel (Push-T and others) write them: every dataset holds the rows of all episodes, one after
 *   the other, and `ep_len` and `ep_offset` say where each begins;
 * - a group for each episode, at the top or in `data`, as robomimic and Minari write them: name datasets by their paths in a group, such
 *   as 'obs/agentview_image'.
 *
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_MISSING_PEER, ERR_JEPA_UNKNOWN_OPTION; ERR_JEPA_CHECKPOINT_FORMAT for other files, ERR_JEPA_DATASET
 *   and ERR_JEPA_SHAPE where datasets are missing or do not belong together, ERR_JEPA_DTYPE for compressions that HDF5 itself lacks (Blosc,
 *   Zstandard); while reading ERR_JEPA_CORRUPT_SAMPLE
 * @example
 * const episodes = await hdf5Episodes('pusht_expert_train.h5', { frameRate: 10 });
 * const batches = clipBatches(episodes, { frames: 4, frameSkip: 5, seed: 1 });
 */
export async function hdf5Episodes(path: string, options: Hdf5EpisodesOptions = {}): Promise<Hdf5Episodes> {
  checkOptions('hdf5Episodes', options, ['observations', 'actions', 'frameRate']);
  const names = withDefaults({ observations: 'pixels', actions: 'action' }, options);
  const file = await Hdf5File.open('hdf5Episodes', path);
  try {
    return episodesIn(file, names);
  } catch (error) {
    file.close();
    throw error;
  }
}

function episodesIn(
  file: Hdf5File,
  { observations, actions, frameRate }: Hdf5EpisodesOptions & { readonly observations: string },
): Hdf5Episodes {
  const names = { observations, actions: actions ?? undefined };
  const places = file.array('ep_len') ? columnPlaces(file, names) : groupPlaces(file, names);
  const [first] = places;
  const described = describe(file, first);
  const observation = observationOf('hdf5Episodes', `'${observations}' of ${file.path}`, described);
  for (const place of places) {
    if (place.observations === first.observations) continue;
    const { dtype, shape } = describe(file, place);
    if (dtype === described.dtype && shape.slice(1).join() === described.shape.slice(1).join()) continue;
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[hdf5Episodes] expected observations [T, ${described.shape.slice(1).join(', ')}] of ${described.dtype} in ${place.name}, got [${shape.join(', ')}] of ${dtype}`,
    );
  }
  const recorded = places.map((place) => ({
    ...place,
    actions: place.actions && actionsAt(file, place.actions, place),
  }));
  return {
    observation,
    frameRate,
    lengths: places.map(({ frames }) => frames),
    ...actionsOf('hdf5Episodes', recorded),
    observe: async (episode, start, count, stride) => {
      const { observations: array, first: offset } = places[episode];
      const from = offset + start;
      const rows = file.rows(array, from, from + (count - 1) * stride + 1, stride);
      return observation.kind === 'image' ? (rows as Uint8Array) : Float32Array.from(rows, Number);
    },
    close: () => file.close(),
  };
}

function columnPlaces(file: Hdf5File, names: { observations: string; actions?: string }): Place[] {
  const [lengths, offsets] = ['ep_len', 'ep_offset'].map((name) => {
    const array = expectArray(file, name);
    return Array.from(file.rows(array, 0, array.shape?.[0] ?? 0), Number);
  });
  const observations = expectArray(file, names.observations);
  const actions = names.actions === undefined ? undefined : expectArray(file, names.actions);
  const rows = Math.min(...[observations, actions].map((array) => array?.shape?.[0] ?? Number.POSITIVE_INFINITY));
  if (lengths.length === 0 || offsets.length !== lengths.length)
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[hdf5Episodes] expected ep_len and ep_offset of the same episodes in ${file.path}, got ${lengths.length} and ${offsets.length}`,
    );
  return lengths.map((frames, episode) => {
    const first = offsets[episode];
    if (frames < 0 || first < 0 || first + frames > rows)
      throw new JepaError(
        'ERR_JEPA_DATASET',
        `[hdf5Episodes] expected episode ${episode} of ${file.path} within ${rows} rows, got rows ${first} to ${first + frames - 1}`,
      );
    return { name: `episode ${episode} of ${file.path}`, observations, actions, first, frames, actionRows: frames };
  });
}

function groupPlaces(file: Hdf5File, names: { observations: string; actions?: string }): Place[] {
  const above = file.names('data').length > 0 ? 'data/' : '';
  const places: Place[] = [];
  for (const group of file.names(above).sort(naturalOrder)) {
    const prefix = `${above}${group}/`;
    const observations = file.array(`${prefix}${names.observations}`);
    if (!observations) continue;
    const actions = names.actions === undefined ? undefined : expectArray(file, `${prefix}${names.actions}`);
    const name = `${above}${group} of ${file.path}`;
    const [frames, actionRows] = [observations, actions].map((array) => array?.shape?.[0] ?? 0);
    places.push({ name, observations, actions, first: 0, frames, actionRows });
  }
  if (places.length > 0) return places;
  throw new JepaError(
    'ERR_JEPA_DATASET',
    `[hdf5Episodes] expected '${names.observations}' beside ep_len and ep_offset, or in a group for each episode, in ${file.path}, got ${listed(file, above)}`,
    { help: ['name the datasets: { observations: …, actions: … }'] },
  );
}

function expectArray(file: Hdf5File, name: string): Hdf5Array {
  const array = file.array(name);
  if (array) return array;
  throw new JepaError(
    'ERR_JEPA_DATASET',
    `[hdf5Episodes] expected '${name}' in ${file.path}, got ${listed(file, '')}`,
    {
      help: ['name the datasets: { observations: …, actions: … }; actions: null where there are none'],
    },
  );
}

function listed(file: Hdf5File, group: string): string {
  const names = file.names(group);
  return names.length === 0 ? 'nothing' : `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
}

/** Shape and kind of the observations, from none of their rows. */
function describe(file: Hdf5File, { observations }: Place): HostTensor {
  const rows = file.rows(observations, 0, 0);
  const dtype: DType = rows instanceof Uint8Array ? 'uint8' : 'float32';
  return { dtype, shape: observations.shape ?? [], data: new Uint8Array(0) };
}

function actionsAt(file: Hdf5File, array: Hdf5Array, { first, actionRows }: Place): HostTensor {
  const data = Float32Array.from(file.rows(array, first, first + actionRows), Number);
  return { dtype: 'float32', shape: [actionRows, ...(array.shape ?? []).slice(1)], data };
}
