// Fills prebuilds/, the folder of binaries that node-gyp-build chooses from:
//
//   npm run prebuilds                               for this machine, by its own compiler
//   npm run prebuilds -- --target linux-arm64-musl  for another platform, by Zig (CMake and Python are needed)
//   npm run prebuilds -- --all                      for all of them, by Zig, nothing else left in the folder
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { problemsOf } from './inspect-binary.mjs';
import { pathOf, targets, thisMachine } from './prebuild-targets.mjs';
import { output, run } from './run.mjs';
import { crossBuild } from './zig.mjs';

const mostPacked = 10e6; // bytes of the whole package

/** The binary that this machine's compiler makes. It stays in build/Release too, with its symbols. */
function build() {
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  run(process.execPath, [cmakeJs, 'build', '--parallel', '2']);
  return 'build/Release/jepa.node';
}

function strip(path) {
  if (process.platform !== 'win32') run('strip', [process.platform === 'darwin' ? '-Sx' : '--strip-all', path]);
}

function place(binary, name) {
  const path = pathOf(name);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(binary, path);
  return path;
}

const known = targets.map(({ name }) => name);

function main() {
  const { values } = parseArgs({
    options: { all: { type: 'boolean', default: false }, target: { type: 'string', multiple: true, default: [] } },
  });
  const unknown = values.target.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`expected --target to be one of ${known.join(', ')}, got ${unknown}`);
  const wanted = targets.filter(({ name }) => values.all || values.target.includes(name));
  if (values.all) rmSync('prebuilds', { recursive: true, force: true });
  const problems = [];
  for (const target of wanted) {
    const path = place(crossBuild(target), target.name);
    problems.push(...problemsOf(target.name, path));
    console.error(`${path}: ${(statSync(path).size / 1e6).toFixed(2)} MB`);
  }
  if (wanted.length === 0) {
    const path = place(build(), thisMachine());
    strip(path);
    console.error(`${path}: ${(statSync(path).size / 1e6).toFixed(2)} MB, for systems no older than this one`);
  }
  const [{ size }] = JSON.parse(output('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
  console.error(`the package: ${(size / 1e6).toFixed(2)} MB packed`);
  if (size > mostPacked) problems.push(`expected at most ${mostPacked / 1e6} MB packed, got ${size / 1e6}`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

try {
  main();
} catch (error) {
  console.error(`prebuilds: ${error.message}`);
  process.exitCode = 1;
}
