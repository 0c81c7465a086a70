import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';
import { JepaError } from '../errors.js';

const deflate = promisify(deflateRaw) as (bytes: Uint8Array) => Promise<Buffer>;

/** What one member is made of; its parts follow each other. */
export interface ZipContent {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

const limit32 = 0xffffffff;
/** 1 January 1980, the zip format's first day: the same content gives the same bytes. */
const date = 0x21;

/**
 * The parts of a zip archive. Members and archive stay below 4 GiB, so that no field needs Zip64.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT
 */
export async function encodeZip(contents: Iterable<ZipContent>, compress: boolean): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, parts: content } of contents) {
    const rawName = Buffer.from(name);
    if (rawName.toString() !== name || rawName.length > 0xffff)
      invalid('names of whole characters, at most 65,535 bytes', `'${name.slice(0, 60)}'`);
    const size = byteLength(content);
    const packed = compress ? [await deflate(Buffer.concat(content))] : content;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // format version that a reader must know
    fields.writeUInt16LE(/^[\0-\x7f]*$/.test(name) ? 0 : 0x800, 2); // name in UTF-8
    fields.writeUInt16LE(compress ? 8 : 0, 4);
    fields.writeUInt16LE(date, 8);
    const packedSize = byteLength(packed);
    if (Math.max(size, packedSize, offset) > limit32)
      invalid(`an archive below 4 GiB`, `${Math.max(size, packedSize, offset)} bytes at '${name}'`);
    fields.writeUInt32LE(
      // zlib gives 0 for no bytes, whatever went before.
      content.reduce((checksum, part) => (part.byteLength > 0 ? crc32(part, checksum) : checksum), 0),
      10,
    );
    fields.writeUInt32LE(packedSize, 14);
    fields.writeUInt32LE(size, 18);
    fields.writeUInt16LE(rawName.length, 22);
    const header = [signature(0x04034b50), fields, rawName, ...packed];
    parts.push(...header);
    const place = Buffer.alloc(14); // no comment, disk 0, no attributes
    place.writeUInt32LE(offset, 10);
    directory.push(signature(0x02014b50), Buffer.of(20, 0), fields, place, rawName);
    offset += byteLength(header);
  }
  const count = directory.length / 5;
  const end = Buffer.alloc(18);
  const length = byteLength(directory);
  if (count >= 0xffff || offset + length > limit32)
    invalid('fewer than 65,535 members and 4 GiB', `${count} and ${offset + length} bytes`);
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(length, 8);
  end.writeUInt32LE(offset, 12);
  return [...parts, ...directory, signature(0x06054b50), end];
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength: length }) => sum + length, 0);
}

function invalid(expected: string, got: string): never {
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[zip] expected ${expected}, got ${got}`, {
    help: ['write several files'],
  });
}
