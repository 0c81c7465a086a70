import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '#lib/io/safetensors.js';
import { WorldModel } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { root } from '../package/source-files.js';
import { multimodalConfig, pictureConfig, sensorConfig } from '../world-model/small.js';
import { jepa } from './command.js';

const commands = ['demo', 'train', 'eval', 'rank', 'plan', 'inspect', 'doctor'];

describe('jepa', () => {
  it('without a command says which there are, on stderr', async () => {
    const { code, stdout, stderr } = await jepa([]);
    expect([code, stdout]).toEqual([2, '']);
    for (const command of commands) expect(stderr).toContain(`jepa ${command}`);
  });

  it('--help and --version are answers, on stdout', async () => {
    const help = await jepa(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    for (const command of commands) expect(help.stdout).toContain(`jepa ${command}`);
    expect(help.stdout).toMatch(/Exit codes: 0 done, 1 failed, 2 .*, 130 stopped/);
    const version = await jepa(['--version']);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });

  it.each([
    ['demo', ['--quick', '--pretrained', '--minutes M', '--seed S', '--json FILE', '--report FILE']],
    ['train', ['[CONFIG]', '--run DIR', '--resume DIR', '--steps N']],
    ['eval', ['CHECKPOINT', '--suite NAME', '--seed S', '--json FILE']],
    ['rank', ['CHECKPOINT', '--split NAME', '--seed S', '--starts N', '--json FILE']],
    ['plan', ['CHECKPOINT', '--world NAME', '--episodes N', '--json FILE']],
    ['inspect', ['FILE', '--json']],
    ['doctor', ['--json']],
  ])('%s --help lists its options', async (command, parts) => {
    const { code, stdout, stderr } = await jepa([command, '--help']);
    expect(await jepa(['help', command])).toEqual({ code, stdout, stderr });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^usage: jepa ${command}`));
    for (const part of parts) expect(stdout).toContain(part);
  });

  it.each([
    [['dmo'], /^jepa has no command 'dmo', did you mean demo\?\nexpected demo, train, eval/],
    [['trian'], /^jepa has no command 'trian', did you mean train\?\n/],
    [['frobnicate'], /^jepa has no command 'frobnicate'\nexpected demo, train, eval/],
    [['demo', '--sead', '3'], /jepa demo has no option --sead, did you mean --seed\?/],
    [['train', '--resum=x'], /did you mean --resume\?/],
    [['doctor', '--frobnicate'], /jepa doctor has no option --frobnicate\n$/],
    [['demo', '--seed', 'abc'], /expected --seed to be a whole number, got 'abc'/],
    [['demo', '--seed', '1.5'], /expected --seed to be a whole number, got '1\.5'/],
    [['demo', '--minutes', '0'], /expected --minutes to be above 0, got 0/],
    [['demo', '--pretrained', '--minutes', '1'], /expected no --minutes with --pretrained/],
    [['demo', '--scale', '2'], /expected --scale to be above 0 and at most 1, got 2/],
    [['demo', 'again'], /expected no arguments, got again/],
    [['demo', '--minutes', '-1'], /^expected --minutes to be above 0, got -1\n$/],
    [['demo', '--minutes=-.5'], /^expected --minutes to be above 0, got -0.5\n$/],
    [['demo', '--minutes'], /^expected --minutes M, got none\n$/],
    [['demo', '--minutes', '--quick'], /^expected --minutes M, got '--quick'\n$/],
    [['demo', '--json'], /^expected --json FILE, got none\n$/],
    [['demo', '--quick=no'], /^expected --quick without a value, got 'no'\n$/],
    [['demo', '-q'], /^jepa demo has no option -q\n$/],
    [['train', '--steps'], /^expected --steps N, got none\n$/],
    [['plan', 'x', '--episodes', '-3'], /^expected --episodes to be at least 1, got -3\n$/],
    [['inspect', '--', '--json', 'x'], /^expected FILE, got --json x\n/],
    [['eval'], /expected CHECKPOINT, got none\nusage: jepa eval CHECKPOINT/],
    [['eval', 'x', '--suite', 'alarms', '--report', 'r.html'], /expected no --report with --suite alarms/],
    [['eval', 'x', '--suite', 'chess'], /expected --suite physics or alarms, got 'chess'/],
    [['rank', 'x', '--split', 'train'], /expected --split validation or test, got 'train'/],
    [['rank', 'x', '--critic', 'a', '--train', 'b'], /expected --critic FILE .* or --train FILE .*, got both/],
    [['rank', 'x', '--pictures'], /expected --train FILE with --pictures/],
    [['rank', 'x', '--starts', '0'], /expected --starts to be at least 1, got 0/],
    [
      ['plan', 'x', '--world', 'maze'],
      /expected --world two-room or pldm-two-room or push-t or pendulum or bucket, got 'maze'/,
    ],
    [
      ['plan', 'new', '--world', 'pldm-two-room', '--replanning'],
      /expected --replanning with --world two-room or push-t or pendulum or bucket, got/,
    ],
    [['plan', 'new', '--steps', '0'], /expected --steps to be at least 1, got 0/],
    [['plan', 'x', '--steps', '9'], /expected --steps with 'new': a model of a file is not trained/],
    [['plan', 'x', '--episodes', '0'], /expected --episodes to be at least 1, got 0/],
    [['inspect', 'a', 'b'], /expected FILE, got a b/],
    [['train'], /expected --run DIR for a new run or --resume DIR/],
    [['train', '--run', 'a', '--resume', 'a'], /expected --run DIR for a new run or --resume DIR/],
    [['train', 'c.json', '--resume', 'a'], /expected no CONFIG with --resume/],
  ] as const)('%j is a mistake in the command line: 2', async (args, message) => {
    const { code, stdout, stderr } = await jepa(args, { cwd: temporaryFolder() });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/\n\s+at /); // a sentence, not a stack
  });
});

describe('jepa inspect', () => {
  it('shows what a model holds, as text or JSON', async () => {
    const path = join(temporaryFolder(), 'model.jepa');
    const model = new WorldModel(sensorConfig);
    await model.save(path);
    const text = await jepa(['inspect', path]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toContain('format: jepa-world-model');
    const count = model.network.parameters().reduce((sum, { size }) => sum + size, 0);
    const json = JSON.parse((await jepa(['inspect', path, '--json'])).stdout);
    expect(json.metadata).toMatchObject({ format: 'jepa-world-model', config: sensorConfig });
    expect(json.elements).toBeGreaterThanOrEqual(count);
    expect(json.tensors.length).toBe((await model.network.stateDict()).size);
    expect(text.stdout).toContain(`${json.tensors.length} tensors, ${json.elements} elements`);
  });

  it('says what is wrong with a file: 1', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'short'), 'abc');
    writeFileSync(join(folder, 'page.md'), '# A page, and no model\n');
    for (const [path, message] of [
      [join(folder, 'short'), /expected at least 8 bytes, got 3.*\n {2}→ .*\(ERR_JEPA_CHECKPOINT_FORMAT\)/],
      [join(folder, 'page.md'), /expected a \.jepa or safetensors file, got .*page\.md\)\n {2}→ name a model/],
      [join(folder, 'none'), /cannot read .*none: ENOENT\n.*check the path \(ERR_JEPA_IO\)/],
      [folder, /EISDIR/],
    ] as const) {
      const { code, stdout, stderr } = await jepa(['inspect', path]);
      expect(stderr).toMatch(message);
      expect([code, stdout]).toEqual([1, '']);
    }
  });
});

describe('JEPA_DEBUG', () => {
  it('shows the stack of every error, after its sentence', async () => {
    const missing = ['inspect', join(temporaryFolder(), 'none')];
    const { code, stderr } = await jepa(missing, { env: { JEPA_DEBUG: '1' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\[io\] cannot read[\s\S]*\(ERR_JEPA_IO\)\n[\s\S]*\n\s+at /);
    expect((await jepa(missing)).stderr).not.toMatch(/\n\s+at /);
  });
});

describe('jepa doctor', () => {
  it('describes the machine, as text or JSON', async () => {
    const found = JSON.parse((await jepa(['doctor', '--json'])).stdout);
    expect(found).toMatchObject({
      node: process.version,
      native: { loaded: true, target: expect.any(String), threads: expect.any(Number) },
    });
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(found.packages)).toEqual(Object.keys(manifest.peerDependencies));
    const engine = '@dimforge/rapier2d-deterministic-compat';
    const version = manifest.devDependencies[engine];
    expect(found.packages[engine]).toEqual({ needed: 'the physics suite', range: version, version });
    for (const { needed } of Object.values<{ needed: string }>(found.packages))
      expect(needed).not.toContain('optional');
    expect(found.native.targets).toContain(found.native.target);
    const text = await jepa(['doctor'], { env: { JEPA_THREADS: '1' } });
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/, 1 thread\n/);
    expect(text.stdout).toMatch(found.cpu.cores === 1 ? /, 1 core;/ : / cores;/);
    expect(text.stdout).toContain(`native: ${found.native.target} kernels`);
    expect(text.stdout).toContain(`${engine}: ${version} (for the physics suite)`);
  });

  it('obeys and checks the choice of a kernel target', async () => {
    const found = JSON.parse((await jepa(['doctor', '--json'], { env: { JEPA_CPU: 'scalar' } })).stdout);
    expect(found.native.target).toBe('scalar');
    const wrong = await jepa(['doctor', '--json'], { env: { JEPA_CPU: 'abacus' } });
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout).native).toMatchObject({
      loaded: false,
      problem: expect.stringContaining('abacus'),
    });
  });
});

describe('an optional package that is missing', () => {
  const hook = `export async function resolve(name, context, next) {
    if (name.startsWith('@dimforge/')) throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }`;
  const data = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
  const node = ['--import', data(`import { register } from 'node:module'; register(${JSON.stringify(data(hook))});`)];

  it('is told with the command that installs it, and does not hinder what needs it not', async () => {
    const folder = temporaryFolder();
    const { code, stderr } = await jepa(['train', '--run', join(folder, 'run'), '--steps', '2'], { node });
    expect(stderr).toMatch(/npm install @dimforge\/rapier2d-deterministic-compat[\s\S]*\(ERR_JEPA_MISSING_PEER\)/);
    expect(code).toBe(1);
    const doctor = await jepa(['doctor', '--json'], { node });
    expect(doctor.code).toBe(0);
    expect(JSON.parse(doctor.stdout).packages['@dimforge/rapier2d-deterministic-compat'].version).toBe(null);
    expect((await jepa(['doctor'], { node })).stdout).toMatch(
      /not installed \(needed for the physics suite: npm install @dimforge\/rapier2d-deterministic-compat@\d/,
    );
  });
});

describe('outputs that cannot be written', () => {
  it('are refused before the work, leaving nothing behind', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'taken'));
    await new WorldModel(pictureConfig).save(join(folder, 'model.jepa'));
    for (const args of [
      ['demo', '--json', 'taken'],
      ['demo', '--report', 'file/report.html'],
      ['demo', '--out', 'file'],
      ['eval', 'model.jepa', '--json', 'taken'],
      ['plan', 'new', '--out', 'taken'],
      ['train', '--run', 'file/run'],
    ]) {
      const { code, stdout, stderr } = await jepa(args, { cwd: folder });
      expect(stderr).toMatch(/^\[io\] cannot write .*(EISDIR|ENOTDIR|EEXIST)\n {2}→ .*\(ERR_JEPA_IO\)\n$/);
      expect([code, stdout]).toEqual([1, '']);
    }
    expect(
      readdirSync(folder)
        .filter((name) => name !== 'jepa-demo')
        .sort(),
    ).toEqual(['file', 'model.jepa', 'taken']);
  });

  it('models of other worlds are refused', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'model.jepa');
    await new WorldModel(sensorConfig).save(path);
    const evaluated = await jepa(['eval', path]);
    expect(evaluated.stderr).toMatch(/expected a model of 64 × 64 × 3 pixels, .* got one of vectors of 3, 2 actions/);
    const planned = await jepa(['plan', path]);
    expect(planned.stderr).toMatch(
      /\[plan\] expected a model of Two-Room \(32 × 32 pictures, 10 actions\), got one of vectors of 3 with 2 actions\n.*jepa plan new --world two-room .*\n.*\(ERR_JEPA_CONFIG\)/,
    );
    expect([evaluated.code, planned.code]).toEqual([1, 1]);
    await new WorldModel(multimodalConfig).save(path);
    const modalities =
      /got one of several modalities, 'front' of 16 × 16 × 3 pixels and .* and 'joints' of vectors of 3/;
    for (const args of [['eval'], ['eval', '--suite', 'alarms'], ['plan'], ['rank'], ['rank', '--train', 'critic']]) {
      const { code, stdout, stderr } = await jepa([args[0], path, ...args.slice(1)], { cwd: folder });
      expect(stderr, args.join(' ')).toMatch(modalities);
      expect(stderr).toMatch(/\n {2}→ .*\(ERR_JEPA_CONFIG\)\n$/);
      expect([code, stdout, readdirSync(folder)]).toEqual([1, '', ['model.jepa']]);
    }
    await writeSafetensors(path, new Map(), { format: 'other' });
    expect((await jepa(['eval', path])).stderr).toMatch(/expected .* to be a world model .* got format 'other'/);
  });
});
