// Builds both sides after `npm ci` in a checkout. In an installed package there is nothing to build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const sources = ['lib', 'native', 'CMakeLists.txt', 'tsconfig.json'];
if (sources.every((path) => existsSync(path))) {
  const { status } = spawnSync('npm', ['run', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(
      'jepa: the build failed, see above. It needs a C++17 compiler, CMake 3.18 or newer, and make or ninja.',
    );
    process.exitCode = status ?? 1;
  }
}
