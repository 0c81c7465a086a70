import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorCodes, JepaError, type JepaErrorCode } from '#lib/errors.js';
import { nativeError } from '#lib/native/status.js';

const root = new URL('../../', import.meta.url).pathname;

test('shows what was expected, what was found, and what to do', () => {
  const cause = new Error('below');
  const error = new JepaError('ERR_JEPA_SHAPE', '[add] expected one shape, got two', {
    help: ['reshape one', 'or broadcast it'],
    cause,
    details: { left: [2], right: [3] },
  });
  expect(error.message).toBe('[add] expected one shape, got two\n  → reshape one\n  → or broadcast it');
  expect(error).toMatchObject({ name: 'JepaError', code: 'ERR_JEPA_SHAPE', cause, details: { left: [2], right: [3] } });
  expect(error).toBeInstanceOf(Error);
  expect('cause' in new JepaError('ERR_JEPA_IO', 'x')).toBe(false);
});

test('an abort is named as the platform names it', () => {
  expect(new JepaError('ERR_JEPA_ABORTED', 'stopped').name).toBe('AbortError');
});

test('native errors with a code of the list become JepaErrors, others stay', () => {
  const native = Object.assign(new Error('[program] expected …'), { code: 'ERR_JEPA_PROGRAM' });
  expect(nativeError(native)).toMatchObject({
    code: 'ERR_JEPA_PROGRAM',
    message: '[program] expected …',
    cause: native,
  });
  for (const other of [new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), 'text', undefined])
    expect(nativeError(other)).toBe(other);
});

test('every code is thrown somewhere, and none outside the list', () => {
  const used = new Set<string>();
  for (const folder of ['lib', 'native']) {
    for (const name of readdirSync(`${root}${folder}`, { recursive: true }) as string[]) {
      if (!/\.(ts|cc|h)$/.test(name) || name === 'errors.ts') continue;
      for (const [code] of readFileSync(`${root}${folder}/${name}`, 'utf8').matchAll(/ERR_JEPA_[A-Z_]+/g))
        used.add(code);
    }
  }
  const codes = Object.keys(errorCodes) as JepaErrorCode[];
  expect([...used].filter((code) => !Object.hasOwn(errorCodes, code))).toEqual([]);
  expect(codes.filter((code) => !used.has(code))).toEqual([]);
});
