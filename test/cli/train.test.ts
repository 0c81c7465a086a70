import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpoint } from '#lib/train/index.js';
import { WorldModel } from '#lib/world-model/index.js';
import { defaultObjective } from '#lib/world-model/objective.js';
import { readEvents } from '../io/event-file.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { root } from '../package/source-files.js';
import { jepa, start } from './command.js';

const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const files = ['checkpoint.safetensors', 'config.json', 'log.jsonl', 'model.jepa'];

describe('jepa train', () => {
  it('saves on Ctrl-C, says how to go on, and ends in the same bytes on any number of threads', async () => {
    const folder = temporaryFolder();
    const config = {
      preset: 'tiny',
      seed: 4,
      steps: 16,
      clips: 4,
      checkpointEvery: 4,
      training: { learningRate: 1e-3 },
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const whole = await jepa(['train', 'config.json', '--run', 'whole'], { cwd: folder, env: { JEPA_THREADS: '1' } });
    expect(whole).toMatchObject({ code: 0, stdout: `${join('whole', 'model.jepa')}\n` });
    expect(readdirSync(join(folder, 'whole')).sort()).toEqual(files);

    const { child, ended } = start(['train', 'config.json', '--run', 'parts', '--tensorboard'], {
      cwd: folder,
      env: { JEPA_THREADS: '2' },
    });
    const checkpoint = join(folder, 'parts', 'checkpoint.safetensors');
    while (!existsSync(checkpoint) && child.exitCode === null) await pause(5);
    child.kill('SIGINT');
    const stopped = await ended;
    expect([stopped.code, stopped.stdout], stopped.stderr).toEqual([130, '']);
    expect(stopped.stderr).toMatch(
      /SIGINT: stopping after this step[\s\S]*stopped at step \d+; go on with: jepa train --resume parts\n$/,
    );
    const { step } = await readCheckpoint(checkpoint);
    expect(step).toBeGreaterThanOrEqual(4);
    expect(step).toBeLessThan(16);
    expect(existsSync(join(folder, 'parts', 'model.jepa'))).toBe(false);

    const refused = await jepa(['train', 'config.json', '--run', 'parts'], { cwd: folder });
    expect(refused.stderr).toMatch(
      /expected --run to name a new directory, got parts, which holds a run\n.*jepa train --resume parts/,
    );
    expect(refused.code).toBe(1);

    // Another configuration is refused, by name, before anything is written.
    const changed = (change: object): void =>
      writeFileSync(join(folder, 'parts', 'config.json'), JSON.stringify({ ...config, ...change }));
    const original = readFileSync(join(folder, 'parts', 'config.json'));
    for (const [change, message] of [
      [{ clips: 8 }, /expected run\.clips 8, got 4\n.*start a new run.*\(ERR_JEPA_CHECKPOINT_MISMATCH\)/],
      [
        { steps: step - 1 },
        /expected steps to be at least the \d+ that are done in .*, got \d+ \(ERR_JEPA_INVALID_ARGUMENT\)/,
      ],
    ] as const) {
      changed(change);
      const before = hash(checkpoint);
      const other = await jepa(['train', '--resume', 'parts'], { cwd: folder });
      expect(other.stderr).toMatch(message);
      expect([other.code, hash(checkpoint)]).toEqual([1, before]);
    }
    writeFileSync(join(folder, 'parts', 'config.json'), original);

    const resumed = await jepa(['train', '--resume', 'parts', '--tensorboard'], {
      cwd: folder,
      env: { JEPA_THREADS: '2' },
    });
    expect(resumed.stderr).toContain(`going on from step ${step} of 16`);
    expect(resumed.code).toBe(0);
    const written = readdirSync(join(folder, 'parts')).sort();
    const boards = written.filter((name) => name.includes('tfevents'));
    expect(written).toEqual([...files, ...boards].sort());
    const [first, second] = boards.map((name) => readEvents(readFileSync(join(folder, 'parts', name))));
    expect(first[1]).toMatchObject({ step: 1, sessionStatus: 1 });
    expect(second[1]).toMatchObject({ step: step + 1, sessionStatus: 1 });
    expect(second.at(-1)?.step).toBe(16);
    for (const name of ['checkpoint.safetensors', 'model.jepa'])
      expect(hash(join(folder, 'parts', name)), name).toBe(hash(join(folder, 'whole', name)));
    const lines = readFileSync(join(folder, 'parts', 'log.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ type: 'done', step: 16 });
    const model = await WorldModel.load(join(folder, 'parts', 'model.jepa'));
    expect(model.config).toMatchObject({ seed: 4, frameRate: 15, action: { units: ['N', 'N'] } });
  }, 300_000);

  it('stopped before there is anything to save, says so', async () => {
    const folder = temporaryFolder();
    const asked =
      "process.on('newListener', (name) => name === 'SIGINT' && setImmediate(() => process.kill(process.pid, 'SIGINT')))";
    const { code, stdout, stderr } = await jepa(['train', '--run', 'run'], {
      cwd: folder,
      env: { JEPA_THREADS: '1' },
      node: ['--import', `data:text/javascript,${encodeURIComponent(asked)}`],
    });
    expect([code, stdout]).toEqual([130, '']);
    expect(stderr).toBe('\nSIGINT: stopped before the work began, nothing was done\n');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses configurations that mean nothing, by name', async () => {
    const folder = temporaryFolder();
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{', /expected a JSON configuration in .*\(ERR_JEPA_CONFIG\)/],
      [[1], /expected options to be an object, got an array/],
      [
        { stepz: 3 },
        /expected options among world, preset.*got 'stepz'\n.*did you mean 'steps'\?.*\(ERR_JEPA_UNKNOWN_OPTION\)/,
      ],
      [{ world: 'chess' }, /expected world 'physics', got "chess" \(ERR_JEPA_CONFIG\)/],
      [{ preset: 'huge' }, /expected the preset to be 'tiny' or 'small', got "huge"/],
      [{ steps: '9' }, /expected steps to be an integer from 0, got "9"/],
      [{ clips: 2 }, /expected clips to be an integer from 4, got 2/],
      [{ objective: { rolout: 1 } }, /did you mean 'rollout'\?/],
      [{ training: { learningRate: -1 } }, /expected learningRate to be a number, 0 or more, got -1/],
    ];
    await Promise.all(
      cases.map(async ([config, message], index) => {
        const name = `${index}.json`;
        writeFileSync(join(folder, name), typeof config === 'string' ? config : JSON.stringify(config));
        const { code, stdout, stderr } = await jepa(['train', name, '--run', `run-${index}`], { cwd: folder });
        expect(stderr).toMatch(message);
        expect([code, stdout]).toEqual([1, '']);
        expect(existsSync(join(folder, `run-${index}`))).toBe(false);
      }),
    );
  });

  it('takes the configuration of docs/world-models.md as it stands there', async () => {
    const folder = temporaryFolder();
    const page = readFileSync(join(root, 'docs/world-models.md'), 'utf8');
    const [, text] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    writeFileSync(join(folder, 'config.json'), text);
    const { code, stderr } = await jepa(['train', 'config.json', '--run', 'run', '--steps', '1'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(readdirSync(join(folder, 'run')).sort()).toEqual(files);
    const config = JSON.parse(readFileSync(join(folder, 'run', 'config.json'), 'utf8'));
    expect(config).toEqual({ ...JSON.parse(text), steps: 1 }); // every key is there, so that none has to be looked up
    const { description } = await readCheckpoint(join(folder, 'run', 'checkpoint.safetensors'));
    expect(description).toMatchObject({ objective: defaultObjective, training: { learningRate: 1.2e-3 } });
  }, 120_000);

  it('reads the configuration before it asks where the run goes', async () => {
    const folder = temporaryFolder();
    const none = await jepa(['train', 'none.json'], { cwd: folder });
    expect(none.stderr).toMatch(/^\[io\] cannot read none\.json: ENOENT\n {2}→ check the path \(ERR_JEPA_IO\)\n$/);
    writeFileSync(join(folder, 'config.json'), '{}');
    const nowhere = await jepa(['train', 'config.json'], { cwd: folder });
    expect(nowhere.stderr).toMatch(/^expected --run DIR for a new run or --resume DIR/);
    expect([none.code, nowhere.code]).toEqual([1, 2]);
  });

  it('says what it cannot resume', async () => {
    const folder = temporaryFolder();
    const none = await jepa(['train', '--resume', 'none'], { cwd: folder });
    expect(none.stderr).toMatch(/cannot read .*config\.json: ENOENT[\s\S]*\(ERR_JEPA_IO\)/);
    mkdirSync(join(folder, 'run'));
    writeFileSync(join(folder, 'run', 'config.json'), '{ "steps": 2, "clips": 4 }');
    writeFileSync(join(folder, 'run', 'checkpoint.safetensors'), 'half of a checkpo');
    const damaged = await jepa(['train', '--resume', 'run'], { cwd: folder });
    expect(damaged.stderr).toMatch(/expected a \.jepa or safetensors file[\s\S]*\(ERR_JEPA_CHECKPOINT_FORMAT\)/);
    expect([none.code, damaged.code]).toEqual([1, 1]);
  });
});
