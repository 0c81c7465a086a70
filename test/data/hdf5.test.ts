// HDF5 files that h5py wrote, in the layouts of stable-worldmodel and robomimic.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipBatches, clips, episodeStatistics, hdf5Episodes, prefetchInWorkers } from '#lib/data/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { installed } from './installed.js';
import { actionOf, foreignFile, from, pixelsOf, stateOf } from './recorded-rows.js';
import { take } from './taking.js';

const reason = installed('h5wasm') ? '' : ' (skipped: the package h5wasm is not installed)';

describe.skipIf(reason !== '')(`hdf5Episodes${reason}`, () => {
  it('reads the columns of stable-worldmodel and LeWorldModel', async () => {
    const episodes = await hdf5Episodes(foreignFile('push-t.h5'), { frameRate: 10 });
    expect(episodes.observation).toEqual({ kind: 'image', height: 6, width: 5, channels: 3 });
    expect([episodes.lengths, episodes.actionSize]).toEqual([[5, 4], 2]);
    expect([...episodes.actions[1]]).toEqual([...from(5, 3).flatMap(actionOf), 0, 0]); // not taken: NaN in the file
    expect([...(await episodes.observe(1, 0, 2, 3))]).toEqual([5, 8].flatMap(pixelsOf));
    const clip = await clips(episodes, { frames: 2, frameSkip: 2 }).get(1);
    expect([...clip.observations]).toEqual([1, 3].flatMap(pixelsOf));
    expect([...clip.actions]).toEqual([...from(1, 3).flatMap(actionOf), 0, 0]);
    const { action } = await episodeStatistics(episodes, { frameSkip: 2 });
    expect(action.size).toBe(4);
    const [batch] = await take(clipBatches(episodes, { frames: 3, clips: 5, seed: 1 }), 1);
    const rows = [...batch.observations].filter((_, index) => index % 270 === 0).map((first) => (first * 95) % 251); // 37 · 95 ≡ 1
    expect(rows.sort()).toEqual([0, 1, 2, 5, 6]);
    episodes.close();
    await expect(episodes.observe(0, 0, 1, 1)).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
  });

  it('reads sensors, and recordings whose actions do not matter', async () => {
    const episodes = await hdf5Episodes(foreignFile('push-t.h5'), { observations: 'state', actions: null });
    expect(episodes.observation).toEqual({ kind: 'vector', size: 3 });
    expect([...(await episodes.observe(1, 1, 3, 1))]).toEqual(from(6, 3).flatMap(stateOf));
    expect(episodes.actionSize).toBe(1);
    episodes.close();
  });

  it('reads a group for each episode, in the order of their numbers', async () => {
    const names = { observations: 'obs/agentview_image', actions: 'actions' };
    const episodes = await hdf5Episodes(foreignFile('demonstrations.h5'), names);
    expect(episodes.lengths).toEqual(new Array(11).fill(3));
    for (const demonstration of [2, 10]) {
      expect([...(await episodes.observe(demonstration, 0, 3, 1))]).toEqual(
        from(10 * demonstration, 3).flatMap(pixelsOf),
      );
      expect([...episodes.actions[demonstration]]).toEqual(from(10 * demonstration, 3).flatMap(actionOf));
    }
    episodes.close();
  });

  it('reads in worker threads what it reads here', async () => {
    const module = new URL('./made-in-worker.mjs', import.meta.url);
    const there = prefetchInWorkers(
      { module, name: 'pushes', options: { path: foreignFile('push-t.h5') } },
      { workers: 2 },
    );
    const episodes = await hdf5Episodes(foreignFile('push-t.h5'));
    expect(await take(there)).toEqual(await take(clips(episodes, { frames: 2 })));
    episodes.close();
  });

  it('names a damaged stretch, and gives the others', async () => {
    const bytes = readFileSync(foreignFile('demonstrations.h5'));
    const second = bytes.indexOf(Buffer.of(0x78, 0x5e), bytes.indexOf(Buffer.of(0x78, 0x5e)) + 1); // zlib's header, level 4
    expect(second).toBeGreaterThan(0);
    bytes.fill(0xff, second + 2, second + 30);
    const path = join(temporaryFolder(), 'torn.h5');
    writeFileSync(path, bytes);
    const episodes = await hdf5Episodes(path, { observations: 'obs/agentview_image', actions: 'actions' });
    const outcomes = await Promise.allSettled(
      episodes.lengths.flatMap((_, episode) => [0, 1, 2].map((frame) => episodes.observe(episode, frame, 1, 1))),
    );
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(failed).toEqual([expect.objectContaining({ code: 'ERR_JEPA_CORRUPT_SAMPLE' })]);
    expect((failed[0] as Error).message).toMatch(
      /^\[hdf5Episodes\] expected rows \d to \d of '\/data\/demo_\d+\/obs\/agentview_image' in .*torn.h5, got damaged ones: filter returned failure/,
    );
    episodes.close();
  });

  it('says what it cannot read', async () => {
    await expect(hdf5Episodes(foreignFile('blosc.h5'))).rejects.toMatchObject({
      code: 'ERR_JEPA_DTYPE',
      message: expect.stringContaining('plain or deflated, got filter 32001'),
      help: [expect.stringContaining('h5repack -f GZIP=4')],
    });
    await expect(hdf5Episodes(foreignFile('push-t.h5'), { observations: 'image' })).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringContaining("expected 'image' in"),
    });
    await expect(hdf5Episodes(foreignFile('demonstrations.h5'))).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringMatching(/expected 'pixels' beside ep_len and ep_offset, .* got demo_0, demo_1,/),
    });
    const path = join(temporaryFolder(), 'no.h5');
    await expect(hdf5Episodes(path)).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
    copyFileSync(foreignFile('README.md'), path);
    await expect(hdf5Episodes(path)).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_FORMAT',
      message: expect.stringContaining('file signature not found'),
    });
  });
});
