// Fills prebuilds/<platform>-<architecture>/ for this machine. prebuildify names, strips and places the binary; the build is
// CMake's, as everywhere (node-gyp would want Python and a download of headers for the same result).
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const build = `"${process.execPath}" "${require.resolve('cmake-js/bin/cmake-js')}" build --parallel 2`;
const ignoreArguments = process.platform === 'win32' ? 'rem' : ':'; // prebuildify adds node-gyp's to the command
await promisify(require('prebuildify'))({
  napi: true,
  strip: true,
  tagLibc: true,
  targets: [process.versions.node],
  nodeGyp: `${build} && ${ignoreArguments}`,
  shell: true,
});
// prebuildify moved the binary of build/Release: make it again
const { status } = spawnSync(build, { stdio: ['ignore', 'ignore', 'inherit'], shell: true });
if (status !== 0) {
  console.error(`expected the rebuild of build/Release to succeed, got status ${status}`);
  process.exitCode = 1;
}
for (const name of readdirSync('prebuilds', { recursive: true })) console.error(`prebuilds/${name}`);
