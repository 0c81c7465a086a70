// What a newcomer may rely on in every file: its size, its name, and what it does not contain.
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.js';

const all = sourceFiles(
  ['lib', 'native', 'bench', 'test', 'examples', 'scripts', 'tools', 'docs'],
  /\.(ts|mjs|cc|h|cu|cuh|inc|md)$/,
);
const itself = 'test/package/sources.test.ts';

test('no file is longer than 600 lines', () => {
  const long = all.filter(({ text }) => text.split('\n').length > 601).map(({ path }) => path);
  expect(long).toEqual([]);
});

test('no file or folder has a name that says nothing', () => {
  const banned = /(^|[-_.])(utils?|helpers?|common|managers?|misc)([-_.]|$)/;
  expect(all.map(({ path }) => path).filter((path) => path.split('/').some((part) => banned.test(part)))).toEqual([]);
});

test('files are named in kebab-case, native ones in snake_case', () => {
  const wrong = all.filter(({ path }) => {
    if (/\.(md|inc)$/.test(path)) return false;
    const pattern = path.startsWith('native/') ? /^[a-z0-9_]+\.\w+$/ : /^[a-z0-9-]+(\.test|\.cases|\.d)?\.\w+$/;
    return !pattern.test(basename(path));
  });
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test('nothing is left to be done later', () => {
  const later = /\b(TODO|FIXME|XXX|HACK)\b/;
  expect(all.filter(({ path, text }) => path !== itself && later.test(text)).map(({ path }) => path)).toEqual([]);
});

/** The bits of these differ between engines and machines, or between one run and the next. */
const unrepeatable =
  /\bMath\.(sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|exp|expm1|log|log2|log10|log1p|pow|hypot|cbrt|random)\b|\*\*|\bDate\b|\bperformance\b|\bcrypto\b/;

test('worlds compute only what is the same bits everywhere', () => {
  const wrong = sourceFiles(['lib/worlds'], /\.ts$/).flatMap(({ path, text }) =>
    text
      .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
      .split('\n')
      .map((line, index) => ({ line: line.replace(/\/\/.*$/, ''), place: `${path}:${index + 1}` }))
      .filter(({ line }) => unrepeatable.test(line))
      .map(({ line, place }) => `${place}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
});

test('the rule about worlds recognises what it forbids', () => {
  for (const line of ['Math.sin(x)', 'Math.hypot(x, y)', 'x ** 2', 'Math.random()', 'new Date()', 'performance.now()'])
    expect(line).toMatch(unrepeatable);
  for (const line of ['Math.sqrt(x)', 'Math.abs(x * y)', 'Math.floor(x)', 'update()'])
    expect(line).not.toMatch(unrepeatable);
});
