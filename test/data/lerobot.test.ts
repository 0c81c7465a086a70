// LeRobot datasets whose tables pyarrow wrote.
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clipBatches, clips, episodeStatistics, leRobotEpisodes } from '#lib/data/index.js';
import { ParquetFile } from '#lib/data/parquet.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { installed } from './installed.js';
import { png } from './png.js';
import { actionOf, foreignFile, from, pixelsOf, stateOf } from './recorded-rows.js';
import { take } from './taking.js';

const missing = ['hyparquet', 'hyparquet-compressors', 'sharp'].filter((name) => !installed(name));
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')} not installed)`;

/** A copy to be damaged. */
function copyOf(name: string): string {
  const folder = temporaryFolder();
  cpSync(foreignFile(name), folder, { recursive: true });
  return folder;
}

/** What may stand in meta/info.json in place of what does. */
function edit(folder: string, changes: object): void {
  const file = join(folder, 'meta/info.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
}

afterEach(() => void vi.restoreAllMocks());

describe.skipIf(reason !== '')(`leRobotEpisodes${reason}`, () => {
  it('reads pictures and actions of version 3, where files hold several episodes', async () => {
    const episodes = await leRobotEpisodes(foreignFile('lerobot-v3'));
    expect(episodes.observation).toEqual({ kind: 'image', height: 6, width: 5, channels: 3 });
    expect([episodes.lengths, episodes.actionSize, episodes.frameRate]).toEqual([[5, 4, 3], 2, 10]);
    for (const [episode, first, frames] of [
      [0, 0, 5],
      [1, 5, 4],
      [2, 9, 3],
    ]) {
      expect([...episodes.actions[episode]]).toEqual(from(first, frames).flatMap(actionOf));
      expect([...(await episodes.observe(episode, 0, frames, 1))]).toEqual(from(first, frames).flatMap(pixelsOf));
    }
    const clip = await clips(episodes, { frames: 2, frameSkip: 2 }).get(2); // the first of the second episode
    expect([...clip.observations]).toEqual([5, 7].flatMap(pixelsOf));
    expect([...clip.actions]).toEqual(from(5, 4).flatMap(actionOf));
    expect(await episodeStatistics(episodes)).toMatchObject({ frameRate: 10, action: { size: 2, mean: [5.5, 6] } });
    const [batch] = await take(clipBatches(episodes, { frames: 3, clips: 4, seed: 1 }), 1);
    expect(batch.observations.length).toBe(4 * 3 * 90);
  });

  it('reads sensors of version 2, where each episode is a file', async () => {
    const episodes = await leRobotEpisodes(foreignFile('lerobot-v2'));
    expect(episodes.observation).toEqual({ kind: 'vector', size: 3 });
    expect(episodes.lengths).toEqual([5, 4]);
    expect([...(await episodes.observe(1, 1, 2, 2))]).toEqual([6, 8].flatMap(stateOf));
    expect([...episodes.actions[1]]).toEqual(from(5, 4).flatMap(actionOf));
    const watched = await leRobotEpisodes(foreignFile('lerobot-v2'), { observations: 'action', actions: null });
    expect([...(await watched.observe(0, 4, 1, 1))]).toEqual(actionOf(4));
    expect(watched.actions[0]).toEqual(new Float32Array(5));
  });

  it('names what is damaged or missing', async () => {
    const torn = copyOf('lerobot-v3');
    const table = join(torn, 'data/chunk-000/file-000.parquet');
    const bytes = readFileSync(table);
    bytes.fill(0xff, 4, 300); // pages of the first row group's pictures
    writeFileSync(table, bytes);
    const episodes = await leRobotEpisodes(torn, { height: 6, width: 5 });
    await expect(episodes.observe(0, 0, 2, 1)).rejects.toMatchObject({ code: 'ERR_JEPA_CORRUPT_SAMPLE' });
    expect([...(await episodes.observe(1, 0, 3, 1))]).toEqual(from(5, 3).flatMap(pixelsOf));
    truncateSync(table, 100);
    await expect(leRobotEpisodes(torn)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_FORMAT' });
    rmSync(table);
    await expect(leRobotEpisodes(torn)).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
    await expect(leRobotEpisodes(temporaryFolder())).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
  });

  it('reads no file outside the folder of the dataset', async () => {
    const outside = copyOf('lerobot-v2');
    const folder = join(outside, 'inner');
    cpSync(foreignFile('lerobot-v2'), folder, { recursive: true });
    for (const data_path of ['../data/chunk-000/episode_{episode_index:06d}.parquet', 'data/../..', '.', '']) {
      edit(folder, { data_path });
      await expect(leRobotEpisodes(folder)).rejects.toMatchObject({
        code: 'ERR_JEPA_CHECKPOINT_FORMAT',
        message: expect.stringContaining(`expected data_path to name a file below ${folder}, got '${data_path}'`),
      });
    }
    edit(folder, { data_path: 'data/x/../chunk-000/episode_{episode_index:06d}.parquet' });
    expect((await leRobotEpisodes(folder)).lengths).toEqual([5, 4]);
  });

  it('takes pictures from the table or from below its folder, and from nowhere else', async () => {
    const folder = copyOf('lerobot-v3');
    const secret = join(temporaryFolder(), 'secret.png');
    const picture = png(Uint8Array.from(pixelsOf(3)), 6, 5, 3);
    mkdirSync(join(folder, 'images'));
    for (const file of [secret, join(folder, 'images/3.png')]) writeFileSync(file, picture);
    const episodes = await leRobotEpisodes(folder);
    const column = 'observation.image';
    const rows = vi.spyOn(ParquetFile.prototype, 'rows');
    rows.mockResolvedValue([{ [column]: { bytes: null, path: 'images/3.png' } }]);
    expect([...(await episodes.observe(0, 0, 1, 1))]).toEqual(pixelsOf(3));
    const up = relative(folder, secret);
    const none = [[], [{}], ...[null, 7, {}, { bytes: null, path: null }].map((value) => [{ [column]: value }])];
    const wrong = [up, `images/../${up}`, '', '..'].map((path) => [{ [column]: { bytes: null, path } }]);
    const odd = [secret, [1, 2], new Uint8Array(0)].map((bytes) => [{ [column]: { bytes, path: null } }]);
    for (const found of [...none, ...wrong, ...odd]) {
      rows.mockResolvedValue(found as Record<string, unknown>[]);
      await expect(episodes.observe(0, 0, 1, 1)).rejects.toMatchObject({
        code: 'ERR_JEPA_CORRUPT_SAMPLE',
        message: expect.stringContaining(
          `expected bytes or a file below ${folder} as ${column} of frame 0 of episode 0`,
        ),
      });
    }
  });

  it('refuses lengths and places that the files do not have', async () => {
    const folder = copyOf('lerobot-v2');
    const lines = (...list: unknown[]) =>
      writeFileSync(join(folder, 'meta/episodes.jsonl'), list.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const refused = (code: string, message: RegExp) =>
      expect(leRobotEpisodes(folder, { actions: null })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    for (const length of [0, -1, 2.5, '5', null, undefined]) {
      lines({ episode_index: 0, length });
      await refused('ERR_JEPA_CHECKPOINT_FORMAT', /expected the length of episode 0 of .* to be a positive integer/);
    }
    for (const length of [6, 2 ** 52]) {
      lines({ episode_index: 0, length });
      await refused('ERR_JEPA_CORRUPT_SAMPLE', /expected rows 0 to \d+ for episode 0 in .*, got a file of 5/);
    }
    for (const episode_index of [-1, 0.5, '../..', undefined]) {
      lines({ episode_index, length: 5 });
      await refused('ERR_JEPA_CHECKPOINT_FORMAT', /expected a whole number for 'episode_\w+' in data_path/);
    }
    lines(null);
    await refused('ERR_JEPA_CHECKPOINT_FORMAT', /an object was expected, got null/);
    lines();
    await refused('ERR_JEPA_DATASET', /expected episodes in .*, got none/);
    lines({ episode_index: 0, length: 5 });
    for (const changes of [{ features: null }, { features: { action: null } }, { fps: '10' }]) {
      const good = readFileSync(join(folder, 'meta/info.json'));
      edit(folder, changes);
      await refused('ERR_JEPA_CHECKPOINT_FORMAT', /expected fps, data_path and features/);
      writeFileSync(join(folder, 'meta/info.json'), good);
    }
    for (const data_path of ['{constructor}', '{x:0999999999d}', '{episode_index:0999999999d}']) {
      edit(folder, { data_path });
      await expect(leRobotEpisodes(folder)).rejects.toMatchObject({ name: 'JepaError' });
    }
  });

  it('refuses video, columns that do not exist, and versions that it does not know', async () => {
    const refusal = (options: object, message: string) =>
      expect(leRobotEpisodes(foreignFile('lerobot-v3'), options)).rejects.toMatchObject({
        code: 'ERR_JEPA_DATASET',
        message: expect.stringContaining(message),
      });
    await refusal({ observations: 'observation.video' }, 'got video\n  → decode it into folders of frames');
    await refusal({ actions: 'actions' }, "expected a column 'actions' of numbers or pictures");
    const other = copyOf('lerobot-v2');
    const info = join(other, 'meta/info.json');
    writeFileSync(info, readFileSync(info, 'utf8').replace('v2.1', 'v1.6'));
    await expect(leRobotEpisodes(other)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_VERSION' });
    writeFileSync(info, '{');
    await expect(leRobotEpisodes(other)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_FORMAT' });
  });
});
