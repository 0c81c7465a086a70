import { JepaError } from '../errors.js';
import type { HostTensor } from '../io/host-tensor.js';
import { checkOptions } from '../io/options.js';
import { actionsOf, toFloat32 } from './actions.js';

/** Recordings of a world: what was seen and done in each of several episodes. Actions are in memory, observations are read in parts. */
export interface Episodes {
  /** One observation: bytes [height, width, channels], or float32 [size]. */
  readonly observation:
    | { readonly kind: 'image'; readonly height: number; readonly width: number; readonly channels: number }
    | {
        readonly kind: 'vector';
        readonly size: number;
        /** Names and units of the readings, where they are known. */
        readonly names?: readonly string[];
        readonly units?: readonly string[];
      };
  /** Frames per second, where it is known. */
  readonly frameRate?: number;
  /** Frames of each episode. */
  readonly lengths: readonly number[];
  /** Numbers in an action. */
  readonly actionSize: number;
  /** Names and units of these numbers, where they are known. */
  readonly actionNames?: readonly string[];
  readonly actionUnits?: readonly string[];
  /** [frames, A] of each episode, action t being taken at frame t. */
  readonly actions: readonly Float32Array[];
  /**
   * `count` observations of an episode: those of frames start, start + stride, …
   * @throws JepaError ERR_JEPA_CORRUPT_SAMPLE
   */
  observe(episode: number, start: number, count: number, stride: number): Promise<Uint8Array | Float32Array>;
}

/** An episode in memory. */
export interface Episode {
  /** [T, H, W, C] or [T, H, W] uint8, or [T, …] float32 or int32 of sensor readings */
  readonly observations: HostTensor;
  /** [T, A] float32, float16 or whole numbers, or [T − 1, A]: the last frame has none. Without them: one action that is always 0. */
  readonly actions?: HostTensor;
}

/**
 * Episodes that are in memory.
 * @param options `frameRate`, frames per second
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE naming the episode that does not fit
 * @example
 * const frames = { dtype: 'uint8', shape: [200, 64, 64, 3], data: pixels };
 * const episodes = episodesOf([{ observations: frames, actions: await readNpy('actions.npy') }], { frameRate: 10 });
 */
export function episodesOf(list: readonly Episode[], options: { readonly frameRate?: number } = {}): Episodes {
  checkOptions('episodesOf', options, ['frameRate']);
  return inMemory(
    'episodesOf',
    list.map((episode, index) => ({ ...episode, name: `episode ${index}` })),
    options,
  );
}

/** {@link episodesOf} for readers of files, with names for errors. */
export function inMemory(
  where: string,
  list: readonly (Episode & { readonly name: string })[],
  { frameRate }: { readonly frameRate?: number },
): Episodes {
  const [first] = list;
  if (!first) throw new JepaError('ERR_JEPA_DATASET', `[${where}] expected at least one episode, got none`);
  const observation = observationOf(where, first.name, first.observations);
  const size =
    observation.kind === 'image' ? observation.height * observation.width * observation.channels : observation.size;
  const values = list.map(({ name, observations }) => {
    const { dtype, shape } = observations;
    const rest = first.observations.shape.slice(1);
    if (dtype !== first.observations.dtype || shape.slice(1).join() !== rest.join())
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[${where}] expected observations [T, ${rest.join(', ')}] of ${first.observations.dtype} in ${name}, as in ${first.name}, got [${shape.join(', ')}] of ${dtype}`,
      );
    return observation.kind === 'image' ? (observations.data as Uint8Array) : toFloat32(observations);
  });
  return {
    observation,
    frameRate,
    lengths: list.map(({ observations }) => observations.shape[0]),
    ...actionsOf(
      where,
      list.map(({ name, actions, observations }) => ({ name, actions, frames: observations.shape[0] })),
    ),
    observe: async (episode, start, count, stride) => stridedRows(values[episode], size, start, count, stride),
  };
}

/** Bytes by rows and columns are pictures, anything else is a vector. */
export function observationOf(where: string, name: string, { dtype, shape }: HostTensor): Episodes['observation'] {
  const [, ...rest] = shape;
  if (dtype === 'uint8' && (rest.length === 2 || rest.length === 3)) {
    const [height, width, channels = 1] = rest;
    if (channels >= 1 && channels <= 4) return { kind: 'image', height, width, channels };
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[${where}] expected pictures [T, height, width, channels] with at most 4 channels in ${name}, got [${shape.join(', ')}]`,
      { help: ['put the channels last: numpy.moveaxis(frames, 1, -1)'] },
    );
  }
  const size = rest.reduce((product, extent) => product * extent, 1);
  if (shape.length === 0 || size === 0)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[${where}] expected observations [T, …] in ${name}, got [${shape.join(', ')}]`,
    );
  return { kind: 'vector', size };
}

/** Rows start, start + stride, … of a table in memory, copied. */
export function stridedRows<Values extends Uint8Array | Float32Array>(
  table: Values,
  size: number,
  start: number,
  count: number,
  stride: number,
): Values {
  const rows = new (table.constructor as new (length: number) => Values)(count * size);
  for (let index = 0; index < count; index++) {
    const at = (start + index * stride) * size;
    rows.set(table.subarray(at, at + size), index * size);
  }
  return rows;
}
