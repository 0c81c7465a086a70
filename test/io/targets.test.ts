import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectWritable, writeFileAtomically } from '#lib/io/atomic-file.js';
import { expectWhole, sealed } from '#lib/io/digest.js';
import type { HostTensor } from '#lib/io/safetensors.js';
import { temporaryFolder } from './temporary-folder.js';

test('a link keeps pointing where it does', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'far'));
  writeFileSync(join(folder, 'far', 'file'), 'old');
  symlinkSync(join('far', 'file'), join(folder, 'link'));
  await writeFileAtomically(join(folder, 'link'), ['new']);
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(folder, 'far', 'file'), 'utf8')).toBe('new');
  expect(readdirSync(join(folder, 'far'))).toEqual(['file']);
});

test.runIf(process.platform === 'linux')('a device is written to and stays one; a full one is told', async () => {
  await writeFileAtomically('/dev/null', ['nothing']);
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  await expectWritable('/dev/null');
  await expect(writeFileAtomically('/dev/full', ['x'.repeat(9)])).rejects.toMatchObject({
    code: 'ERR_JEPA_IO',
    message: expect.stringMatching(/cannot write \/dev\/full: ENOSPC\n.*the disk is full/),
  });
  expect(lstatSync('/dev/full').isCharacterDevice()).toBe(true);
});

test('what cannot be written is told beforehand, and what is there is left alone', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), 'old');
  mkdirSync(join(folder, 'taken'));
  await expectWritable(join(folder, 'file'));
  await expectWritable(join(folder, 'new'));
  for (const [path, code] of [
    [join(folder, 'taken'), 'EISDIR'],
    [join(folder, 'file', 'x'), 'ENOTDIR'],
    [join(folder, 'none', 'x'), 'ENOENT'],
  ])
    await expect(expectWritable(path)).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: expect.stringContaining(`cannot write ${path}: ${code}`),
    });
  expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
});

test('a digest covers names, shapes, dtypes, values and the metadata, in any order', () => {
  const tensors = new Map<string, HostTensor>([
    ['a', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }],
    ['b', { dtype: 'int32', shape: [1], data: Int32Array.of(3) }],
  ]);
  const metadata = sealed({ x: '1', y: '2' }, tensors);
  const file = { metadata, tensors, listing: new Map() };
  expect(() => expectWhole('test', 'f', { ...file, tensors: new Map([...tensors].reverse()) })).not.toThrow();
  const replaced = (name: string, change: Partial<HostTensor>) => ({
    ...file,
    tensors: new Map([...tensors, [name, { ...(tensors.get(name) as HostTensor), ...change }]]),
  });
  for (const other of [
    replaced('a', { shape: [2, 1] }),
    replaced('a', { data: Float32Array.of(1, -2) }),
    replaced('b', { dtype: 'float32', data: new Float32Array(Int32Array.of(3).buffer) }),
    { ...file, tensors: new Map([...tensors].map(([name, value]) => [`${name}x`, value])) },
    { ...file, metadata: { ...metadata, y: '3' } },
    { ...file, metadata: { ...metadata, z: '' } },
    { ...file, metadata: { x: '1', y: '2' } },
  ])
    expect(() => expectWhole('test', 'f', other)).toThrow(
      expect.objectContaining({
        code: 'ERR_JEPA_CHECKPOINT_FORMAT',
        message: expect.stringMatching(
          /^\[test\] expected contents with SHA-256 .*, got [0-9a-f]{64} in f\n.*the file is damaged/,
        ),
      }),
    );
});
