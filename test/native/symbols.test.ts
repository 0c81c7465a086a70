// What the objects of the kernels show to the linker. A weak symbol (an inline function of the standard library, say) compiled for
// AVX-512 may be the one definition the linker keeps for the whole addon, and an older CPU would meet its instructions.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../package/source-files.js';

const build = join(root, 'build', 'CMakeFiles');
const folders = existsSync(build) ? readdirSync(build).filter((name) => /^kernels_\w+\.dir$/.test(name)) : [];
const objects = folders.flatMap((folder) =>
  (readdirSync(join(build, folder), { recursive: true }) as string[])
    .filter((name) => /\.o(bj)?$/.test(name))
    .map((name) => ({ target: folder.slice('kernels_'.length, -'.dir'.length), path: join(build, folder, name) })),
);
const hasNm = spawnSync('nm', ['--version']).status === 0;
const reason = hasNm
  ? objects.length > 0
    ? ''
    : `there are no objects in ${build}`
  : 'there is no nm on this machine';

interface Entry {
  readonly object: string;
  readonly kind: string;
  readonly name: string;
}

/** Symbols of a target's objects, those local to one left out; what nm calls them is in its manual. */
function symbolsOf(target: string): Entry[] {
  const paths = objects.filter((object) => object.target === target).map(({ path }) => path);
  const { stdout, status, stderr } = spawnSync('nm', ['-A', ...paths], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`nm: ${stderr}`);
  return parse(stdout);
}

function parse(listing: string): Entry[] {
  return [...listing.matchAll(/^(.*\.o(?:bj)?):\s*[0-9a-f]*\s+(\S) (\S+)$/gm)]
    .map(([, object, kind, name]) => ({ object, kind, name }))
    .filter(({ kind }) => !/^[a-tx-z]$/.test(kind));
}

/** The C library and the mathematics of compiler builtins; sanitizers and stack protectors add their own. */
const mayCall = /^_?(mem(cpy|set|move)|fmaf?|nearbyintf|floorf|sqrtf|__\w+)$/;

function problemsOf(symbols: readonly Entry[], target: string): string[] {
  const own = new RegExp(`^_?jepa_kernel_\\w+_${target}$`);
  return symbols
    .filter(({ kind, name }) => (kind === 'U' ? !mayCall.test(name) : !(/^[DRBS]$/.test(kind) && own.test(name))))
    .map(({ object, kind, name }) => `${basename(object)}: ${kind} ${name}`);
}

describe('symbols of kernels', () => {
  if (reason) {
    test.skip(reason, () => {});
    return;
  }

  const targets = folders.map((folder) => folder.slice('kernels_'.length, -'.dir'.length));
  const listed = (file: string): string[] =>
    [...readFileSync(join(root, 'native/ops', file), 'utf8').matchAll(/^X\((\w+),/gm)].map(([, op]) => op);

  test.each(targets)(
    'objects for %s define a kernel for every op they are for and nothing else, and call no C++',
    (target) => {
      const symbols = symbolsOf(target);
      expect(problemsOf(symbols, target)).toEqual([]);
      const defined = symbols
        .filter(({ kind }) => kind !== 'U')
        .map(({ name }) => name.replace(/^_?jepa_kernel_/, '').slice(0, -target.length - 1));
      expect(defined.sort()).toEqual(listed(/vnni|bf16|amx/.test(target) ? 'dot_list.inc' : 'op_list.inc').sort());
    },
  );
});

test('the reader of symbols finds what the linker might take from another object', () => {
  const listing = [
    '0000000000000000 D jepa_kernel_copy_avx2',
    '0000000000000010 t _ZN12_GLOBAL__N_13runEv',
    '                 U memcpy',
    '0000000000000000 W _ZSt3maxIlERKT_S2_S2_',
    '0000000000000020 T _ZN4jepa5blockEv',
    '0000000000000000 V _ZTIi',
    '0000000000000000 u _ZGVZN4jepa5tableEvE1t',
    '                 w __gmon_start__',
    '                 U _ZSt20__throw_length_errorPKc',
    '0000000000000000 D jepa_kernel_copy_avx512',
  ].map((line) => `build/copy_cpu.cc.o:${line}`);
  expect(problemsOf(parse(listing.join('\n')), 'avx2')).toEqual([
    'copy_cpu.cc.o: W _ZSt3maxIlERKT_S2_S2_',
    'copy_cpu.cc.o: T _ZN4jepa5blockEv',
    'copy_cpu.cc.o: V _ZTIi',
    'copy_cpu.cc.o: u _ZGVZN4jepa5tableEvE1t',
    'copy_cpu.cc.o: w __gmon_start__',
    'copy_cpu.cc.o: U _ZSt20__throw_length_errorPKc',
    'copy_cpu.cc.o: D jepa_kernel_copy_avx512',
  ]);
});
