import { open } from 'node:fs/promises';
import { JepaError } from '../errors.js';
import { ioError } from './atomic-file.js';

/** Bytes that can be read anywhere: a file, or memory. */
export interface ByteSource {
  readonly size: number;
  /** A copy of a range that lies within the size, so that it is aligned for every typed array and may be changed. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Opens a file for reading, closes it whatever happens, and names it in errors. @throws JepaError ERR_JEPA_IO */
export async function withFile<Result>(
  path: string,
  where: string,
  use: (source: ByteSource) => Promise<Result>,
): Promise<Result> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const read = async (position: number, length: number): Promise<Uint8Array> => {
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length; ) {
          const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 1 << 30), position + done);
          if (bytesRead === 0) throw ended(where, length, done);
          done += bytesRead;
        }
        return bytes;
      };
      return await use({ size, read });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof JepaError)) throw ioError('read', path, error);
    const [sentence] = error.message.split('\n');
    throw new JepaError(error.code, `${sentence} (${path})`, {
      help: error.help,
      details: error.details,
      cause: error,
    });
  }
}

function ended(where: string, length: number, done: number): JepaError {
  const got = `${done}: the file ended while it was read`;
  return new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[${where}] expected ${length} bytes, got ${got}`);
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (position, length) => new Uint8Array(bytes.subarray(position, position + length)),
  };
}
