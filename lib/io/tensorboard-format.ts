import { crc32c } from './crc32c.js';

/** A picture of a summary, already encoded. */
export interface SummaryImage {
  readonly height: number;
  readonly width: number;
  readonly png: Uint8Array;
}

/** What one event of a TensorBoard file says; times in seconds since 1970. */
export type TensorBoardEvent =
  | { readonly wallTime: number; readonly fileVersion: string }
  /** The run (re)starts at this step: a reader drops what it has seen of this step and later ones. */
  | { readonly wallTime: number; readonly step: number; readonly start: true }
  | {
      readonly wallTime: number;
      readonly step: number;
      readonly scalars?: Readonly<Record<string, number>>;
      readonly images?: Readonly<Record<string, SummaryImage>>;
    };

/** The first event of a file says this. */
export const fileVersion = 'brain.Event:2';

/**
 * An event as a record of the file, bytes as `tensorboard/compat/proto/event.proto` and `summary.proto` define them:
 * Event { 1 wall_time double, 2 step int64, 3 file_version string, 5 summary, 7 session_log { 1 status } },
 * Summary { 1 value { 1 tag string, 2 simple_value float, 4 image { 1 height, 2 width, 3 colorspace, 4 encoded_image_string } } }.
 */
export function encodeEvent(event: TensorBoardEvent): Buffer {
  const fields = [double(1, event.wallTime)];
  if ('fileVersion' in event) fields.push(text(3, event.fileVersion));
  else {
    if (event.step !== 0) fields.push(integer(2, event.step)); // proto3 leaves out what is 0
    if ('start' in event) fields.push(bytes(7, integer(1, 1)));
    else {
      const scalars = Object.entries(event.scalars ?? {}).map(([tag, value]) => [text(1, tag), float(2, value)]);
      const images = Object.entries(event.images ?? {}).map(([tag, image]) => [text(1, tag), bytes(4, picture(image))]);
      fields.push(bytes(5, Buffer.concat([...scalars, ...images].map((value) => bytes(1, Buffer.concat(value))))));
    }
  }
  return encodeRecord(Buffer.concat(fields));
}

/** TFRecord framing: length uint64, masked CRC-32C of these 8 bytes, the bytes, their masked CRC-32C; little-endian. */
export function encodeRecord(data: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(masked(crc32c(head.subarray(0, 8))), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(masked(crc32c(data)));
  return Buffer.concat([head, data, tail]);
}

/** A checksum of bytes that hold checksums is weak; rotated by 15 bits and shifted by a constant it is not one of them. */
function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

const rgb = 3; // colorspace: the number of channels

function picture({ height, width, png }: SummaryImage): Buffer {
  return Buffer.concat([integer(1, height), integer(2, width), integer(3, rgb), bytes(4, png)]);
}

// Protocol buffers: a field is its number and wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes), then the value.

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Buffer.from([...out, Number(rest)]);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(9);
  out[0] = (field << 3) | 1;
  out.writeDoubleLE(value, 1);
  return out;
}

function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(5);
  out[0] = (field << 3) | 5;
  out.writeFloatLE(value, 1);
  return out;
}

function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}
