// The README's twenty lines and the examples run, with fewer steps.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pixelSurprise } from '#lib/eval/pixel-baselines.js';
import { WorldModel } from '#lib/world-model/index.js';
import { violationPairs } from '#lib/worlds/physics/evaluation.js';
import { installed } from '../data/installed.js';
import { writeRecording } from '../data/recording.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { root } from '../package/source-files.js';

function run(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: root, encoding: 'utf8' });
  expect({ status, stderr: stderr.replace(/^step \d+: loss [\d.]+\n/gm, '') }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('the README’s example learns to be surprised by discs that float, and saves', async () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const lines = code?.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'));
  expect(lines?.length).toBeLessThanOrEqual(21);
  const program = code?.replace('steps: 300', 'steps: 100').replace("'physics.jepa'", "'build/readme.jepa'") ?? '';
  const file = join(root, 'build', 'readme-example.mjs'); // inside the package, which can import itself by name
  writeFileSync(file, program);
  try {
    const of = (text: string) => (/^(\d+) of (\d+) floating discs surprise it/.exec(text) ?? []).slice(1).map(Number);
    const [found, all] = of(run(file));
    writeFileSync(file, program.replace(/^for await[^;]*;$/m, ''));
    const [untrained] = of(run(file));
    const { possible, impossible } = await violationPairs({ violation: 'floating', split: 'test', seed: 0, count: 20 });
    const [usual, floating] = [pixelSurprise(possible, 'first'), pixelSurprise(impossible, 'first')];
    const pixels = usual.filter((value, pair) => value < floating[pair]).length;
    console.log(
      `of ${all} floating discs: ${found} after 100 steps, ${untrained} untrained, ${pixels} by pixel differences`,
    );
    expect(all).toBe(20);
    expect(found).toBeGreaterThanOrEqual(9);
    expect(untrained).toBeLessThanOrEqual(3); // a disc that floats moves less: motion alone says it is the usual one
    expect(pixels).toBeLessThanOrEqual(3);
  } finally {
    rmSync(file);
    rmSync(join(root, 'build', 'readme.jepa'), { force: true });
  }
});

test('a model of one’s own learns to swing', () => {
  const [, error] = /off by ([\d.]+) rad/.exec(run('examples/own-model.mjs', '200')) ?? [];
  expect(Number(error)).toBeLessThan(0.6); // standing still is off by about a radian
});

const reason = installed('sharp') ? '' : ' (skipped: the package sharp is not installed)';

test.skipIf(reason !== '')(`a folder of frames becomes a world model${reason}`, async () => {
  const folder = temporaryFolder();
  writeRecording(folder, [24, 20], { height: 64, width: 64 });
  const file = join(folder, 'world.jepa');
  expect(run('examples/frame-folder.mjs', folder, '4', file)).toMatch(
    /^2 episodes; surprise of its own recordings: \d/,
  );
  const { config } = await WorldModel.load(file);
  expect([config.observation.kind, config.action.size, config.frameRate]).toEqual(['image', 2, 15]);
});
