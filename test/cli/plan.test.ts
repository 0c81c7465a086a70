import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { twoRoomModel } from '#lib/plan/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { jepa, start } from './command.js';

test('jepa plan prints what it writes, the same for the same seed', async () => {
  const folder = temporaryFolder();
  await twoRoomModel(1).save(join(folder, 'room.jepa'));
  const run = (json: string) =>
    jepa(['plan', 'room.jepa', '--world', 'two-room', '--episodes', '3', '--json', json], { cwd: folder });
  const [one, other] = await Promise.all([run('a.json'), run('b/b.json')]);
  expect([one.code, other.code], one.stderr).toEqual([0, 0]);
  const results = JSON.parse(one.stdout);
  expect(results).toEqual(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8')));
  expect(results).toMatchObject({
    twoRoom: { episodes: 3, success: expect.any(Number), planMilliseconds: { p50: expect.any(Number) } },
    twoRoomHard: { episodes: 3 },
  });
  const { planMilliseconds: _, ...rates } = results.twoRoom;
  expect(JSON.parse(readFileSync(join(folder, 'b/b.json'), 'utf8')).twoRoom).toMatchObject(rates);
});

test('jepa plan new, stopped by Ctrl-C, saves no half-trained model', async () => {
  const folder = temporaryFolder();
  const { child, ended, said } = start(['plan', 'new', '--out', 'room.jepa', '--json', 'plan.json'], { cwd: folder });
  await said('training: step');
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect([code, stdout], stderr).toEqual([130, '']);
  expect(stderr).toMatch(/\[trainTwoRoom\] stopped by its signal at step \d+ of 390 \(ERR_JEPA_ABORTED\)/);
  expect(readdirSync(folder)).toEqual([]);
});

test('jepa plan new trains a model of another world for as long as it is told, and plans with it', async () => {
  const folder = temporaryFolder();
  const args = ['plan', 'new', '--world', 'bucket', '--steps', '2', '--episodes', '1', '--replanning'];
  const { code, stdout, stderr } = await jepa([...args, '--seed', '1', '--out', 'bucket.jepa'], { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain('not kept');
  const { bucket, replanning } = JSON.parse(stdout);
  expect(bucket).toMatchObject({ episodes: 1, planMilliseconds: { p50: expect.any(Number) } });
  for (const row of ['random', 'imitation', 'model', 'oracle'])
    expect(bucket[row]).toMatchObject({ accuracy: expect.any(Number), interval: expect.any(Array) });
  expect(replanning.never).toMatchObject({ model: bucket.model, oracle: bucket.oracle }); // one throw is one plan
  expect(readdirSync(folder)).toEqual(['bucket.jepa']);
});

test('jepa plan new without --out says that its model is gone, and how to keep one', async () => {
  const folder = temporaryFolder();
  const args = ['plan', 'new', '--world', 'bucket', '--steps', '1', '--episodes', '1'];
  const { code, stdout, stderr } = await jepa(args, { cwd: folder });
  expect(code, stderr).toBe(0);
  JSON.parse(stdout);
  expect(stderr).toMatch(/the new model was not kept: --out FILE saves it[^\n]*\n$/);
  expect(readdirSync(folder)).toEqual([]);
});
