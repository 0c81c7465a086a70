// Formats the C++ sources, or with --check fails on the files that are not formatted.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { getNativeBinary } = createRequire(import.meta.url)('clang-format');
const check = process.argv.includes('--check');
const sources = readdirSync('native', { recursive: true })
  .filter((name) => /\.(cc|h)$/.test(name))
  .map((name) => join('native', name));
let wrong = 0;
for (const source of sources) {
  const { stdout, status, stderr } = spawnSync(getNativeBinary(), ['-style=file', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`clang-format failed on ${source}: ${stderr}`);
  if (stdout === readFileSync(source, 'utf8')) continue;
  wrong++;
  if (check) console.error(`${source}: not formatted (npm run format)`);
  else writeFileSync(source, stdout);
}
if (check && wrong > 0) process.exitCode = 1;
