import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { TensorBoardWriter } from '#lib/train/index.js';
import { readEvents } from '../io/event-file.js';
import { temporaryFolder } from '../io/temporary-folder.js';

const eventFiles = (folder: string): string[] => readdirSync(folder).filter((name) => name.includes('tfevents'));

test('a run as TensorBoard reads it: scalars, pictures, in order', async () => {
  const folder = join(temporaryFolder(), 'runs', 'a');
  const before = Date.now() / 1000;
  const board = await TensorBoardWriter.open(folder);
  await Promise.all([
    board.record({
      type: 'step',
      step: 10,
      steps: 20,
      metrics: { loss: 0.5, gradNorm: 2 },
      samplesPerSecond: 1000,
      secondsLeft: 1,
    }),
    board.record({
      type: 'health',
      step: 10,
      health: {
        sigreg: 3,
        sigregNull: 1,
        sigregCollapsed: 90,
        std: [1, 0.25, 2],
        effectiveRank: 7,
        actionSensitivity: 0.125,
        collapsed: false,
      },
    }),
    board.record({ type: 'warning', step: 10, message: 'nothing to plot' }),
    board.image(
      10,
      'clip',
      Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i),
      2,
      3,
    ),
    board.scalars(12, { 'validation/surprise': 1.5 }),
  ]);
  await board.close();
  await board.close();
  const events = readEvents(readFileSync(board.path));
  for (const { wallTime } of events) {
    expect(wallTime).toBeGreaterThanOrEqual(before);
    expect(wallTime).toBeLessThanOrEqual(Date.now() / 1000);
  }
  expect(events.map(({ step, scalars, images }) => [step, scalars, Object.keys(images)])).toEqual([
    [0, {}, []],
    [1, {}, []],
    [10, { 'train/loss': 0.5, 'train/gradNorm': 2, 'train/samplesPerSecond': 1000 }, []],
    [
      10,
      { 'health/sigreg': 3, 'health/effectiveRank': 7, 'health/actionSensitivity': 0.125, 'health/leastStd': 0.25 },
      [],
    ],
    [10, {}, ['clip']],
    [12, { 'validation/surprise': 1.5 }, []],
  ]);
  expect(events[0].fileVersion).toBe('brain.Event:2');
  const { clip } = events[4].images;
  expect([clip.height, clip.width, clip.png.toString('latin1', 1, 4)]).toEqual([2, 3, 'PNG']);
});

test('a continued run takes back what was written beyond its checkpoint', async () => {
  const folder = temporaryFolder();
  await (await TensorBoardWriter.open(folder)).close();
  const again = await TensorBoardWriter.open(folder, { step: 300 });
  await again.close();
  expect(eventFiles(folder)).toHaveLength(2);
  expect(eventFiles(folder).sort()[1]).toBe(again.path.slice(folder.length + 1)); // read after the first
  expect(readEvents(readFileSync(again.path))[1]).toMatchObject({ step: 301, sessionStatus: 1 });
});

test('what fails to be written is taken back, and what comes after it is read', async () => {
  const folder = temporaryFolder();
  const board = await TensorBoardWriter.open(folder);
  await board.scalars(1, { x: 1 });
  const probe = await open(join(folder, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { appendFile } = prototype;
  const full = vi.spyOn(prototype, 'appendFile').mockImplementationOnce(async function (this: FileHandle, bytes) {
    await appendFile.call(this, (bytes as Buffer).subarray(0, 20));
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  });
  const writing = [board.scalars(2, { x: 2 }), board.scalars(3, { x: 3 })];
  const [second, third] = await Promise.allSettled(writing);
  full.mockRestore();
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ERR_JEPA_IO' } });
  expect(third.status).toBe('fulfilled');
  await board.close();
  const events = readEvents(readFileSync(board.path));
  expect(events.map(({ scalars }) => scalars.x)).toEqual([undefined, undefined, 1, 3]);
});

test('says what is wrong', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  await expect(TensorBoardWriter.open(join(folder, 'file'))).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
  await expect(TensorBoardWriter.open(folder, { stap: 1 } as object)).rejects.toMatchObject({
    code: 'ERR_JEPA_UNKNOWN_OPTION',
  });
  const board = await TensorBoardWriter.open(folder);
  await expect(board.scalars(-1, {})).rejects.toThrow('expected step to be a whole number, 0 or more, got -1');
  await expect(board.image(1, 'x', new Uint8Array(5), 1, 2)).rejects.toThrow(
    'expected pixels of shape [1, 2, 3], got 5 bytes',
  );
  await board.close();
  await expect(board.scalars(1, { x: 1 })).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
});
