// Folders of pictures and of frames, written here as PNG files.
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test, vi } from 'vitest';
import {
  batch,
  clipBatches,
  clips,
  episodeStatistics,
  frameFolders,
  imageFolder,
  skipCorrupt,
} from '#lib/data/index.js';
import { importPeer } from '#lib/data/peer.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { installed } from './installed.js';
import { png } from './png.js';
import { noise, writeRecording } from './recording.js';
import { take } from './taking.js';

const reason = installed('sharp') ? '' : ' (skipped: the package sharp is not installed)';

test('a missing package is named with the command that installs it', async () => {
  await expect(importPeer('test', 'jepa-has-no-such-package', '1')).rejects.toMatchObject({
    code: 'ERR_JEPA_MISSING_PEER',
    message: expect.stringContaining('[test] expected the package jepa-has-no-such-package, which is not installed'),
    help: ['npm install jepa-has-no-such-package@1'],
  });
});

describe.skipIf(reason !== '')(`imageFolder${reason}`, () => {
  const write = (folder: string, name: string, seed: number, height = 4, width = 6): Uint8Array => {
    const pixels = noise(height * width * 3, seed);
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), png(pixels, height, width, 3));
    return pixels;
  };

  it('gives every picture, in the order of names and numbers, with its class', async () => {
    const folder = temporaryFolder();
    const [cat10, cat9, dog] = ['cat/10.png', 'cat/9.png', 'dog/sub/1.png'].map((name, seed) =>
      write(folder, name, seed),
    );
    writeFileSync(join(folder, 'cat', 'notes.txt'), 'no picture');
    const images = await imageFolder(folder);
    expect([images.count, images.classes]).toEqual([3, ['cat', 'dog']]);
    const samples = await take(images);
    expect(samples.map(({ path }) => path)).toEqual(['cat/9.png', 'cat/10.png', 'dog/sub/1.png']);
    expect(samples.map(({ pixels }) => pixels.data)).toEqual([cat9, cat10, dog]);
    const [all] = await take(batch(images, 3));
    expect([all.pixels.shape, [...all.label.data]]).toEqual([
      [3, 4, 6, 3],
      [0, 0, 1],
    ]);
  });

  it('says so where pictures lie beside the folders of classes', async () => {
    const folder = temporaryFolder();
    for (const [seed, name] of ['cat/1.png', 'b.png', 'c.png'].entries()) write(folder, name, seed);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const samples = await take(await imageFolder(folder));
    expect(samples.map(({ path, label }) => [path, label.data[0]])).toEqual([
      ['b.png', -1],
      ['c.png', -1],
      ['cat/1.png', 0],
    ]);
    expect(warned.mock.calls).toEqual([
      [
        `2 of 3 pictures lie in ${folder} beside its class folders (b.png for one) and get the label −1`,
        { code: 'JEPA_UNLABELLED' },
      ],
    ]);
    await imageFolder(join(folder, 'cat')); // no folders, no classes: nothing to say
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  it('makes grey ones and other sizes, and colours of grey files', async () => {
    const folder = temporaryFolder();
    const grey = noise(24, 3);
    writeFileSync(join(folder, 'a.png'), png(grey, 4, 6, 1));
    const [colours] = await take(await imageFolder(folder));
    expect(colours.pixels.data).toEqual(Uint8Array.from({ length: 72 }, (_, index) => grey[Math.floor(index / 3)]));
    const [same] = await take(await imageFolder(folder, { channels: 1 }));
    expect(same.pixels).toEqual({ dtype: 'uint8', shape: [4, 6, 1], data: grey });
    expect(same.label.data).toEqual(Int32Array.of(-1));
    writeFileSync(join(folder, 'a.png'), png(new Uint8Array(72).fill(90), 4, 6, 3));
    const [small] = await take(await imageFolder(folder, { height: 2, width: 3 }));
    expect(small.pixels).toEqual({ dtype: 'uint8', shape: [2, 3, 3], data: new Uint8Array(18).fill(90) });
  });

  it('names a damaged picture, which can be skipped', async () => {
    const folder = temporaryFolder();
    const [first, , third] = ['0.png', '1.png', '2.png'].map((name, seed) => write(folder, name, seed));
    truncateSync(join(folder, '1.png'), 60);
    const images = await imageFolder(folder);
    await expect(images.get(1)).rejects.toMatchObject({
      code: 'ERR_JEPA_CORRUPT_SAMPLE',
      message: expect.stringContaining(`[imageFolder] expected a picture in ${join(folder, '1.png')}`),
    });
    const reports: number[] = [];
    const good = await take(skipCorrupt(images, { onCorrupt: ({ index }) => reports.push(index) }));
    expect(good.map(({ pixels }) => pixels.data)).toEqual([first, third, third]);
    expect(reports).toEqual([1]);
  });

  it('refuses empty folders and wrong options', async () => {
    await expect(imageFolder(temporaryFolder())).rejects.toMatchObject({ code: 'ERR_JEPA_DATASET' });
    await expect(imageFolder('/there/is/no/folder')).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
    const folder = temporaryFolder();
    write(folder, '0.png', 0);
    await expect(imageFolder(folder, { channels: 2 })).rejects.toThrow(/channels to be 1 or 3, got 2/);
    await expect(imageFolder(folder, { height: 0 })).rejects.toThrow(/height to be a positive integer, got 0/);
  });
});

describe.skipIf(reason !== '')(`frameFolders${reason}`, () => {
  it('gives frames and actions as they were recorded', async () => {
    const folder = temporaryFolder();
    const { frames, actions } = writeRecording(folder, [12, 3]);
    const episodes = await frameFolders(folder, { frameRate: 10 });
    expect(episodes.observation).toEqual({ kind: 'image', height: 8, width: 8, channels: 3 });
    expect([episodes.lengths, episodes.actionSize, episodes.frameRate]).toEqual([[12, 3], 2, 10]);
    expect(episodes.actions.map((values) => [...values])).toEqual(actions);
    expect(await episodes.observe(0, 0, 12, 1)).toEqual(frames[0]);
    expect(await episodes.observe(1, 1, 2, 1)).toEqual(frames[1].subarray(192));
    const clip = await clips(episodes, { frames: 3, frameSkip: 4 }).get(0);
    const expected = [0, 4, 8].flatMap((frame) => [...frames[0].subarray(frame * 192, frame * 192 + 192)]);
    expect([...clip.observations]).toEqual(expected);
    expect([...clip.actions]).toEqual(actions[0]);
    expect(await episodeStatistics(episodes)).toMatchObject({ frameRate: 10, action: { size: 2 } });
  });

  it('takes a folder of frames alone, and goes past clips with a damaged frame', async () => {
    const folder = temporaryFolder();
    writeRecording(folder, [8]);
    const alone = join(folder, 'episode-0');
    truncateSync(join(alone, 'frame-2.png'), 50);
    const episodes = await frameFolders(alone);
    expect(episodes.lengths).toEqual([8]);
    const reports: number[] = [];
    const batches = clipBatches(episodes, {
      frames: 4,
      clips: 5,
      seed: 1,
      onCorrupt: ({ index }) => reports.push(index),
    });
    await take(batches, 2);
    expect(reports.sort()).toEqual([0, 1, 2]);
  });

  it('refuses actions that it was told of and cannot find or read', async () => {
    const folder = temporaryFolder();
    writeRecording(folder, [4, 3]);
    await expect(frameFolders(folder, { actions: 'acts.npy' })).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message: expect.stringContaining(`[frameFolders] expected a file 'acts.npy' beside the frames in ${folder}`),
    });
    await expect(frameFolders(folder, { actions: 'frame-0.png/acts.npy' })).rejects.toMatchObject({
      code: 'ERR_JEPA_IO', // ENOTDIR: there is something in the way
    });
    const file = join(folder, 'episode-0', 'actions.npy');
    rmSync(file);
    await expect(frameFolders(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' }); // the other episode has some
    if (process.platform !== 'win32') {
      symlinkSync(file, file);
      await expect(frameFolders(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_IO' }); // ELOOP
      rmSync(file);
    }
    rmSync(join(folder, 'episode-1', 'actions.npy'));
    expect((await frameFolders(folder)).actions).toEqual([new Float32Array(4), new Float32Array(3)]); // only watched
  });

  it('refuses actions of other lengths, and folders without pictures', async () => {
    const folder = temporaryFolder();
    writeRecording(folder, [4]);
    writeFileSync(join(folder, 'episode-0', 'frame-4.png'), png(new Uint8Array(192), 8, 8, 3));
    expect((await frameFolders(folder)).actions[0].slice(8)).toEqual(Float32Array.of(0, 0)); // the last frame has no action
    writeFileSync(join(folder, 'episode-0', 'frame-5.png'), png(new Uint8Array(192), 8, 8, 3));
    await expect(frameFolders(folder)).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' });
    await expect(frameFolders(temporaryFolder())).rejects.toMatchObject({ code: 'ERR_JEPA_DATASET' });
  });
});
