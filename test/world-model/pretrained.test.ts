import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { WorldModel } from '#lib/world-model/index.js';
import { findPretrained } from '#lib/world-model/pretrained.js';
import { violationPairs } from '#lib/worlds/physics/evaluation.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { root } from '../package/source-files.js';

const packed = join(root, 'pretrained');

it('is small, and surprised by discs that float', async () => {
  expect(statSync(join(packed, 'physics.jepa')).size).toBeLessThan(2e6);
  const world = await WorldModel.pretrained('physics');
  const { possible, impossible } = await violationPairs({ violation: 'floating', split: 'test', seed: 11, count: 20 });
  const surprise = async (clips: typeof possible) => (await world.surprise(...world.tensors(clips))).normalised;
  const [usual, floating] = [await surprise(possible), await surprise(impossible)];
  expect(usual.filter((value, pair) => value < floating[pair]).length).toBeGreaterThanOrEqual(17);
});

it('refuses a file that is another one, none, and other names', async () => {
  const folder = temporaryFolder();
  const found = () => findPretrained('physics', pathToFileURL(`${folder}/`));
  await expect(found()).rejects.toMatchObject({ code: 'ERR_JEPA_IO' });
  copyFileSync(join(packed, 'models.json'), join(folder, 'models.json'));
  const bytes = readFileSync(join(packed, 'physics.jepa'));
  writeFileSync(join(folder, 'physics.jepa'), bytes);
  expect((await found()).path).toBe(join(folder, 'physics.jepa'));
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(join(folder, 'physics.jepa'), bytes);
  await expect(found()).rejects.toMatchObject({
    code: 'ERR_JEPA_CHECKPOINT_FORMAT',
    message: expect.stringMatching(
      /^\[WorldModel\.pretrained\] expected .*physics\.jepa with SHA-256 [0-9a-f]{64}, got /,
    ),
  });
  await expect(WorldModel.pretrained('chess' as 'physics')).rejects.toThrow(
    /^\[WorldModel\.pretrained\] expected 'physics', got "chess"$/,
  );
  await expect(WorldModel.pretrained('phisics' as 'physics')).rejects.toThrow("→ did you mean 'physics'?");
});
