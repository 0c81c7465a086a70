import { JepaError } from '../errors.js';
import type { ByteSource } from './byte-source.js';

/** A file in a zip archive, as the directory at the archive's end describes it. */
export interface ZipMember {
  readonly name: string;
  readonly rawName: Buffer;
  readonly method: 'stored' | 'deflated';
  readonly checksum: number;
  /** Bytes in the archive, and unpacked. */
  readonly packedSize: number;
  readonly size: number;
  /** Where the header before its bytes begins. */
  readonly offset: number;
}

interface Place {
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

const endLength = 22;
const longest16 = 0xffff;
const longest32 = 0xffffffff;
/** Names of more arrays than that are an attack on memory. */
const maxDirectoryBytes = 1 << 27;
const maxMembers = 100_000;

/** The members of an archive, and where its directory begins. @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT */
export async function zipDirectory(
  source: ByteSource,
): Promise<{ readonly members: ReadonlyMap<string, ZipMember>; readonly end: number }> {
  const place = await directoryPlace(source);
  const bytes = Buffer.from(await source.read(place.offset, place.length));
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let index = 0; index < place.count; index++) {
    const { member, next } = memberAt(bytes, at);
    if (members.has(member.name)) refuse(`'${member.name}' once`, 'it twice');
    members.set(member.name, member);
    at = next;
  }
  if (at !== bytes.length) refuse(`a directory of ${at} bytes for ${place.count} members`, `${bytes.length}`);
  return { members, end: place.offset };
}

/** The record at the very end says where the directory is; a comment of up to 65,535 bytes may follow it. */
async function directoryPlace(source: ByteSource): Promise<Place> {
  const length = Math.min(source.size, endLength + longest16);
  const base = source.size - length;
  const tail = Buffer.from(await source.read(base, length));
  for (let at = length - endLength; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || at + endLength + tail.readUInt16LE(at + 20) !== length) continue;
    const place = {
      count: tail.readUInt16LE(at + 10),
      length: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    if (tail.readUInt32LE(at + 4) !== 0) refuse('an archive in one piece', 'a part of several');
    const needs64 = place.count === longest16 || place.length === longest32 || place.offset === longest32;
    const locator = base + at - 20;
    const { end, ...found } = needs64 ? await place64(source, locator) : { ...place, end: base + at };
    if (found.length > maxDirectoryBytes || found.count > maxMembers)
      refuse(`at most ${maxMembers} members`, `${found.count} in a directory of ${found.length} bytes`);
    if (found.offset + found.length !== end)
      refuse(`the directory to end at byte ${end}`, `${found.offset + found.length}`);
    return found;
  }
  return refuse('a zip archive, which ends with a directory', source.size === 0 ? 'no bytes' : 'other bytes');
}

/** Zip64: a locator just before the end, and a record where it points, with fields of 64 bits. */
async function place64(source: ByteSource, locatorAt: number): Promise<Place & { readonly end: number }> {
  if (locatorAt < 56) refuse('a Zip64 record', `${locatorAt} bytes before its end`);
  const locator = Buffer.from(await source.read(locatorAt, 20));
  const recordAt = locatorAt - 56;
  if (locator.readUInt32LE() !== 0x07064b50 || number64(locator, 8) !== recordAt)
    refuse(`a Zip64 record at byte ${recordAt}`, 'none');
  const record = Buffer.from(await source.read(recordAt, 56));
  if (record.readUInt32LE() !== 0x06064b50) refuse(`a Zip64 record at byte ${recordAt}`, 'other bytes');
  return {
    count: number64(record, 32),
    length: number64(record, 40),
    offset: number64(record, 48),
    end: recordAt,
  };
}

function memberAt(bytes: Buffer, at: number): { readonly member: ZipMember; readonly next: number } {
  if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) refuse('a whole directory', 'a truncated one');
  const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
  const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
  const next = extraEnd + bytes.readUInt16LE(at + 32);
  if (next > bytes.length) refuse('a whole directory', 'a truncated one');
  const rawName = bytes.subarray(at + 46, nameEnd);
  const flags = bytes.readUInt16LE(at + 8);
  const name = nameOf(rawName, (flags & 0x800) !== 0);
  if (flags & 1) refuse(`'${name}' without a password`, 'an encrypted member');
  const method = bytes.readUInt16LE(at + 10);
  if (method !== 0 && method !== 8) refuse(`'${name}' stored or deflated`, `compression method ${method}`);
  const [size, packedSize, offset] = sizesOf(name, bytes.subarray(nameEnd, extraEnd), [
    bytes.readUInt32LE(at + 24),
    bytes.readUInt32LE(at + 20),
    bytes.readUInt32LE(at + 42),
  ]);
  if (method === 0 && packedSize !== size) refuse(`${size} stored bytes in '${name}'`, `${packedSize}`);
  const checksum = bytes.readUInt32LE(at + 16);
  return {
    member: { name, rawName, method: method === 0 ? 'stored' : 'deflated', checksum, packedSize, size, offset },
    next,
  };
}

/** Sizes and offset; those that are all ones stand as 64 bits in the extra field 1, in this order. */
function sizesOf(name: string, extra: Buffer, narrow: readonly number[]): readonly number[] {
  if (!narrow.includes(longest32)) return narrow;
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    if (id === 1 && at + 4 + length <= extra.length) {
      const wide = extra.subarray(at + 4, at + 4 + length);
      let used = 0;
      return narrow.map((value) => {
        if (value !== longest32) return value;
        if (used + 8 > wide.length) refuse(`all Zip64 sizes of '${name}'`, 'some');
        used += 8;
        return number64(wide, used - 8);
      });
    }
    at += 4 + length;
  }
  return refuse(`the Zip64 sizes of '${name}'`, 'none');
}

/** Names are UTF-8 where the member says so; older encodings agree with it on ASCII only. */
function nameOf(bytes: Buffer, isUtf8: boolean): string {
  try {
    if (isUtf8 || bytes.every((byte) => byte < 0x80))
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // falls through: what is said to be UTF-8 is not
  }
  return refuse('names in UTF-8', 'other bytes');
}

function number64(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : refuse('sizes below 2^53', `${value}`);
}

function refuse(expected: string, got: string): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[zip] expected ${expected}, got ${got}`);
}
