// Zig as a cross compiler: one program with Clang, and the C and C++ libraries of every platform. Needed for releases only.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { found, output, run } from './run.mjs';

const version = '0.17.1';
const headers = ['node-api-headers/include', 'node-addon-api'].map((name) => resolve('node_modules', name));
const python = resolve('build/zig', process.platform === 'win32' ? 'Scripts/python' : 'bin/python');

/** Runs Python's installer in an environment of its own below build/zig. */
export function pip(options) {
  if (!existsSync(resolve('build/zig'))) run('python3', ['-m', 'venv', 'build/zig']);
  run(python, ['-m', 'pip', ...options, '--quiet', '--disable-pip-version-check']);
}

/** The program zig: JEPA_ZIG, else the wheel `ziglang` from PyPI, installed if need be (100 MB, once). */
function zigProgram() {
  if (process.env.JEPA_ZIG) return process.env.JEPA_ZIG;
  pip(['install', `ziglang==${version}`]);
  const folder = output(python, ['-c', 'import ziglang; print(ziglang.__path__[0])']).trim();
  return join(folder, process.platform === 'win32' ? 'zig.exe' : 'zig');
}

/**
 * What Windows links with: it finds Node-API's functions in a program of the name `node.exe` only, since Zig's linker knows no
 * delayed loading. A program of another name (Electron's) would need the hook that cmake-js adds for Microsoft's linker.
 */
function importLibrary(zig, build) {
  const library = join(build, 'node.lib');
  const functions = resolve('node_modules/node-api-headers/def/node_api.def');
  run(zig, ['dlltool', '-m', 'i386:x86-64', '-d', functions, '-l', library]);
  return library;
}

/** Builds the addon for another platform; gives the path of the stripped binary. */
export function crossBuild({ name, triple }) {
  const missing = ['cmake', ...(process.env.JEPA_ZIG ? [] : ['python3'])].filter((command) => !found(command));
  if (missing.length > 0) {
    throw new Error(
      `expected ${missing.join(' and ')} on this machine, found none. Binaries for other platforms need CMake 3.19 or newer, and ` +
        'Python 3 with venv to install Zig (PyPI: ziglang, 100 MB, below build/zig), or JEPA_ZIG with the path of a zig program',
    );
  }
  const zig = zigProgram();
  const build = resolve('build/prebuilds', name);
  mkdirSync(build, { recursive: true });
  const options = [
    `-DCMAKE_TOOLCHAIN_FILE=${resolve('scripts/zig.cmake')}`,
    `-DJEPA_ZIG=${zig}`,
    `-DJEPA_ZIG_TARGET=${triple}`,
    `-DCMAKE_JS_INC=${headers.join(';')}`,
    ...(name.startsWith('win32') ? [`-DCMAKE_JS_LIB=${importLibrary(zig, build)}`] : []),
  ];
  run('cmake', ['-S', '.', '-B', build, ...(found('ninja') ? ['-G', 'Ninja'] : []), ...options]);
  run('cmake', ['--build', build, '--target', 'jepa', '--parallel', '2']);
  return join(build, 'jepa.node');
}
