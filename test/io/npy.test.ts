// .npy files: what NumPy wrote, what is written for it, and what must be refused.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JepaError } from '#lib/errors.js';
import { memorySource } from '#lib/io/byte-source.js';
import type { HostTensor } from '#lib/io/host-tensor.js';
import { encodeNpy, readNpy, readNpyFrom, writeNpy } from '#lib/io/npy.js';
import { parseNpyHeader } from '#lib/io/npy-header.js';
import { host } from './arbitrary-tensor.js';
import { temporaryFolder } from './temporary-folder.js';

const golden = fileURLToPath(new URL('../golden/data/ops/npy_read/files/', import.meta.url));
const parse = (bytes: Uint8Array): Promise<HostTensor> => readNpyFrom(memorySource(bytes));

/** A file by hand: any header over any bytes. */
function file(header: string, data: Uint8Array = new Uint8Array(), version = 1): Buffer {
  const text = Buffer.from(header, version === 3 ? 'utf8' : 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]), length, text, data]);
}
const header = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

const bitsOf = ({ data }: HostTensor): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

const refusal = async (bytes: Uint8Array): Promise<{ code: string; message: string }> => {
  const error = await parse(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JepaError);
  const { code, message } = error as JepaError;
  return { code, message };
};

describe('writing', () => {
  // The files were written by NumPy 2.4.6.
  test.each([
    'c-order',
    'dtype-le-f4',
    'dtype-le-f2',
    'dtype-le-i4',
    'dtype-u1',
    'dtype-b1',
    'scalar',
    'one-element',
    'zero-size',
    'uint8-image',
  ])('gives the bytes of NumPy: %s', async (name) => {
    const path = join(golden, `${name}.npy`);
    const copy = join(temporaryFolder(), 'copy.npy');
    await writeNpy(copy, await readNpy(path));
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });

  test('what is written is read again bit for bit; bfloat16 as the float32 that it is the upper half of', async () => {
    await fc.assert(
      fc.asyncProperty(host, async (tensor) => {
        const bytes = Buffer.concat(encodeNpy('x', tensor));
        expect(
          (bytes.length - tensor.data.length * (tensor.dtype === 'bfloat16' ? 4 : tensor.data.BYTES_PER_ELEMENT)) % 64,
        ).toBe(0);
        const back = await parse(bytes);
        expect(back.shape).toEqual(tensor.shape);
        if (tensor.dtype === 'bfloat16') {
          expect(back.dtype).toBe('float32');
          const words = new Uint32Array(back.data.buffer);
          expect([...words]).toEqual(Array.from(tensor.data, (bits) => bits * 65536));
        } else expect([back.dtype, bitsOf(back)]).toEqual([tensor.dtype, bitsOf(tensor)]);
      }),
    );
  });

  const data = Float32Array.of(1, 2);
  test.each([
    [
      'too few elements',
      { dtype: 'float32', shape: [3], data },
      'ERR_JEPA_SHAPE',
      "[npy] expected 3 elements for 'array' of shape [3], got 2",
    ],
    [
      'other data',
      { dtype: 'int32', shape: [2], data },
      'ERR_JEPA_INVALID_ARGUMENT',
      "[npy] expected Int32Array as data of 'array', got Float32Array",
    ],
    [
      'no dtype',
      { dtype: 'float64', shape: [2], data },
      'ERR_JEPA_INVALID_ARGUMENT',
      "[npy] expected a dtype among float32, bfloat16, float16, int32, uint8, bool for 'array', got 'float64'",
    ],
    [
      'no shape',
      { dtype: 'float32', shape: [-2], data },
      'ERR_JEPA_INVALID_ARGUMENT',
      "[npy] expected whole numbers from 0 as shape of 'array', got -2",
    ],
    [
      '65 axes',
      { dtype: 'float32', shape: new Array(65).fill(1), data: data.subarray(1) },
      'ERR_JEPA_SHAPE',
      "[npy] expected at most 64 axes for 'array', got 65",
    ],
  ])('refuses %s and leaves the old file', async (_, tensor, code, message) => {
    const path = join(temporaryFolder(), 'x.npy');
    writeFileSync(path, 'the old file');
    await expect(writeNpy(path, tensor as HostTensor)).rejects.toMatchObject({ code, message });
    expect(readFileSync(path, 'utf8')).toBe('the old file');
  });
});

describe('conversions', () => {
  const eight = (values: readonly bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(values).buffer);

  test.each([
    ['<i8', eight([-(2n ** 31n), 2n ** 31n - 1n]), [-(2 ** 31), 2 ** 31 - 1]],
    ['<u8', eight([0n, 2n ** 31n - 1n]), [0, 2 ** 31 - 1]],
    ['<u4', new Uint8Array(Uint32Array.of(7, 2 ** 31 - 1).buffer), [7, 2 ** 31 - 1]],
    ['|i1', Uint8Array.of(128, 127), [-128, 127]],
    ['<i2', Uint8Array.of(0, 128, 255, 127), [-32768, 32767]],
    ['>i2', Uint8Array.of(128, 0, 127, 255), [-32768, 32767]],
    ['<u2', Uint8Array.of(255, 255, 0, 0), [65535, 0]],
    ['>i8', Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 255, 255, 255, 255, 255, 255, 255, 254), [258, -2]],
  ])('%s to int32', async (descr, bytes, values) => {
    const { dtype, data } = await parse(file(header(`'${descr}'`, '(2,)'), bytes));
    expect(dtype).toBe('int32');
    expect([...data]).toEqual(values);
  });

  test.each([
    ['<i8', eight([0n, 2n ** 31n]), '2147483648 at element 1'],
    ['<i8', eight([-(2n ** 31n) - 1n, 0n]), '-2147483649 at element 0'],
    ['<i8', eight([2n ** 32n, 0n]), '4294967296 at element 0'],
    ['<u8', eight([0n, -1n]), '18446744073709551615 at element 1'],
    ['<u4', new Uint8Array(Uint32Array.of(7, 2 ** 31).buffer), '2147483648 at element 1'],
  ])('%s beyond int32 is refused', async (descr, bytes, what) => {
    expect(await refusal(file(header(`'${descr}'`, '(2,)'), bytes))).toEqual({
      code: 'ERR_JEPA_DTYPE',
      message: `[npy] expected values that fit into int32, got ${what}`,
    });
  });

  test('float64 is rounded to nearest, ties to even, and refused where a finite value would become infinite', async () => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const values = [0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, -(2 ** -149), 2 ** -150, largest + 2 ** 102, Number.NaN];
    const whole = file(header("'<f8'", '(7,)'), new Uint8Array(Float64Array.from(values).buffer));
    const { dtype, data } = await parse(whole);
    expect(dtype).toBe('float32');
    expect([...data]).toEqual([0.10000000149011612, 1, 1 + 2 ** -22, -(2 ** -149), 0, largest, Number.NaN]);
    const beyond = file(
      header("'<f8'", '(2,)'),
      new Uint8Array(Float64Array.of(Number.POSITIVE_INFINITY, 1e300).buffer),
    );
    expect(await refusal(beyond)).toEqual({
      code: 'ERR_JEPA_DTYPE',
      message: '[npy] expected values that fit into float32, got 1e+300 at element 1',
    });
  });

  test('Fortran order of any shape, each element where C order has it', async () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const stored = new Int32Array(size);
        // The element with C number i has indices by division; its place in the file is Σ index·(product of the extents before).
        for (let i = 0; i < size; i++) {
          let [rest, place] = [i, 0];
          for (let axis = shape.length - 1; axis >= 0; axis--) {
            place += (rest % shape[axis]) * shape.slice(0, axis).reduce((product, extent) => product * extent, 1);
            rest = Math.floor(rest / shape[axis]);
          }
          stored[place] = i;
        }
        const tuple = `(${shape.map((extent) => `${extent},`).join(' ')})`;
        const { data } = await parse(file(header("'<i4'", tuple, 'True'), new Uint8Array(stored.buffer)));
        expect([...data]).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });
});

describe('headers', () => {
  test.each([
    [
      'double quotes, another order of keys, no trailing commas',
      '{"shape":(2,3),"fortran_order":True,"descr":"<f4"}',
      [2, 3],
    ],
    ['the long numbers of Python 2', "{'descr': '<f4', 'fortran_order': True, 'shape': (2L, 3L)}", [2, 3]],
    ['spaces and newlines', " {'descr' :\t'<f4',\n'fortran_order': True , 'shape': ( 2 , 3 , ) , } \n", [2, 3]],
    ['an empty tuple', "{'descr': '<f4', 'fortran_order': True, 'shape': ()}", []],
  ])('with %s', (_, text, shape) => {
    expect(parseNpyHeader(text)).toEqual({ descr: '<f4', fortranOrder: true, shape });
  });

  test.each([
    ['a call', header("'<f4'", "(__import__('os').getpid(),)"), 'expected a literal'],
    ['a sum', header("'<f4'", '(2+3,)'), "expected ',' or ')'"],
    ['a negative extent', header("'<f4'", '(-1,)'), 'expected a literal'],
    ['a fraction', header("'<f4'", '(1.0,)'), 'expected a literal'],
    ['a power', header("'<f4'", '(1e3,)'), 'expected a literal'],
    ['another base', header("'<f4'", '(0x10,)'), 'expected a literal'],
    ['a number from 2^53 on', header("'<f4'", '(9007199254740992,)'), 'expected a whole number below 2^53'],
    ['an extent in brackets alone', header("'<f4'", '(3)'), 'expected a tuple as shape'],
    ['a list as shape', header("'<f4'", '[3]'), 'expected a tuple as shape'],
    ['a word as extent', header("'<f4'", '(True,)'), 'expected whole numbers from 0 to 2^53 in the shape'],
    ['too many axes', header("'<f4'", `(${'1, '.repeat(65)})`), 'expected at most 64 axes, got 65'],
    ['a string that does not end', "{'descr", 'expected a whole string without escapes'],
    ['an escape', "{'desc\\x72': '<f4', 'fortran_order': False, 'shape': (3,)}", 'without escapes'],
    [
      'a key twice',
      "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
      'expected another string as key',
    ],
    [
      'a key missing',
      "{'descr': '<f4', 'shape': (3,)}",
      'expected descr, fortran_order and shape in the header, got descr, shape',
    ],
    [
      'a key too many',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}",
      'got descr, fortran_order, shape, x',
    ],
    ['a number as key', '{1: 2}', 'expected another string as key'],
    ['no colon', "{'descr' '<f4'}", "expected ':'"],
    [
      'something behind',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}; 1",
      'expected nothing after the dictionary',
    ],
    ['a number as descr', header('4', '(3,)'), "expected a type such as '<f4' as descr"],
    ['a number as order', header("'<f4'", '(3,)', '1'), 'expected True or False as fortran_order'],
    ['endless brackets', `${'('.repeat(5000)}`, 'expected at most 32 levels of brackets'],
    ['nothing', '', 'expected a literal'],
    ['no dictionary', '[1, 2]', 'expected a dictionary as header, got [1, 2]'],
  ])('refuses %s', async (_, text, sentence) => {
    const { code, message } = await refusal(file(text, new Uint8Array(12)));
    expect(code).toBe('ERR_JEPA_CHECKPOINT_FORMAT');
    expect(message).toContain('[npy] expected ');
    expect(message).toContain(sentence);
  });

  test.each([
    ["'|O'", 'Python objects, pickles that run code when they are read'],
    ["'<c8'", 'complex numbers'],
    ["'<f16'", 'extended floating-point numbers'],
    ["'<M8[ns]'", 'dates or durations'],
    ["'<U7'", 'strings'],
    ["'|V2'", 'raw bytes without a type (as ml_dtypes writes bfloat16: save .astype(numpy.float32))'],
  ])('says why it cannot hold %s', async (descr, what) => {
    expect(await refusal(file(header(descr, '(1,)'), new Uint8Array(16)))).toEqual({
      code: 'ERR_JEPA_DTYPE',
      message: `[npy] expected numbers or booleans, got ${descr}: ${what}`,
    });
  });

  test('says how to save the fields of records', async () => {
    const { code, message } = await refusal(file(header("[('x', '<f4'), ('y', [('a', '<i4', (2,))])]", '(1,)')));
    expect(code).toBe('ERR_JEPA_DTYPE');
    expect(message).toMatch(/^\[npy\] expected one number an element, got records of several fields\n {2}→ in Python,/);
  });

  test.each(["'<q9'", "'f4'", "'=f4'", "'|f4'", "'<f4 '", "''", "'<b1;'", "'__proto__'", "'<toString'"])(
    'knows no type %s',
    async (descr) => {
      const { code, message } = await refusal(file(header(descr, '(1,)'), new Uint8Array(4)));
      expect([code, message]).toEqual([
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[npy] expected a type such as '<f4' as descr, got ${descr}`,
      ]);
    },
  );

  test('is in UTF-8 in version 3', async () => {
    const text = header("[('ü', '<f4')]", '(1,)');
    expect(await refusal(file(text, undefined, 3))).toMatchObject({ code: 'ERR_JEPA_DTYPE' });
    const damaged = file(text, undefined, 3);
    damaged[damaged.indexOf('ü')] = 0xff;
    expect(await refusal(damaged)).toMatchObject({ message: '[npy] expected a header in UTF-8, got other bytes' });
  });

  test('is limited', async () => {
    const long = file(`${header("'<f4'", '(1,)')}${' '.repeat(10_000)}`, new Uint8Array(4), 2);
    expect((await refusal(long)).message).toBe('[npy] expected a header of at most 10000 bytes, got 10058');
  });
});

describe('damaged files', () => {
  const whole = Buffer.concat(encodeNpy('x', { dtype: 'int32', shape: [2, 3], data: Int32Array.of(1, 2, 3, 4, 5, 6) }));

  test('truncated after any byte: refused', async () => {
    for (let length = 0; length < whole.length; length++)
      expect((await refusal(whole.subarray(0, length))).code, `${length}`).toBe('ERR_JEPA_CHECKPOINT_FORMAT');
  });

  test('more at the end: refused with what to do about it', async () => {
    expect((await refusal(Buffer.concat([whole, whole]))).message).toBe(
      `[npy] expected 24 bytes of data for <i4 [2, 3], got ${24 + whole.length}\n  → keep several arrays in one .npz file, not one .npy`,
    );
  });

  test('sizes beyond 2^53 are refused, even where a 0 makes the product small', async () => {
    const text = header("'<f4'", '(4503599627370496, 4503599627370496, 0)');
    expect((await refusal(file(text))).message).toMatch(/^\[npy\] expected below 2\^53 bytes of data for <f4 \[/);
  });

  test('any byte of the header changed: refused, or read as something consistent', async () => {
    for (let at = 0; at < whole.length - 24; at++)
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const damaged = Buffer.from(whole);
        damaged[at] ^= flip;
        await attempt(damaged);
      }
  });

  test('random headers never give another error', async () => {
    const words = [
      "'",
      '"',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ':',
      ',',
      ' ',
      'descr',
      'shape',
      'fortran_order',
      'True',
      '<f4',
      '3',
      '-',
      'L',
      '\\',
      '\n',
    ];
    const text = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 3 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(1, 2, 3), fc.uint8Array({ maxLength: 40 }), (parts, version, data) =>
        attempt(file(parts.join(''), data, version)),
      ),
      { numRuns: 500 },
    );
  });

  async function attempt(bytes: Buffer): Promise<void> {
    try {
      const { shape, data } = await parse(bytes);
      expect(shape.reduce((product, extent) => product * extent, 1)).toBe(data.length);
    } catch (error) {
      if (!(error instanceof JepaError) || !/^ERR_JEPA_(CHECKPOINT_FORMAT|DTYPE)$/.test(error.code)) throw error;
    }
  }

  test('a file that does not exist, a folder and a damaged file are named', async () => {
    const folder = temporaryFolder();
    const none = join(folder, 'none.npy');
    await expect(readNpy(none)).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: `[io] cannot read ${none}: ENOENT\n  → check the path`,
    });
    await expect(readNpy(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
    const text = join(folder, 'text.npy');
    writeFileSync(text, '1 2 3\n');
    await expect(readNpy(text)).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_FORMAT',
      message: `[npy] expected a .npy file, which begins with '\\x93NUMPY', got other bytes (${text})`,
    });
  });
});
