// Builds both sides after `npm ci` in a checkout. In an installed package there is nothing to build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (existsSync('lib') && existsSync('tsconfig.json')) {
  const { status } = spawnSync('npm', ['run', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' });
  process.exitCode = status ?? 1;
}
