// .npz files: archives of NumPy's, those written for it, and archives that lie.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JepaError } from '#lib/errors.js';
import { memorySource } from '#lib/io/byte-source.js';
import type { HostTensor } from '#lib/io/host-tensor.js';
import { encodeNpy } from '#lib/io/npy.js';
import { encodeNpz, type NpzReadOptions, readNpz, readNpzFrom, writeNpz } from '#lib/io/npz.js';
import { anyName, host } from './arbitrary-tensor.js';
import { temporaryFolder } from './temporary-folder.js';

const golden = fileURLToPath(new URL('../golden/data/ops/npy_read/files/', import.meta.url));
const parse = (bytes: Uint8Array, options?: NpzReadOptions): Promise<Map<string, HostTensor>> =>
  readNpzFrom(memorySource(bytes), options);

const refusal = async (bytes: Uint8Array, options?: NpzReadOptions): Promise<{ code: string; message: string }> => {
  const error = await parse(bytes, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JepaError);
  const { code, message } = error as JepaError;
  return { code, message };
};

const values: HostTensor = { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) };
const array = Buffer.concat(encodeNpy('x', values));

interface Member {
  readonly name: string;
  readonly content: Buffer;
  readonly method?: number;
  readonly flags?: number;
  /** What the directory says instead of the truth. */
  readonly packed?: Buffer;
  readonly size?: number;
  readonly checksum?: number;
  readonly offset?: number;
  readonly localName?: string;
  readonly extra?: Buffer;
  /** Sizes and offset as 64 bits in the extra field 1. */
  readonly wide?: boolean;
}

/** A zip archive by hand, after PKWARE's APPNOTE 4.3: independent of the writer in the library. */
function zip(members: readonly Member[], { comment = '', wide = false } = {}): Buffer {
  const words = (...fields: readonly (readonly [number, 2 | 4 | 8])[]): Buffer =>
    Buffer.concat(
      fields.map(([value, width]) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(BigInt(value));
        return bytes.subarray(0, width);
      }),
    );
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const length = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const ones = 0xffffffff;
  for (const member of members) {
    const { name, content, method = 0, flags = 0, extra = Buffer.alloc(0) } = member;
    const packed = member.packed ?? (method === 8 ? deflateRawSync(content) : content);
    const [size, checksum] = [member.size ?? content.length, member.checksum ?? crc32(content)];
    const offset = member.offset ?? length(parts);
    const localName = Buffer.from(member.localName ?? name);
    parts.push(
      words(
        [0x04034b50, 4],
        [20, 2],
        [flags, 2],
        [method, 2],
        [0, 4],
        [checksum, 4],
        [packed.length, 4],
        [size, 4],
        [localName.length, 2],
        [extra.length, 2],
      ),
      localName,
      extra,
      packed,
    );
    const sizes = member.wide ? words([1, 2], [24, 2], [size, 8], [packed.length, 8], [offset, 8]) : Buffer.alloc(0);
    const narrow = (value: number): [number, 4] => [member.wide ? ones : value, 4];
    const rawName = Buffer.from(name);
    directory.push(
      words(
        [0x02014b50, 4],
        [20, 2],
        [20, 2],
        [flags, 2],
        [method, 2],
        [0, 4],
        [checksum, 4],
        narrow(packed.length),
        narrow(size),
        [rawName.length, 2],
        [sizes.length, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 4],
        narrow(offset),
      ),
      rawName,
      sizes,
    );
  }
  const [at, bytes, count] = [length(parts), length(directory), members.length];
  const end64 = words(
    [0x06064b50, 4],
    [44, 8],
    [45, 2],
    [45, 2],
    [0, 4],
    [0, 4],
    [count, 8],
    [count, 8],
    [bytes, 8],
    [at, 8],
  );
  const locator = words([0x07064b50, 4], [0, 4], [at + bytes, 8], [1, 4]);
  const say = (value: number): number => (wide ? ones : value);
  const text = Buffer.from(comment);
  const shown = wide ? 0xffff : count;
  const end = words([0x06054b50, 4], [0, 4], [shown, 2], [shown, 2], [say(bytes), 4], [say(at), 4], [text.length, 2]);
  return Buffer.concat([...parts, ...directory, ...(wide ? [end64, locator] : []), end, text]);
}

describe('what is read', () => {
  test.each(['stored', 'deflated'])('of NumPy: %s', async (name) => {
    const arrays = await readNpz(join(golden, `${name}.npz`));
    const { cases } = JSON.parse(readFileSync(join(golden, '../case.json'), 'utf8')) as {
      cases: { name: string; arrays: Record<string, { shape: number[]; values: (number | boolean)[] }> }[];
    };
    const expected = Object.entries(cases.find((entry) => entry.name === name)!.arrays);
    expect([...arrays.keys()]).toEqual(expected.map(([key]) => key));
    for (const [key, wanted] of expected) {
      expect(arrays.get(key)!.shape).toEqual(wanted.shape);
      expect([...arrays.get(key)!.data]).toEqual(wanted.values.map(Number));
    }
  });

  test('only what is named, the rest of any type', async () => {
    const text = Buffer.from(array.toString('latin1').replace("'<f4'", "'|O' "), 'latin1');
    const bytes = zip([
      { name: 'a.npy', content: array },
      { name: 'text.npy', content: text },
      { name: 'read.me', content: Buffer.from('hello') },
    ]);
    expect([...(await parse(bytes, { names: ['a'] })).get('a')!.data]).toEqual([1, 2, 3]);
    expect(await refusal(bytes, { names: ['text'] })).toEqual({
      code: 'ERR_JEPA_DTYPE',
      message:
        "[npy] expected numbers or booleans, got '|O': Python objects, pickles that run code when they are read, in 'text'\n  → read the others by their names: { names: […] }",
    });
    expect((await refusal(bytes, { names: ['b'] })).message).toBe(
      "[npz] expected an array 'b', got 'a', 'text', 'read.me'",
    );
    expect((await refusal(bytes)).message).toBe("[npz] expected 'read.me' to be a .npy array, got another file");
  });

  test('Zip64, a comment, extra fields, and space between the members', async () => {
    const wide = { name: 'wide.npy', content: array, wide: true };
    expect([...(await parse(zip([wide]))).keys()]).toEqual(['wide']);
    expect([...(await parse(zip([wide, { name: 'b.npy', content: array }], { wide: true }))).keys()]).toEqual([
      'wide',
      'b',
    ]);
    expect((await parse(zip([wide], { comment: 'PK\x05\x06 and more' }))).size).toBe(1);
    const extra = { name: 'a.npy', content: array, extra: Buffer.alloc(9) };
    expect((await parse(zip([extra]))).get('a')?.data).toEqual(values.data);
    expect(await parse(zip([]))).toEqual(new Map());
  });
});

describe('what is written', () => {
  test('comes back bit for bit, compressed or not, and is a function of the content', async () => {
    const arrays = fc.array(fc.tuple(anyName, host), { maxLength: 5 }).map((entries) => new Map(entries));
    await fc.assert(
      fc.asyncProperty(arrays, fc.boolean(), async (tensors, compress) => {
        const bytes = Buffer.concat(await encodeNpz(tensors, { compress }));
        const back = await parse(bytes);
        expect([...back.keys()]).toEqual([...tensors.keys()]);
        for (const [name, tensor] of tensors)
          expect(Buffer.concat(encodeNpy(name, back.get(name)!))).toEqual(Buffer.concat(encodeNpy(name, tensor)));
        expect(Buffer.concat(await encodeNpz(tensors, { compress })).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('stands under a name of its own in the archive as PKWARE describes it', async () => {
    const bytes = Buffer.concat(
      await encodeNpz(
        new Map([
          ['x', values],
          ['ü', values],
        ]),
      ),
    );
    const wanted = zip([
      { name: 'x.npy', content: array },
      { name: 'ü.npy', content: array, flags: 0x800 },
    ]);
    for (const at of [10, 12 + 30 + 5 + array.length]) wanted.fill(0, at, at); // dates are 0 there, the first day here
    const undated = Buffer.from(bytes);
    for (const [signature, at] of [
      [0x04034b50, 12],
      [0x02014b50, 14],
    ])
      for (let i = 0; i + 4 <= undated.length; i++)
        if (undated.readUInt32LE(i) === signature) undated.writeUInt16LE(0, i + at);
    expect(undated.equals(wanted)).toBe(true);
  });

  test('is refused where NumPy or the format cannot follow, and the old file stays', async () => {
    const path = join(temporaryFolder(), 'x.npz');
    writeFileSync(path, 'the old file');
    const wrong = { ...values, shape: [4] };
    await expect(writeNpz(path, new Map([['x', wrong]]))).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: "[npy] expected 4 elements for 'x' of shape [4], got 3",
    });
    for (const name of ['\ud800', 'x'.repeat(70_000)])
      await expect(writeNpz(path, new Map([[name, values]]))).rejects.toMatchObject({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: expect.stringMatching(/^\[zip\] expected names of whole characters, at most 65,535 bytes, got '/),
      });
    await expect(writeNpz(path, new Map(), { compres: true } as object)).rejects.toMatchObject({
      code: 'ERR_JEPA_UNKNOWN_OPTION',
    });
    expect(readFileSync(path, 'utf8')).toBe('the old file');
    await writeNpz(path, new Map([['x', values]]), { compress: true });
    expect([...(await readNpz(path)).get('x')!.data]).toEqual([1, 2, 3]);
  });
});

describe('archives that lie', () => {
  const good = { name: 'a.npy', content: array };
  const deflated = { ...good, method: 8 };
  test.each<[string, Member[], string]>([
    ['a wrong checksum', [{ ...good, checksum: 7 }], "expected the checksum 00000007 for 'a.npy', got"],
    ['a wrong stored size', [{ ...good, size: 4 }], "expected 4 stored bytes in 'a.npy', got 140"],
    ['more deflated bytes than it says', [{ ...deflated, size: 20 }], "expected 20 deflated bytes in 'a.npy'"],
    ['fewer', [{ ...deflated, size: 2000 }], 'expected 2000 bytes out of'],
    [
      'bytes behind the deflated ones',
      [{ ...deflated, packed: Buffer.concat([deflateRawSync(array), Buffer.alloc(5)]) }],
      'expected 140 bytes out of',
    ],
    [
      'no deflated bytes at all',
      [{ ...deflated, packed: Buffer.from('not deflated') }],
      "expected 140 deflated bytes in 'a.npy'",
    ],
    [
      'another compression',
      [{ ...good, method: 12 }],
      "expected 'a.npy' stored or deflated, got compression method 12",
    ],
    ['a password', [{ ...good, flags: 1 }], "expected 'a.npy' without a password, got an encrypted member"],
    ['a name twice', [good, good], "expected 'a.npy' once, got it twice"],
    ['two names', [{ ...good, localName: 'b.npy' }], "expected 'a.npy' as the name at byte 0, got another one"],
    [
      'a place inside another member',
      [good, { name: 'b.npy', content: array, offset: 0 }],
      "expected 'b.npy' at bytes 175 to 350, got 0",
    ],
    ['a place beyond the end', [{ ...good, offset: 5000 }], "expected 'a.npy' at bytes 0 to 175, got 5000"],
    ['a place where no member is', [{ ...good, offset: 3 }], 'expected a member at byte 3, got other bytes'],
    ['a name in another encoding', [{ ...good, name: 'ü.npy' }], 'expected names in UTF-8, got other bytes'],
  ])('%s', async (_, members, sentence) => {
    const { code, message } = await refusal(zip(members));
    expect(code).toBe('ERR_JEPA_CHECKPOINT_FORMAT');
    expect(message).toContain(`[zip] ${sentence}`);
  });

  test('a small file that unpacks to much, unless it may', async () => {
    const zeros: HostTensor = { dtype: 'uint8', shape: [3_000_000], data: new Uint8Array(3_000_000) };
    const bytes = Buffer.concat(
      await encodeNpz(
        new Map([
          ['a', zeros],
          ['b', zeros],
        ]),
        { compress: true },
      ),
    );
    expect(bytes.length).toBeLessThan(10_000);
    expect(await refusal(bytes, { maxInflatedBytes: 5_000_000 })).toEqual({
      code: 'ERR_JEPA_CHECKPOINT_FORMAT',
      message:
        '[npz] expected arrays that unpack to at most 5000000 bytes, got 6000256\n  → if the file is yours, raise maxInflatedBytes, or read fewer arrays with names',
    });
    expect((await parse(bytes, { maxInflatedBytes: 5_000_000, names: ['b'] })).get('b')?.shape).toEqual([3_000_000]);
    expect((await parse(bytes)).size).toBe(2);
    const claims = zip([{ ...deflated, size: 2 ** 31 }]);
    expect((await refusal(claims)).message).toContain('at most 1073741824 bytes, got 2147483648');
  });

  test('one of several parts, one that is no archive, one of too many members', async () => {
    const part = zip([good]);
    part.writeUInt16LE(1, part.length - 18);
    expect((await refusal(part)).message).toBe('[zip] expected an archive in one piece, got a part of several');
    expect((await refusal(array)).message).toBe(
      '[zip] expected a zip archive, which ends with a directory, got other bytes',
    );
    expect((await refusal(Buffer.alloc(0))).message).toContain('got no bytes');
    const many = zip([good], { wide: true });
    many.writeBigUInt64LE(10n ** 7n, many.length - 22 - 20 - 24);
    expect((await refusal(many)).message).toContain('expected at most 100000 members, got 10000000');
  });

  test('a path in the errors of a file', async () => {
    const path = join(temporaryFolder(), 'x.npz');
    writeFileSync(path, array);
    await expect(readNpz(path)).rejects.toMatchObject({
      message: expect.stringContaining(`got other bytes (${path})`),
    });
    await expect(readNpz(path, { name: [] } as object)).rejects.toMatchObject({ code: 'ERR_JEPA_UNKNOWN_OPTION' });
  });

  const whole = zip([{ ...good }, { ...deflated, name: 'b.npy' }, { ...good, name: 'c.npy', wide: true }], {
    wide: true,
  });

  test('truncated after any byte: refused', async () => {
    for (let length = 0; length < whole.length; length++)
      expect((await refusal(whole.subarray(0, length))).code, `${length}`).toBe('ERR_JEPA_CHECKPOINT_FORMAT');
  });

  test('any byte changed: refused, or the same arrays', async () => {
    const right = [...(await parse(whole)).values()].map(({ data }) => [...data]);
    for (let at = 0; at < whole.length; at++)
      for (const flip of [1, 8, 64, 255]) {
        const damaged = Buffer.from(whole);
        damaged[at] ^= flip;
        try {
          const found = await parse(damaged);
          expect(
            [...found.values()].map(({ data }) => [...data]),
            `byte ${at} ^ ${flip}`,
          ).toEqual(right);
        } catch (error) {
          if (!(error instanceof JepaError) || !/^ERR_JEPA_(CHECKPOINT_FORMAT|DTYPE)$/.test(error.code)) throw error;
        }
      }
  });

  test('random bytes around its signatures never give another error', async () => {
    const piece = fc.oneof(
      fc.constantFrom('504b0506', '504b0102', '504b0304', '504b0606', '504b0607').map((hex) => Buffer.from(hex, 'hex')),
      fc.uint8Array({ maxLength: 24 }),
      fc.nat({ max: 300 }).map((count) => whole.subarray(0, count)),
      fc.nat({ max: 300 }).map((count) => whole.subarray(-count - 1)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        try {
          await parse(Buffer.concat(pieces));
        } catch (error) {
          if (!(error instanceof JepaError) || !/^ERR_JEPA_(CHECKPOINT_FORMAT|DTYPE)$/.test(error.code)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
