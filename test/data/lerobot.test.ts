// LeRobot datasets whose tables pyarrow wrote.
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipBatches, clips, episodeStatistics, leRobotEpisodes } from '#lib/data/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { installed } from './installed.js';
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
