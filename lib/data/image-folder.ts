import { relative, sep } from 'node:path';
import { JepaError } from '../errors.js';
import type { HostTensor } from '../io/host-tensor.js';
import { checkOptions } from '../io/options.js';
import { Indexed, type IndexedDataset } from './dataset.js';
import { listPictures } from './files.js';
import { ImageDecoder, type ImageOptions, imageSize } from './image.js';

/** A picture of a folder. */
export interface ImageSample {
  /** [height, width, channels] uint8 */
  readonly pixels: HostTensor;
  /** [] int32: place of its class, the first folder on its path, among `classes`; −1 where it lies in none. */
  readonly label: HostTensor;
  /** From the folder to the file. */
  readonly path: string;
}

/** An indexed dataset of pictures. */
export interface ImageFolder extends IndexedDataset<ImageSample> {
  /** Names of the folders in it, in order. */
  readonly classes: readonly string[];
}

/**
 * The pictures in a folder and in those below it, in the order of their paths (numbers by value), decoded as they are read by the optional
 * package sharp: JPEG, PNG, WebP, GIF (its first frame), TIFF, AVIF. The folders at the top are classes, as torchvision's ImageFolder has it;
 * where there are some, pictures beside them have no class, and a warning of the process (JEPA_UNLABELLED) says so.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_MISSING_PEER, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_DATASET without any
 *   picture; while reading ERR_JEPA_CORRUPT_SAMPLE
 * @example
 * const images = skipCorrupt(await imageFolder('photos', { height: 64, width: 64 }));
 * for await (const { pixels, label } of batch(shuffle(images, { seed: 1 }), 32)) … // [32, 64, 64, 3], [32]
 */
export async function imageFolder(path: string, options: ImageOptions = {}): Promise<ImageFolder> {
  checkOptions('imageFolder', options, ['height', 'width', 'channels']);
  const files = await listPictures(path, { below: true });
  if (files.length === 0)
    throw new JepaError('ERR_JEPA_DATASET', `[imageFolder] expected pictures in ${path} or below it, got none`);
  const decoder = await ImageDecoder.load('imageFolder');
  const size = await imageSize('imageFolder', options, () => decoder.size(files[0], files[0]));
  const parts = files.map((file) => relative(path, file).split(sep));
  const classes = [...new Set(parts.flatMap((names) => (names.length > 1 ? [names[0]] : [])))];
  const beside = parts.filter(({ length }) => length === 1);
  if (classes.length > 0 && beside.length > 0)
    process.emitWarning(
      `${beside.length} of ${parts.length} pictures lie in ${path} beside its class folders (${beside[0][0]} for one) and get the label −1`,
      { code: 'JEPA_UNLABELLED' },
    );
  const get = async (index: number): Promise<ImageSample> => {
    const data = await decoder.decode(files[index], files[index], size);
    const [top] = parts[index];
    return {
      pixels: { dtype: 'uint8', shape: [size.height, size.width, size.channels], data },
      label: { dtype: 'int32', shape: [], data: Int32Array.of(parts[index].length > 1 ? classes.indexOf(top) : -1) },
      path: parts[index].join('/'),
    };
  };
  return Object.assign(new Indexed('imageFolder', get, files.length), { classes });
}
