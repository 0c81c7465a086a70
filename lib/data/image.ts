import { JepaError } from '../errors.js';
import { importPeer } from './peer.js';

/** What pictures become: [height, width, channels] of bytes. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
  /** 3 (sRGB) or 1 (grey). */
  readonly channels: number;
}

/** The part of sharp that is used. */
interface Sharp {
  metadata(): Promise<{ readonly width: number; readonly height: number }>;
  resize(options: { readonly width: number; readonly height: number; readonly fit: 'fill' }): Sharp;
  removeAlpha(): Sharp;
  toColourspace(space: 'srgb' | 'b-w'): Sharp;
  raw(options: { readonly depth: 'uchar' }): Sharp;
  toBuffer(options: { readonly resolveWithObject: true }): Promise<{
    readonly data: Buffer;
    readonly info: { readonly width: number; readonly height: number; readonly channels: number };
  }>;
}

type Open = (input: string | Uint8Array) => Sharp;

/** Decodes pictures by sharp, an optional package with threads of its own. */
export class ImageDecoder {
  readonly #where: string;
  readonly #open: Open;

  private constructor(where: string, open: Open) {
    this.#where = where;
    this.#open = open;
  }

  /** @throws JepaError ERR_JEPA_MISSING_PEER */
  static async load(where: string): Promise<ImageDecoder> {
    const { default: open } = await importPeer<{ default: Open }>(where, 'sharp', '0.35');
    return new ImageDecoder(where, open);
  }

  /**
   * JPEG, PNG, WebP and others as bytes [height, width, channels], stretched to the size where they have another (Lanczos).
   * @param input a file or its bytes   @param name for errors
   * @throws JepaError ERR_JEPA_CORRUPT_SAMPLE for what cannot be read or is damaged
   */
  async decode(input: string | Uint8Array, name: string, { height, width, channels }: ImageSize): Promise<Uint8Array> {
    const { data, info } = await this.#open(input)
      .resize({ width, height, fit: 'fill' })
      .removeAlpha()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch((cause: unknown) => this.#corrupt(name, cause));
    if (info.channels !== channels)
      this.#corrupt(name, new Error(`${info.channels} channels where ${channels} were expected`));
    return new Uint8Array(data); // memory of its own, which may go to another thread
  }

  /** The extents of a picture. @throws JepaError ERR_JEPA_CORRUPT_SAMPLE */
  async size(input: string | Uint8Array, name: string): Promise<{ readonly height: number; readonly width: number }> {
    const { height, width } = await this.#open(input)
      .metadata()
      .catch((cause: unknown) => this.#corrupt(name, cause));
    return { height, width };
  }

  #corrupt(name: string, cause: unknown): never {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new JepaError(
      'ERR_JEPA_CORRUPT_SAMPLE',
      `[${this.#where}] expected a picture in ${name}, got one that cannot be decoded: ${message}`,
      { cause },
    );
  }
}

export interface ImageOptions {
  /** Extents that pictures are stretched to (default: those of the first picture). */
  readonly height?: number;
  readonly width?: number;
  /** 3 for colours (default), 1 for grey. */
  readonly channels?: number;
}

/** The size that options ask for; what they leave out is that of a picture. */
export async function imageSize(
  where: string,
  { height, width, channels = 3 }: ImageOptions,
  first: () => Promise<{ readonly height: number; readonly width: number }>,
): Promise<ImageSize> {
  for (const [name, value] of Object.entries({ height, width }))
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[${where}] expected ${name} to be a positive integer, got ${value}`,
      );
  if (channels !== 1 && channels !== 3)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected channels to be 1 or 3, got ${channels}`);
  const natural = height === undefined || width === undefined ? await first() : { height, width };
  return { height: height ?? natural.height, width: width ?? natural.width, channels };
}
