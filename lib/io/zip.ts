import { promisify } from 'node:util';
import { crc32, type InflateRaw, inflateRaw } from 'node:zlib';
import { JepaError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { type ZipMember, zipDirectory } from './zip-directory.js';

const inflate = promisify(inflateRaw) as unknown as (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
) => Promise<{ readonly buffer: Buffer; readonly engine: InflateRaw }>;

/** A zip archive whose directory has been checked; members are read one by one. */
export interface ZipArchive {
  /** In the order of the directory. */
  readonly members: ReadonlyMap<string, ZipMember>;
  /** The bytes of a member: as many as the directory says, with the checksum that it says. @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT */
  read(name: string): Promise<Uint8Array>;
}

/**
 * Opens a zip archive as Python's zipfile writes it: members stored or deflated, sizes from the directory at its end, Zip64 where there is
 * any. What is ambiguous is refused: members that overlap (a zip bomb's trick) or occur twice, and headers that disagree with the directory.
 * @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT
 */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const { members, end } = await zipDirectory(source);
  const starts = await dataStarts(source, members, end);
  const read = async (name: string): Promise<Uint8Array> => {
    const member = members.get(name);
    const start = starts.get(name);
    if (!member || start === undefined) return refuse(`a member '${name}'`, `${members.size} others`);
    const bytes = await source.read(start, member.packedSize);
    const content = member.method === 'stored' ? bytes : await unpacked(member, bytes);
    const checksum = crc32(content);
    if (checksum !== member.checksum)
      refuse(`the checksum ${hex(member.checksum)} for '${name}'`, `${hex(checksum)}: the file is damaged`);
    return content;
  };
  return { members, read };
}

/** Where each member's bytes begin, behind a header that repeats its name. @param end where the directory begins */
async function dataStarts(
  source: ByteSource,
  members: ReadonlyMap<string, ZipMember>,
  end: number,
): Promise<Map<string, number>> {
  const starts = new Map<string, number>();
  let free = 0;
  for (const member of [...members.values()].sort((a, b) => a.offset - b.offset)) {
    const { name, rawName, offset, packedSize } = member;
    if (offset < free || offset + 30 > end) refuse(`'${name}' at bytes ${free} to ${end}`, `${offset}`);
    const header = Buffer.from(await source.read(offset, 30));
    if (header.readUInt32LE() !== 0x04034b50) refuse(`a member at byte ${offset}`, 'other bytes');
    const nameLength = header.readUInt16LE(26);
    const start = offset + 30 + nameLength + header.readUInt16LE(28);
    if (start + packedSize > end)
      refuse(`'${name}' to end before the directory at byte ${end}`, `${start + packedSize}`);
    if (!rawName.equals(await source.read(offset + 30, nameLength)))
      refuse(`'${name}' as the name at byte ${offset}`, 'another one');
    starts.set(name, start);
    free = start + packedSize;
  }
  return starts;
}

async function unpacked({ name, size, packedSize }: ZipMember, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    // One byte more than is due shows a member that is larger than it says, without unpacking the rest of it.
    const { buffer, engine } = await inflate(bytes, { maxOutputLength: size + 1, info: true });
    if (buffer.length === size && engine.bytesWritten === packedSize) return buffer;
    return refuse(`${size} bytes out of ${packedSize} in '${name}'`, `${buffer.length} out of ${engine.bytesWritten}`);
  } catch (error) {
    if (error instanceof JepaError) throw error;
    return refuse(`${size} deflated bytes in '${name}'`, `others (${(error as Error).message})`);
  }
}

const hex = (checksum: number): string => checksum.toString(16).padStart(8, '0');

function refuse(expected: string, got: string): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[zip] expected ${expected}, got ${got}`);
}
