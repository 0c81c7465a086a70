import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;

/** Runs a program inside the package, where it can import itself by name, without any addon to load. */
function run(program: string, type: 'module' | 'commonjs') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`--input-type=${type}`, '-e', program], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, JEPA_NATIVE_PATH: '/there/is/no/addon.node' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

test('importing never loads the addon; the first use does, and says what is wrong', () => {
  const program = `
    import { JepaError, tensor } from 'jepa';
    const x = tensor([1, 2]).add(1);
    const error = await x.data().catch((reason) => reason);
    console.log(error instanceof JepaError, error.code, x.shape.join());`;
  expect(run(program, 'module')).toBe('true ERR_JEPA_NATIVE_LOAD 2');
});

test('CommonJS gets the same classes', () => {
  const program = `
    const jepa = require('jepa');
    import('jepa').then((module) => console.log(module.Tensor === jepa.Tensor, typeof jepa.compile));`;
  expect(run(program, 'commonjs')).toBe('true function');
});

test('the command line says what it offers without an addon', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/esm/cli/main.js', '--help'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, JEPA_NATIVE_PATH: '/there/is/no/addon.node' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/demo[\s\S]*train[\s\S]*eval/);
});
