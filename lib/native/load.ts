import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JepaError } from '../errors.js';
import type { Addon } from './binding.js';
import { nativeError } from './status.js';

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const requiredNodeApi = 9;
/** The version of the calls in binding.ts; native/binding has the same number. */
const abi = 1;

let loaded: Addon | undefined;

/**
 * The native addon, loaded at first use: `JEPA_NATIVE_PATH`, else a build in this checkout, else the prebuilt binary.
 * @throws JepaError ERR_JEPA_NATIVE_LOAD listing everything that was tried and how to fix it;
 *   ERR_JEPA_UNSUPPORTED_PLATFORM where there is no binary for this platform; ERR_JEPA_CONFIG for a JEPA_CPU or JEPA_THREADS
 *   that has no meaning here
 */
export function loadAddon(): Addon {
  loaded ??= load(process.env.JEPA_NATIVE_PATH);
  return loaded;
}

interface Attempt {
  readonly candidate: string;
  readonly path?: string;
  readonly reason: string;
}

function load(explicit: string | undefined): Addon {
  const available = Number(process.versions.napi ?? 0);
  if (available < requiredNodeApi) {
    const reason = `Node-API ${requiredNodeApi} is needed, this runtime has ${available}`;
    throw failure([{ candidate: 'the runtime', reason }], ['use Node.js 20.19 or newer']);
  }
  const tried: Attempt[] = [];
  for (const { candidate, find } of candidates(explicit)) {
    let path: string | undefined;
    try {
      path = find();
      if (tried.some((attempt) => attempt.path === path)) continue;
      if (!existsSync(path)) throw new Error('there is no such file');
      const addon = require(path) as Addon;
      const found = addon.describe().abi;
      if (found !== abi) throw new Error(`made for another version of this package (interface ${found}, not ${abi})`);
      return addon;
    } catch (error) {
      const found = nativeError(error);
      if (found instanceof JepaError) throw found; // it was loaded, and says what is wrong
      tried.push({ candidate, path, reason: (error as Error).message.split('\n')[0].replace(`${path}: `, '') });
    }
  }
  throw failure(tried, remedies(explicit, tried));
}

function candidates(explicit: string | undefined): { candidate: string; find: () => string }[] {
  if (explicit) return [{ candidate: 'JEPA_NATIVE_PATH', find: () => explicit }];
  const prebuilt = () => (require('node-gyp-build') as { resolve(directory: string): string }).resolve(root);
  return [
    { candidate: 'a build in this folder', find: () => join(root, 'build', 'Release', 'jepa.node') },
    { candidate: 'the prebuilt binary of the package', find: prebuilt },
  ];
}

function failure(tried: readonly Attempt[], help: readonly string[]): JepaError {
  const platform = `${process.platform}-${process.arch}${libc()}`;
  const lines = tried.map(({ candidate, path, reason }) => `  - ${candidate}${path ? ` (${path})` : ''}: ${reason}`);
  const unsupported = tried.length > 1 && tried.every(({ reason }) => missing.test(reason)) && !existsSync(sources);
  return new JepaError(
    unsupported ? 'ERR_JEPA_UNSUPPORTED_PLATFORM' : 'ERR_JEPA_NATIVE_LOAD',
    [`[jepa] expected to load the native addon on ${platform}, Node ${process.version}; tried:`, ...lines].join('\n'),
    { help, details: { platform, tried } },
  );
}

const sources = join(root, 'lib'); // a checkout has them, an installed package has not
const missing = /^(there is no such file|No native build was found)/;
const causes: readonly (readonly [RegExp, string])[] = [
  [/GLIBC|GLIBCXX|musl|ld-linux/, 'the binary was made for another C library than this system’s: build from source'],
  [
    /invalid ELF header|file too short|wrong architecture|not a valid Win32|incompatible architecture|not a mach-o/i,
    'the binary is of another platform or damaged: was node_modules copied? Run `npm install` here',
  ],
  [
    /undefined symbol|did not self-register|interface \d/,
    'the binary is of another version: build or install it again',
  ],
  [/disabled|DLOPEN/, 'Node.js was started with --no-addons: start it without'],
  [
    /permission denied|failed to map segment/i,
    'the file may not be run from there: see its permissions and mount options',
  ],
];

function remedies(explicit: string | undefined, tried: readonly Attempt[]): string[] {
  const reasons = tried.map(({ reason }) => reason).join('\n');
  const help = causes.filter(([cause]) => cause.test(reasons)).map(([, remedy]) => remedy);
  if (explicit) help.push('JEPA_NATIVE_PATH must name a jepa.node made for this platform; unset it to use the default');
  else if (existsSync(sources)) {
    help.push('build it: `npm run build:native` (needs a C++17 compiler, CMake, and make or ninja)');
  }
  if (help.length === 0) {
    help.push(
      'install the package again; where it has no binary, build one in a checkout and name it in JEPA_NATIVE_PATH',
    );
  }
  return help;
}

function libc(): string {
  if (process.platform !== 'linux') return '';
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? ` (glibc ${header.glibcVersionRuntime})` : ' (musl)';
}
