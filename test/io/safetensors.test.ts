import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JepaError } from '#lib/errors.js';
import { encode, type HostTensor, parseSafetensors, readSafetensors, writeSafetensors } from '#lib/io/safetensors.js';
import { anyName, host } from './arbitrary-tensor.js';
import { temporaryFolder } from './temporary-folder.js';

const file = fc.record({
  tensors: fc.array(fc.tuple(anyName, host), { maxLength: 6 }).map((entries) => new Map(entries)),
  metadata: fc.dictionary(anyName, fc.string({ unit: 'grapheme' }), { maxKeys: 4 }),
});

const bitsOf = ({ data }: HostTensor): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

describe('round trip', () => {
  test('every tensor comes back bit for bit, and the bytes are a function of the content', () => {
    fc.assert(
      fc.property(file, ({ tensors, metadata }) => {
        const bytes = Buffer.concat(encode(tensors, metadata));
        const back = parseSafetensors(bytes);
        expect({ ...back.metadata }).toEqual({ ...metadata });
        expect([...back.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [key, value] of tensors) {
          const found = back.tensors.get(key)!;
          expect([found.dtype, found.shape, bitsOf(found)]).toEqual([value.dtype, value.shape, bitsOf(value)]);
        }
        expect(Buffer.concat(encode(tensors, metadata)).equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('through a file, whose data begins at a multiple of eight', async () => {
    const path = join(temporaryFolder(), 'weights.safetensors');
    const tensors = new Map<string, HostTensor>([
      ['w', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -2, Number.NaN, Number.POSITIVE_INFINITY) }],
    ]);
    await writeSafetensors(path, tensors, { format: 'jepa' });
    expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0);
    const back = await readSafetensors(path);
    expect(back.metadata).toEqual({ format: 'jepa' });
    expect(back.tensors.get('w')?.data).toEqual(tensors.get('w')?.data);
  });

  test('strings of megabytes do not exhaust the stack', () => {
    const metadata = { config: 'x"\\'.repeat(1_000_000) };
    expect(parseSafetensors(Buffer.concat(encode(new Map(), metadata))).metadata).toEqual(metadata);
  });
});

describe('damaged files', () => {
  const whole = Buffer.concat(
    encode(
      new Map<string, HostTensor>([
        ['a', { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) }],
        ['b', { dtype: 'int32', shape: [2, 1], data: Int32Array.of(4, 5) }],
      ]),
      { version: '1' },
    ),
  );

  test('truncated after any byte: refused', () => {
    for (let length = 0; length < whole.length; length++)
      expect(() => parseSafetensors(whole.subarray(0, length)), `${length}`).toThrow(JepaError);
  });

  test('a byte more at the end: refused', () => {
    expect(() => parseSafetensors(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow(JepaError);
  });

  test('any byte of the header changed: refused or read as something consistent, never another error', () => {
    const end = 8 + Number(whole.readBigUInt64LE());
    for (let at = 0; at < end; at++) {
      for (const flip of [1, 2, 16, 32, 128]) {
        const damaged = Buffer.from(whole);
        damaged[at] ^= flip;
        expect(() => attempt(damaged), `byte ${at} ^ ${flip}`).not.toThrow();
      }
    }
  });

  test('random bytes never crash the parser', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 200 }), (bytes, claimed) => {
        const prefix = Buffer.alloc(8);
        prefix.writeBigUInt64LE(BigInt(claimed));
        attempt(Buffer.concat([prefix, bytes]));
      }),
    );
  });

  // Either refuses with the typed error, or gives tensors that cover the bytes they claim.
  function attempt(bytes: Buffer): void {
    try {
      for (const [, { shape, data }] of parseSafetensors(bytes).tensors)
        if (shape.reduce((product, extent) => product * extent, 1) !== data.length) throw new Error('wrong size');
    } catch (error) {
      if (!(error instanceof JepaError) || error.code !== 'ERR_JEPA_CHECKPOINT_FORMAT') throw error;
    }
  }

  test('a file that does not exist, a folder, and a damaged file name the path', async () => {
    const folder = temporaryFolder();
    await expect(readSafetensors(join(folder, 'none'))).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: `[io] cannot read ${join(folder, 'none')}: ENOENT\n  → check the path`,
    });
    await expect(readSafetensors(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
    const path = join(folder, 'short.safetensors');
    writeFileSync(path, whole.subarray(0, 40));
    await expect(readSafetensors(path)).rejects.toThrow(
      /^\[safetensors\] expected a header of at most 32 bytes, got \d+: a file cut short, or of another kind \(.*short\.safetensors\)\n {2}→ /,
    );
    writeFileSync(path, '# A page, and no model\n');
    await expect(readSafetensors(path)).rejects.toThrow(
      /^\[safetensors\] expected a \.jepa or safetensors file, got one of another kind \(.*\)\n {2}→ name a model/,
    );
    await expect(readSafetensors(undefined as never)).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[io] expected the path of a file to read, got nothing',
    });
  });
});

describe('what cannot be written', () => {
  const data = Float32Array.of(1, 2);
  test.each([
    ['too few elements', new Map([['w', { dtype: 'float32', shape: [3], data }]]), {}, 'ERR_JEPA_SHAPE'],
    ['data of another type', new Map([['w', { dtype: 'int32', shape: [2], data }]]), {}, 'ERR_JEPA_INVALID_ARGUMENT'],
    ['an unknown dtype', new Map([['w', { dtype: 'float64', shape: [2], data }]]), {}, 'ERR_JEPA_INVALID_ARGUMENT'],
    [
      'the reserved name',
      new Map([['__metadata__', { dtype: 'float32', shape: [2], data }]]),
      {},
      'ERR_JEPA_INVALID_ARGUMENT',
    ],
    ['metadata that is no string', new Map(), { epoch: 3 }, 'ERR_JEPA_INVALID_ARGUMENT'],
  ])('%s', async (_, tensors, metadata, code) => {
    const folder = temporaryFolder();
    const path = join(folder, 'weights.safetensors');
    writeFileSync(path, 'the old file');
    await expect(
      writeSafetensors(path, tensors as Map<string, HostTensor>, metadata as Record<string, string>),
    ).rejects.toMatchObject({ code });
    expect(readFileSync(path, 'utf8')).toBe('the old file');
  });
});
