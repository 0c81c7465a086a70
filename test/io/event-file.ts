// Reads TensorBoard event files by the definition of their format, one bit and one byte at a time: nothing of it is the library's.
import { expect } from 'vitest';

export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion?: string;
  readonly sessionStatus?: number;
  readonly scalars: Record<string, number>;
  readonly images: Record<string, { height: number; width: number; colorspace: number; png: Buffer }>;
}

/** CRC-32C by polynomial division of the bits. */
export function slowCrc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const out = (remainder ^ (byte >> bit)) & 1;
      remainder >>>= 1;
      if (out) remainder ^= 0x82f63b78;
    }
  return ~remainder >>> 0;
}

/** Every event of a file; checks lengths and checksums. */
export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  const unmask = (value: number): number => {
    const rotated = (value - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(unmask(file.readUInt32LE(at + 8)), `checksum of the length at ${at}`).toBe(
      slowCrc32c(file.subarray(at, at + 8)),
    );
    const data = file.subarray(at + 12, at + 12 + length);
    expect(data.length).toBe(length);
    expect(unmask(file.readUInt32LE(at + 12 + length)), `checksum of the record at ${at}`).toBe(slowCrc32c(data));
    events.push(readEvent(data));
    at += 16 + length;
  }
  return events;
}

function readEvent(data: Buffer): ReadEvent {
  const event = fieldsOf(data);
  const scalars: ReadEvent['scalars'] = {};
  const images: ReadEvent['images'] = {};
  for (const summary of event.get(5) ?? [])
    for (const value of fieldsOf(summary).get(1) ?? []) {
      const parts = fieldsOf(value);
      const tag = parts.get(1)![0].toString();
      if (parts.has(2)) scalars[tag] = parts.get(2)![0].readFloatLE();
      if (!parts.has(4)) continue;
      const image = fieldsOf(parts.get(4)![0]);
      const number = (field: number): number => image.get(field)![0].readDoubleLE();
      images[tag] = { height: number(1), width: number(2), colorspace: number(3), png: image.get(4)![0] };
    }
  const session = event.get(7)?.map((log) => fieldsOf(log).get(1)![0].readDoubleLE())[0];
  return {
    wallTime: event.get(1)![0].readDoubleLE(),
    step: event.get(2)?.[0].readDoubleLE() ?? 0,
    ...(event.has(3) ? { fileVersion: event.get(3)![0].toString() } : {}),
    ...(session === undefined ? {} : { sessionStatus: session }),
    scalars,
    images,
  };
}

/** Fields of a protocol buffer by number; a varint comes as the eight bytes of a double. */
function fieldsOf(data: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = data[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const key = varint();
    const type = key & 7;
    let value: Buffer;
    if (type === 0) {
      value = Buffer.alloc(8);
      value.writeDoubleLE(varint());
    } else {
      const length = type === 2 ? varint() : { 1: 8, 5: 4 }[type];
      if (length === undefined) throw new Error(`wire type ${type}`);
      value = data.subarray(at, at + length);
      expect(value.length).toBe(length);
      at += length;
    }
    fields.set(key >>> 3, [...(fields.get(key >>> 3) ?? []), value]);
  }
  return fields;
}
