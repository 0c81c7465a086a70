import { describe, expect, it } from 'vitest';
import { crc32c } from '#lib/io/crc32c.js';
import { encodeEvent, encodeRecord, fileVersion } from '#lib/io/tensorboard-format.js';
import { readEvents, slowCrc32c } from './event-file.js';

describe('crc32c', () => {
  it('gives the values of RFC 3720, appendix B.4', () => {
    const count = Uint8Array.from({ length: 32 }, (_, i) => i);
    const scsiRead = new Uint8Array(48);
    scsiRead.set([1, 192], 0);
    scsiRead.set([20], 16);
    scsiRead.set([4, 0, 0, 0, 0, 20, 0, 0, 0, 24, 40], 22);
    scsiRead.set([2], 40);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(count)).toBe(0x46dd794e);
    expect(crc32c(count.slice().reverse())).toBe(0x113fdb5c);
    expect(crc32c(scsiRead)).toBe(0xd9963a56);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(0))).toBe(0);
    expect(slowCrc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});

// Written by TensorBoard 2.21.0: its RecordWriter with the event as its own protocol buffer classes serialise it.
const picture = Uint8Array.from({ length: 200 }, (_, i) => i);
const written: readonly (readonly [Parameters<typeof encodeEvent>[0], string])[] = [
  [
    { wallTime: 1_700_000_000.25, fileVersion },
    '1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9',
  ],
  [
    { wallTime: 1_700_000_001.5, step: 301, start: true },
    '100000000000000095fbfe180900006040fc54d94110ad023a020801118727df',
  ],
  [
    { wallTime: 1_700_000_002, step: 0, scalars: { 'train/loss': 2.5 } },
    '1e00000000000000d9dc12320900008040fc54d9412a130a110a0a747261696e2f6c6f737315000020403323cdfd',
  ],
  [
    { wallTime: 1_700_000_003, step: 70_000_000_000, scalars: { 'train/loss': -0.1, größe: Number.POSITIVE_INFINITY } },
    [
      '3500000000000000d6c55de6090000c040fc54d9411080f8cce284022a230a110a0a747261696e2f6c6f737315cdcccc',
      'bd0a0e0a076772c3b6c39f65150000807f427977ac',
    ].join(''),
  ],
  [
    { wallTime: 1_700_000_004, step: 128, images: { clips: { height: 2, width: 300, png: picture } } },
    `ee00000000000000c7a7fb8f0900000041fc54d9411080012adf010adc010a05636c69707322d201080210ac02180322c801${Buffer.from(picture).toString('hex')}fed913d4`,
  ],
];

describe('event files', () => {
  it('are the bytes that TensorBoard itself writes', () => {
    for (const [event, hex] of written) expect(encodeEvent(event).toString('hex')).toBe(hex);
  });

  it('say the same to a reader made from the definition of the format', () => {
    const [version, start, zero, two, image] = readEvents(Buffer.concat(written.map(([event]) => encodeEvent(event))));
    expect(version).toMatchObject({ wallTime: 1_700_000_000.25, fileVersion: 'brain.Event:2' });
    expect(start).toMatchObject({ step: 301, sessionStatus: 1 });
    expect(zero).toMatchObject({ step: 0, scalars: { 'train/loss': 2.5 } });
    expect(two).toMatchObject({
      step: 70_000_000_000,
      scalars: { 'train/loss': Math.fround(-0.1), größe: Number.POSITIVE_INFINITY },
    });
    const { clips } = image.images;
    expect(clips).toMatchObject({ height: 2, width: 300, colorspace: 3 });
    expect([...clips.png]).toEqual([...picture]);
  });

  it('frame records of any length, none among them', () => {
    for (const length of [0, 1, 7, 8, 9, 127, 128, 70_000]) {
      const data = new Uint8Array(length).fill(90);
      const record = encodeRecord(data);
      expect(record.length).toBe(length + 16);
      expect(Number(record.readBigUInt64LE())).toBe(length);
      expect([...record.subarray(12, 12 + length)]).toEqual([...data]);
    }
  });
});
