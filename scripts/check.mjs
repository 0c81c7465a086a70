// Everything that can be said of the code without running it. Runs all checks, then says which failed.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const checks = [
  ['types', 'tsc -p tsconfig.check.json'],
  ['types of pages', 'tsc -p tsconfig.browser.json --noEmit'],
  ['lint and format', 'biome ci --error-on-warnings .'],
  ['C++ format', 'node scripts/format-native.mjs --check'],
  ['layers and sources', 'vitest run test/package/layers.test.ts test/package/sources.test.ts'],
  ['public API', 'node scripts/api-report.mjs --check'],
  ['package', 'publint --strict'],
  ['package types', 'attw --pack .'],
];
// Packing must look at what `npm run build` has made, not build it again.
const env = { ...process.env, npm_config_ignore_scripts: 'true', ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }) };
const failed = [];
for (const [name, command] of checks) {
  const start = performance.now();
  const { status } = spawnSync('npx', ['--no-install', ...command.split(' ')], {
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
  });
  console.error(`${status === 0 ? 'ok' : 'FAILED'}: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
  if (status !== 0) failed.push(name);
}
console.error(
  `check: ${checks.length - failed.length} passed, ${failed.length} failed${failed.map((name) => `\n  - ${name}`).join('')}`,
);
if (failed.length > 0) process.exitCode = 1;
