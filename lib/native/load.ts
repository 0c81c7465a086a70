import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JepaError } from '../errors.js';
import type { Addon } from './binding.js';

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const requiredNodeApi = 9;

let loaded: Addon | undefined;

/**
 * The native addon, loaded at first use: `JEPA_NATIVE_PATH`, else a build in this checkout, else the prebuilt binary.
 * @throws JepaError ERR_JEPA_NATIVE_LOAD listing everything that was tried and how to fix it
 */
export function loadAddon(): Addon {
  loaded ??= load(process.env.JEPA_NATIVE_PATH);
  return loaded;
}

function load(explicit: string | undefined): Addon {
  const available = Number(process.versions.napi ?? 0);
  if (available < requiredNodeApi) {
    throw failure([`Node-API ${requiredNodeApi} is needed, this runtime (${process.version}) has ${available}`], ['use Node.js 20.19 or newer']);
  }
  const tried: string[] = [];
  const candidates = explicit ? [{ name: `JEPA_NATIVE_PATH=${explicit}`, find: () => explicit }] : [
    { name: 'the build of this checkout', find: () => join(root, 'build', 'Release', 'jepa.node') },
    { name: 'the prebuilt binary of the package', find: () => (require('node-gyp-build') as { resolve(directory: string): string }).resolve(root) },
  ];
  for (const { name, find } of candidates) {
    try {
      const path = find();
      if (!existsSync(path)) tried.push(`${name}: ${path} does not exist`);
      else return require(path) as Addon;
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw failure(tried, remedies(explicit, tried));
}

function failure(tried: readonly string[], help: readonly string[]): JepaError {
  const platform = `${process.platform}-${process.arch}${libc()}`;
  return new JepaError('ERR_JEPA_NATIVE_LOAD', [`[jepa] expected to load the native addon on ${platform}, Node ${process.version}; tried:`, ...tried.map((line) => `  - ${line}`)].join('\n'), { help, details: { platform, tried } });
}

function remedies(explicit: string | undefined, tried: readonly string[]): string[] {
  if (explicit) return ['point JEPA_NATIVE_PATH at a jepa.node built for this Node.js and platform, or unset it'];
  const help: string[] = [];
  const text = tried.join('\n');
  if (existsSync(join(root, 'CMakeLists.txt'))) help.push('build it here: `npm run build:native` (needs a C++17 compiler, CMake, and make or ninja)');
  if (text.includes('GLIBC') || text.includes('musl')) help.push('this system’s C library is older than, or different from, the one the binary was made for: build from source');
  if (text.includes('invalid ELF header') || text.includes('wrong architecture')) help.push('node_modules was copied from another platform: run `npm install` on this one');
  if (text.includes('ERR_DLOPEN_DISABLED')) help.push('Node.js was started with --no-addons: remove it');
  return help.length > 0 ? help : ['install the package again with npm on this platform'];
}

function libc(): string {
  if (process.platform !== 'linux') return '';
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? ` (glibc ${header.glibcVersionRuntime})` : ' (musl)';
}
