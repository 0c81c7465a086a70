import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import type { HostTensor } from '../io/host-tensor.js';
import { readNpy } from '../io/npy.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { actionsOf } from './actions.js';
import type { Episodes } from './episodes.js';
import { listFolder, listPictures } from './files.js';
import { ImageDecoder, type ImageOptions, imageSize } from './image.js';

export interface FrameFolderOptions extends ImageOptions {
  /** Frames per second. */
  readonly frameRate?: number;
  /** Name of the file of actions beside the frames (default 'actions.npy' where there is one). */
  readonly actions?: string;
}

/**
 * Recorded episodes as folders of frames: each folder in `path` is an episode, its pictures in the order of their names (numbers by
 * value) are the frames, and `actions.npy` beside them has a row of numbers for each. A folder without folders is one episode.
 * Without any actions the world is only watched: there is one action that is always 0. Pictures are decoded by the optional package sharp.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_MISSING_PEER, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_DATASET without any
 *   frame or where no folder has the file of actions that was asked for, ERR_JEPA_SHAPE where actions do not belong to the frames; while reading ERR_JEPA_CORRUPT_SAMPLE
 * @example
 * const episodes = await frameFolders('recordings', { height: 64, width: 64, frameRate: 15 }); // recordings/morning/000.png …
 * const batches = clipBatches(episodes, { frames: 16, seed: 1 });
 */
export async function frameFolders(path: string, options: FrameFolderOptions = {}): Promise<Episodes> {
  checkOptions('frameFolders', options, ['height', 'width', 'channels', 'frameRate', 'actions']);
  const { frameRate, actions: actionFile } = withDefaults({ actions: 'actions.npy' }, options);
  const { folders } = await listFolder(path);
  const places = folders.length > 0 ? folders.map((name) => join(path, name)) : [path];
  const recorded: { name: string; files: string[]; frames: number; actions?: HostTensor }[] = [];
  for (const name of places) {
    const files = await listPictures(name);
    if (files.length === 0) continue;
    const actions = await actionsIn(join(name, actionFile));
    recorded.push({ name, files, frames: files.length, actions });
  }
  const [first] = recorded;
  if (!first)
    throw new JepaError('ERR_JEPA_DATASET', `[frameFolders] expected folders of pictures in ${path}, got none`);
  if (options.actions !== undefined && recorded.every(({ actions }) => !actions))
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[frameFolders] expected a file '${actionFile}' beside the frames in ${path}, got no folder with one`,
      { help: ["leave `actions` out where frames are only watched: there are none then but those of 'actions.npy'"] },
    );
  const decoder = await ImageDecoder.load('frameFolders');
  const size = await imageSize('frameFolders', options, () => decoder.size(first.files[0], first.files[0]));
  const bytes = size.height * size.width * size.channels;
  return {
    observation: { kind: 'image', ...size },
    frameRate,
    lengths: recorded.map(({ frames }) => frames),
    ...actionsOf('frameFolders', recorded),
    observe: async (episode, start, count, stride) => {
      const seen = new Uint8Array(count * bytes);
      const decode = async (index: number): Promise<void> => {
        const file = recorded[episode].files[start + index * stride];
        seen.set(await decoder.decode(file, file, size), index * bytes);
      };
      await Promise.all(Array.from({ length: count }, (_, index) => decode(index)));
      return seen;
    },
  };
}

async function actionsIn(file: string): Promise<HostTensor | undefined> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw ioError('read', file, cause);
  });
  return found ? readNpy(file) : undefined;
}
