import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JepaError } from '#lib/errors.js';
import { ioError, writeFileAtomically } from '#lib/io/atomic-file.js';
import { temporaryFolder } from './temporary-folder.js';

test('replaces the file and leaves nothing beside it', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state.json');
  writeFileSync(path, 'old and longer');
  await writeFileAtomically(path, ['new ', Buffer.from('content')]);
  expect(readFileSync(path, 'utf8')).toBe('new content');
  expect(readdirSync(folder)).toEqual(['state.json']);
});

test('a failure in mid-write leaves the old file whole and nothing beside it', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state.json');
  writeFileSync(path, 'old');
  function* failing(code: string): Generator<string> {
    yield 'half of the new content';
    throw Object.assign(new Error(code), { code, syscall: 'write' });
  }
  for (const [code, help] of [
    ['ENOSPC', /the disk is full: free some space; the previous file is whole/],
    ['EACCES', /check the permissions of its directory/],
    ['EIO', /^\[io\] cannot write .*state\.json: EIO$/],
  ] as const) {
    const error = await writeFileAtomically(path, failing(code)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JepaError);
    expect(error).toMatchObject({ code: 'ERR_JEPA_IO', message: expect.stringMatching(help) });
  }
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['state.json']);
});

test('says what to do about a path that cannot be written', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));
  const refusals = [
    [join(folder, 'none', 'x'), 'ENOENT', 'create the directory first'],
    [join(folder, 'file', 'x'), 'ENOTDIR', 'a part of the path is a file, not a directory'],
    [join(folder, 'folder'), 'EISDIR', 'the path is a directory: name a file in it'],
  ];
  for (const [path, code, help] of refusals) {
    await expect(writeFileAtomically(path, ['x'])).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: `[io] cannot write ${path}: ${code}\n  → ${help}`,
      help: [help],
    });
  }
  expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
});

test('an error that is not of the file system comes through as it is', async () => {
  const aborted = new JepaError('ERR_JEPA_ABORTED', '[train] stopped');
  function* stopping(): Generator<string> {
    yield 'x';
    throw aborted;
  }
  const folder = temporaryFolder();
  await expect(writeFileAtomically(join(folder, 'x'), stopping())).rejects.toBe(aborted);
  expect(readdirSync(folder)).toEqual([]);
  const mistake = new TypeError('not a function');
  expect(ioError('read', 'x', mistake)).toBe(mistake);
});

test('removes what killed processes left of this file, and nothing else', async () => {
  const folder = temporaryFolder();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const abandoned = `.state.json.${pid}-0-0.partial`;
  const others = [`.state.json.${process.ppid}-0-7.partial`, `.other.json.${pid}-0-0.partial`, '.state.json.notes'];
  for (const name of [abandoned, ...others]) writeFileSync(join(folder, name), '');
  await writeFileAtomically(join(folder, 'state.json'), ['x']);
  expect(readdirSync(folder).sort()).toEqual(['state.json', ...others].sort());
});

test('writers of one path do not mix', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state');
  const contents = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(50_000));
  await Promise.all(contents.map((content) => writeFileAtomically(path, [content])));
  expect(contents).toContain(readFileSync(path, 'utf8'));
  expect(readdirSync(folder)).toEqual(['state']);
});

test('a process killed at any moment leaves the old content or the new one', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state');
  writeFileSync(path, 'a'.repeat(2_000_000));
  const writer = `
    import { writeFileAtomically } from ${JSON.stringify(new URL('../../dist/esm/io/atomic-file.js', import.meta.url).href)};
    for (let i = 0; ; i++) await writeFileAtomically(${JSON.stringify(path)}, [(i % 2 ? 'a' : 'b').repeat(2_000_000)]);`;
  for (const timeout of [120, 150, 190, 240]) {
    spawnSync(process.execPath, ['--input-type=module', '-e', writer], { timeout, killSignal: 'SIGKILL' });
    const content = readFileSync(path, 'utf8');
    expect(content.length).toBe(2_000_000);
    expect(content).toBe(content[0].repeat(2_000_000));
  }
});
