import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sealed } from '#lib/io/digest.js';
import { type HostTensor, writeSafetensors } from '#lib/io/safetensors.js';
import { nativeTarget } from '#lib/tensor/index.js';
import { type Checkpoint, checkpointPath, readCheckpoint, Trainer, writeCheckpoint } from '#lib/train/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { Regression, recordings } from './regression.js';

const state = new Map<string, HostTensor>([
  ['model.weight', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['optimiser.step', { dtype: 'int32', shape: [1], data: Int32Array.of(9) }],
]);
const checkpoint: Checkpoint = { step: 9, target: 'scalar', description: { kind: 'test', seed: 3 }, state };

async function written(): Promise<{ folder: string; path: string; bytes: Buffer }> {
  const folder = temporaryFolder();
  const path = join(folder, 'checkpoint.safetensors');
  await writeCheckpoint(path, checkpoint);
  return { folder, path, bytes: readFileSync(path) };
}

describe('checkpoint', () => {
  it('comes back as it was written, and the same content gives the same bytes', async () => {
    const { path, bytes } = await written();
    expect(await readCheckpoint(path)).toEqual(checkpoint);
    expect((await written()).bytes.equals(bytes)).toBe(true);
  });

  it('is refused when truncated at any length', async () => {
    const { path, bytes } = await written();
    for (const length of [0, 1, 7, 8, 60, bytes.length - 12, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(readCheckpoint(path)).rejects.toMatchObject({
        code: 'ERR_JEPA_CHECKPOINT_FORMAT',
        message: expect.stringMatching(/^\[safetensors\] expected .* got /),
      });
    }
  });

  it('is refused when any byte of it has changed', async () => {
    const { path, bytes } = await written();
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1;
      writeFileSync(path, damaged);
      const error = await readCheckpoint(path).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      // Blanks after the header are the only bytes that say nothing.
      if (error === undefined) expect(damaged.subarray(8).toString('latin1')).toContain(`}!`);
      else expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_JEPA_CHECKPOINT_(FORMAT|VERSION)$/) });
    }
    const damaged = Buffer.from(bytes);
    damaged[bytes.length - 1] ^= 64;
    writeFileSync(path, damaged);
    await expect(readCheckpoint(path)).rejects.toThrow(
      /\[checkpoint\] expected contents with SHA-256 [0-9a-f]{64}, got [0-9a-f]{64} in .*\n.*the file is damaged/,
    );
  });

  it('says what else is wrong with a file', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.safetensors');
    const whole = { format: 'jepa-checkpoint', version: '1', step: '3', target: 'scalar', description: '{}' };
    for (const [metadata, code, message] of [
      [{}, 'ERR_JEPA_CHECKPOINT_FORMAT', /to hold a training checkpoint .* got format 'none'/],
      [{ format: 'jepa-world-model' }, 'ERR_JEPA_CHECKPOINT_FORMAT', /got format 'jepa-world-model'/],
      [
        { ...whole, version: '2' },
        'ERR_JEPA_CHECKPOINT_VERSION',
        /expected version 1, got 2 .*\n.*with the version of jepa that wrote it/,
      ],
      [{ ...whole, step: '-1' }, 'ERR_JEPA_CHECKPOINT_FORMAT', /expected a step number in .*, got '-1'/],
      [{ ...whole, step: '' }, 'ERR_JEPA_CHECKPOINT_FORMAT', /expected a step number in .*, got ''/],
      [{ ...whole, description: '{' }, 'ERR_JEPA_CHECKPOINT_FORMAT', /expected a JSON description/],
      [{ ...whole, description: 'null' }, 'ERR_JEPA_CHECKPOINT_FORMAT', /expected a JSON description/],
    ] as const) {
      await writeSafetensors(path, state, sealed(metadata, state));
      await expect(readCheckpoint(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    }
    await expect(readCheckpoint(join(folder, 'none'))).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: expect.stringMatching(/cannot read .*none: ENOENT/),
    });
  });

  it('is not replaced by half of another', async () => {
    const { folder, path, bytes } = await written();
    const broken = new Map([...state, ['x', { dtype: 'float32', shape: [4], data: Float32Array.of(1) } as HostTensor]]);
    await expect(writeCheckpoint(path, { ...checkpoint, state: broken })).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['checkpoint.safetensors']);
    mkdirSync(join(folder, 'taken'));
    await expect(writeCheckpoint(join(folder, 'taken'), checkpoint)).rejects.toMatchObject({
      code: 'ERR_JEPA_IO',
      message: expect.stringContaining('the path is a directory'),
    });
    if (process.platform === 'linux')
      await expect(writeCheckpoint('/dev/full', checkpoint)).rejects.toMatchObject({
        code: 'ERR_JEPA_IO',
        message: expect.stringContaining('cannot write /dev/full: ENOSPC'),
      });
  });

  it('of another model or machine is told apart when resuming', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'checkpoint.safetensors');
    const model = new Regression();
    const own = await model.stateDict();
    const trainer = new Trainer(model, { steps: 20 });
    await writeCheckpoint(path, { ...checkpoint, description: { kind: 'regression', noise: 0.5 }, state: own });
    await expect(trainer.resume(path)).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_MISMATCH',
      message: expect.stringMatching(/got one of another in .*: expected noise 0\.1, got 0\.5/),
    });
    const { description } = model;
    await writeCheckpoint(path, { ...checkpoint, description, state });
    await expect(trainer.resume(path)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_MISMATCH' });
    expect(trainer.step).toBe(0);
    expect(await model.stateDict()).toEqual(own); // nothing was loaded
    await writeCheckpoint(path, { ...checkpoint, target: 'abacus', description, state: own });
    expect(await trainer.resume(path)).toMatch(/computed on abacus, this machine runs .* not bit by bit$/);
    expect(trainer.step).toBe(9);
  });

  it('of a run of another length is told apart when resuming', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'checkpoint.safetensors');
    const model = new Regression();
    const { description } = model;
    const target = nativeTarget();
    await writeCheckpoint(path, { ...checkpoint, steps: 20, target, description, state: await model.stateDict() });
    expect(await new Trainer(model, { steps: 20 }).resume(path)).toBeUndefined();
    expect(await new Trainer(model, { steps: 30 }).resume(path)).toMatch(
      /^this run was planned for 20 steps and is to have 30: what depends on them, such as a learning rate,/,
    );
    await expect(new Trainer(model, { steps: 8 }).resume(path)).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringMatching(/expected steps to be at least the 9 that are done in .*, got 8$/),
    });
    const other = new Trainer(model, { steps: 20, description: { rows: 32 } });
    const saving = new Trainer(model, { steps: 20, description: { rows: 64 }, directory: folder });
    await saving.save();
    await expect(other.resume(path)).rejects.toThrow('expected run.rows 32, got 64');
    expect(await saving.resume(path)).toBeUndefined();
  });

  it('written before a run was described is resumed, and says what was not recorded', async () => {
    const path = fileURLToPath(new URL('data/checkpoint-0.1.0.safetensors', import.meta.url)); // by a trainer of that time
    const { step, target, description } = await readCheckpoint(path);
    expect([step, description]).toEqual([9, { kind: 'regression', noise: 0.1 }]);
    const directory = temporaryFolder();
    const trainer = new Trainer(new Regression(), { steps: 20, directory, description: { rows: 16 } });
    const sentences = (await trainer.resume(path)) ?? '';
    expect(sentences).toContain(
      'this checkpoint does not say what else its run depends on, which is taken to be {"rows":16}',
    );
    expect(sentences.includes('not bit by bit')).toBe(target !== nativeTarget());
    for await (const event of trainer.run(recordings())) if (event.type === 'done') expect(event.step).toBe(20);
    expect((await readCheckpoint(checkpointPath(directory))).description.run).toEqual({ rows: 16 });
    const other = new Trainer(new Regression({ noise: 0.5 }), { steps: 20, description: { rows: 16 } });
    await expect(other.resume(path)).rejects.toThrow('expected noise 0.5, got 0.1');
  });
});
