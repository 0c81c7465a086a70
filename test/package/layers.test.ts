// The layers of the architecture: each folder imports only from its own layer and from those below it.
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.js';

const layers: Record<string, number> = {
  'lib/errors.ts': 0,
  'lib/io': 0,
  'lib/native': 3,
  'lib/tensor': 4,
  'lib/ops': 4,
  'lib/nn': 5,
  'lib/optim': 5,
  'lib/models': 6,
  'lib/world-model': 7,
  'lib/pretrained': 7,
  'lib/train': 7,
  'lib/eval': 7,
  'lib/plan': 7,
  'lib/worlds': 7,
  'lib/data': 7,
  'lib/cli': 8,
  'lib/index.ts': 8,
};

/** What a layer must not know although it lies below. */
const strangers: Record<string, readonly string[]> = {
  'lib/nn': ['lib/native'],
  'lib/optim': ['lib/native'],
  'lib/models': ['lib/native', 'lib/optim', 'lib/io'],
  'lib/world-model': ['lib/native'],
  'lib/train': ['lib/native'],
  'lib/eval': ['lib/native'],
  'lib/plan': ['lib/native'],
  'lib/data': ['lib/native'],
  'lib/worlds': ['lib/native', 'lib/tensor', 'lib/nn', 'lib/optim', 'lib/models'],
  'lib/cli': ['lib/native'],
};

/** Every layer throws errors and checks the names of options. */
const forAll = ['lib/errors.ts', 'lib/io/options.ts'];

const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');

/** Modules that a TypeScript file imports: static, dynamic, re-exported, and workers by URL. */
function importsOf(path: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g;
  return [...code.matchAll(pattern)].map(([, target]) =>
    posix.normalize(posix.join(posix.dirname(path), target)).replace(/\.js$/, '.ts'),
  );
}

const library = sourceFiles(['lib'], /\.ts$/);

test('every folder has a layer', () => {
  const unknown = library.map(({ path }) => folderOf(path)).filter((folder) => layers[folder] === undefined);
  expect([...new Set(unknown)]).toEqual([]);
});

test('no import runs up, and none reaches what a layer must not know', () => {
  const wrong: string[] = [];
  for (const { path, text } of library) {
    const from = folderOf(path);
    for (const target of importsOf(path, text)) {
      const to = folderOf(target);
      if (layers[to] > layers[from])
        wrong.push(`${path} (layer ${layers[from]}) imports ${target} (layer ${layers[to]})`);
      if (strangers[from]?.includes(to) && !forAll.includes(target)) wrong.push(`${path} must not know ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the reader of imports sees every form', () => {
  const text = `
    import a from './a.js'; import type { B } from "../nn/b.js"; export * from './c.js'; import './d.js';
    const e = await import('./e.js'); new Worker(new URL('./f.js', import.meta.url));
    // from './no.js'
    import { readFile } from 'node:fs'; /* import './no.js' */`;
  expect(importsOf('lib/ops/x.ts', text)).toEqual(
    ['a', '../nn/b', 'c', 'd', 'e', 'f'].map((name) => posix.join('lib/ops', `${name}.ts`)),
  );
});

const includes = sourceFiles(['native'], /\.(cc|h|cu|cuh|inc)$/).flatMap(({ path, text }) =>
  [...text.matchAll(/^\s*#include "([^"]+)"/gm)].map(([, target]) => ({ path, target: `native/${target}` })),
);

test('native code: an op knows itself, the vectors and what the runtime gives to ops', () => {
  const given = /^native\/(runtime\/(op|status|device|windows)\.h|simd\/|parallel\/|cuda\/)/;
  const wrong = includes.filter(({ path, target }) => {
    const own = `${path.split('/').slice(0, 3).join('/')}/`;
    return path.startsWith('native/ops/') && !target.startsWith(own) && !given.test(target);
  });
  expect(wrong).toEqual([]);
});

test('native code: vectors and threads know no op, the runtime no binding', () => {
  const wrong = includes.filter(
    ({ path, target }) =>
      (/^native\/(simd|parallel)\//.test(path) && /^native\/(ops|binding|test)\//.test(target)) ||
      (path.startsWith('native/system/') && !target.startsWith('native/system/')) ||
      (path.startsWith('native/runtime/') && /^native\/(binding|test)\//.test(target)) ||
      (path.startsWith('native/binding/') && /^native\/(ops\/.*\.h|simd\/|test\/)/.test(target)),
  );
  expect(wrong).toEqual([]);
});
