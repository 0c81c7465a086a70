// Builds the native tests beside the addon, from the same objects, and runs each. They are no part of `npm run build`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../package/source-files.js';

const build = join(root, 'build');
const names = readdirSync(join(root, 'native/test'))
  .filter((name) => name.endsWith('_test.cc'))
  .map((name) => name.slice(0, -'.cc'.length));
const reason = existsSync(join(build, 'CMakeCache.txt'))
  ? spawnSync('cmake', ['--version']).status === 0
    ? ''
    : 'there is no cmake on this machine'
  : `there is no CMake build in ${build}`;

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, output: `${stdout}${stderr}${error ?? ''}` };
}

describe.skipIf(reason !== '')(`native tests${reason && ` (skipped: ${reason})`}`, () => {
  beforeAll(() => {
    const args = ['--build', build, '--config', 'Release', '--target', 'native_tests', '--parallel', '2'];
    const { status, output } = run('cmake', args);
    if (status !== 0) throw new Error(`cmake ${args.join(' ')} failed:\n${output}`);
  }, 600_000);

  test.each(names)('%s', (name) => {
    const { status, output } = run(join(build, 'native', process.platform === 'win32' ? `${name}.exe` : name), []);
    expect(status, output).toBe(0);
  });
});
