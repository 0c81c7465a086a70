// The README's twenty lines and the examples run, with fewer steps.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../package/source-files.js';

function run(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: root, encoding: 'utf8' });
  expect({ status, stderr: stderr.replace(/^step \d+: loss [\d.]+\n/gm, '') }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('the README’s example trains, finds teleports and saves', () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const lines = code?.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'));
  expect(lines?.length).toBeLessThanOrEqual(21);
  const program = code?.replace('steps: 300', 'steps: 30').replace("'physics.jepa'", "'build/readme.jepa'") ?? '';
  const file = join(root, 'build', 'readme-example.mjs'); // inside the package, which can import itself by name
  writeFileSync(file, program);
  try {
    const [, found, all] = /^(\d+) of (\d+) teleports surprise it/.exec(run(file)) ?? [];
    expect(Number(all)).toBe(20);
    expect(Number(found)).toBeGreaterThan(10);
  } finally {
    rmSync(file);
    rmSync(join(root, 'build', 'readme.jepa'), { force: true });
  }
});

test('a model of one’s own learns to swing', () => {
  const [, error] = /off by ([\d.]+) rad/.exec(run('examples/own-model.mjs', '200')) ?? [];
  expect(Number(error)).toBeLessThan(0.6); // standing still is off by about a radian
});
