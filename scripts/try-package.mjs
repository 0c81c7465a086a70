// Packs the package, installs it in a clean folder without running any script, and uses it as a stranger would: from ES
// modules, from CommonJS, from TypeScript of both kinds, from the command line, and by the examples.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'jepa-package-'));
const checkout = process.cwd();
const inherited = Object.entries(process.env).filter(
  ([name]) => !/^npm_(config_local_prefix|package_|lifecycle_)/.test(name),
);
const env = Object.fromEntries(inherited);
const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
const patience = 300_000; // ms, for each step: a registry that never answers is a failure, not a wait for ever
const [[engine, version]] = Object.entries(JSON.parse(readFileSync('package.json', 'utf8')).peerDependencies);
const physicsEngine = `${engine}@${version}`;
const failed = [];
let passed = 0;

function attempt(name, command, options, cwd = folder) {
  const { status, stdout, stderr, error } = spawnSync(command, options, {
    timeout: patience,
    cwd,
    env,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) passed++;
  else failed.push(name);
  console.error(`${status === 0 ? 'ok' : 'FAILED'}: ${name}`);
  if (status !== 0) console.error(`${stdout}${stderr}${error?.message ?? ''}`);
  return status === 0;
}

const use = `
  const { compile, tensor } = jepa;
  const double = compile((x) => x.add(x));
  const y = await double(tensor([1, 2, 3]));
  if ([...(await y.data())].join() !== '2,4,6') throw new Error('2 · [1, 2, 3] came out as ' + y);`;
const files = {
  'package.json': '{ "private": true }',
  'use.mjs': `import * as jepa from 'jepa';\nif (typeof jepa.compile !== 'function') throw new Error('no compile');${use}\n`,
  'use.cjs': `const jepa = require('jepa');\n(async () => {${use}\n  if ((await import('jepa')).Tensor !== jepa.Tensor) throw new Error('two copies of Tensor');\n})();\n`,
  'use.mts':
    "import { compile, type Tensor, tensor } from 'jepa';\nexport const y: Promise<Tensor> = compile((x: Tensor) => x.add(x))(tensor([1, 2, 3]));\n",
  'use.cts':
    "import { compile, type Tensor, tensor } from 'jepa';\nexport const y: Promise<Tensor> = compile((x: Tensor) => x.add(x))(tensor([1, 2, 3]));\n",
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

try {
  const packed = join(folder, 'packed');
  mkdirSync(packed);
  attempt('npm pack', 'npm', ['pack', '--ignore-scripts', '--pack-destination', packed], checkout);
  const tarball = join(packed, readdirSync(packed)[0]);
  console.error(`    ${(statSync(tarball).size / 2 ** 20).toFixed(2)} MiB`);
  if (attempt('npm install --ignore-scripts', 'npm', [...install, tarball])) {
    attempt('npm ci from the lockfile', 'npm', ['ci', '--no-audit', '--no-fund']); // with scripts: there are none
    attempt('import', process.execPath, ['use.mjs']);
    attempt('require', process.execPath, ['use.cjs']);
    attempt('npx jepa doctor', 'npx', ['--no-install', 'jepa', 'doctor']);
    if (attempt('npm install of the physics engine', 'npm', [...install, physicsEngine]))
      for (const name of readdirSync(join(checkout, 'examples'))) {
        if (!readFileSync(join(checkout, 'examples', name), 'utf8').includes('--quick')) continue; // it needs data
        copyFileSync(join(checkout, 'examples', name), join(folder, name));
        attempt(`examples/${name}`, process.execPath, [name, '--quick']);
      }
    const compilers = { 'newest TypeScript': resolve('node_modules/typescript/bin/tsc') };
    if (attempt('npm install typescript@5.4', 'npm', [...install, 'typescript@5.4', '@types/node@20'])) {
      compilers['TypeScript 5.4'] = join(folder, 'node_modules/typescript/bin/tsc');
    }
    for (const [name, compiler] of Object.entries(compilers)) {
      for (const module of ['node16', 'nodenext']) {
        const options = ['--noEmit', '--strict', '--target', 'es2022', '--skipLibCheck', 'false', '--module', module];
        attempt(`${name}, module ${module}`, process.execPath, [compiler, ...options, 'use.mts', 'use.cts']);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.error(`package: ${passed} passed, ${failed.length} failed${failed.map((name) => `\n  - ${name}`).join('')}`);
if (failed.length > 0) process.exitCode = 1;
