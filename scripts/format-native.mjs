// Formats the C++ sources, or with --check fails on the files that are not formatted.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// The npm package carries the binary of one fixed version, so that everybody's formatting is the same. It has none for ARM.
const folder = { linux: 'linux_x64', darwin: 'darwin_x64', win32: 'win32' }[process.platform];
const suffix = process.platform === 'win32' ? '.exe' : '';
const manifest = createRequire(import.meta.url).resolve('clang-format/package.json');
const binary = join(manifest, '..', 'bin', folder ?? '-', `clang-format${suffix}`);
if (!existsSync(binary) || spawnSync(binary, ['--version']).status !== 0) {
  console.error(`C++ format: skipped, the clang-format package has no binary for ${process.platform}-${process.arch}`);
  process.exit(0);
}

const check = process.argv.includes('--check');
const sources = readdirSync('native', { recursive: true })
  .filter((name) => /\.(cc|h|cu|cuh)$/.test(name))
  .map((name) => join('native', name));
let wrong = 0;
for (const source of sources) {
  const { stdout, status, stderr } = spawnSync(binary, ['-style=file', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`clang-format failed on ${source}: ${stderr}`);
  if (stdout === readFileSync(source, 'utf8')) continue;
  wrong++;
  if (check) console.error(`${source}: not formatted (npm run format)`);
  else writeFileSync(source, stdout);
}
console.error(`C++ format: ${sources.length} files, ${wrong} ${check ? 'not formatted' : 'changed'}`);
if (check && wrong > 0) process.exitCode = 1;
