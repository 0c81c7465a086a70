// Runs each binary of prebuilds/ that can run here as an installed package would: node-gyp-build chooses it, and the golden
// cases (ops, losses, training curves) go through it. Says of the others that they were built, not run.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeOf } from './foreign-node.mjs';
import { pathOf, targets } from './prebuild-targets.mjs';
import { output, run } from './run.mjs';

const parts = ['package.json', 'dist', 'prebuilds', 'build/js', 'test/golden/data', 'node_modules/node-gyp-build'];

/** The package without its sources and build/Release, below `folder`. */
function install(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of parts) cpSync(part, join(folder, part), { recursive: true });
}

function attempt(name, { root, node, env }) {
  const folder = root === '/' ? resolve('build/try-prebuilds') : join(root, 'jepa');
  install(folder);
  const inside = root === '/' ? folder : '/jepa';
  const read = (options) => output(...node(options), { ...env, JEPA_NATIVE_PATH: '', JEPA_THREADS: '2' });
  const which = `import { createRequire } from 'node:module';
    console.log(createRequire('${inside}/package.json')('node-gyp-build').resolve('${inside}'))`;
  const chosen = read(['--input-type=module', '--eval', which]).trim();
  if (chosen !== `${inside}/${pathOf(name)}`)
    throw new Error(`expected node-gyp-build to choose ${pathOf(name)}, got ${chosen}`);
  console.error(
    read([`${inside}/dist/esm/cli/main.js`, 'doctor'])
      .trim()
      .replace(/^/gm, '    '),
  );
  const golden = read([`${inside}/build/js/test/golden/run.js`, `${inside}/test/golden/data`]);
  console.error(`    golden cases: ${golden.trim().split('\n').at(-1)}`);
}

run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.tools.json']);
const [passed, failed, notRun] = [[], [], []];
for (const { name } of targets.filter((target) => existsSync(pathOf(target.name)))) {
  console.error(`${name}:`);
  let runner;
  try {
    runner = nodeOf(name);
  } catch (error) {
    notRun.push(name);
    console.error(`    built, not run: ${error.message}`);
    continue;
  }
  try {
    attempt(name, runner);
    passed.push(name);
  } catch (error) {
    failed.push(name);
    console.error(`    FAILED: ${error.message}`);
  }
}
console.error(`prebuilds: ${passed.length} passed, ${failed.length} failed, ${notRun.length} not run`);
if (failed.length > 0 || passed.length === 0) process.exitCode = 1;
