import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkOptions, editDistance, nearestName } from '#lib/io/options.js';

const allowed = ['batchSize', 'learningRate', 'seed'];

test('accepts the names that exist, in any number', () => {
  checkOptions('train', {}, allowed);
  checkOptions('train', { seed: 1, batchSize: undefined }, allowed);
});

test('a misspelled name is refused with the one that was meant', () => {
  expect(() => checkOptions('train', { batchsize: 8 }, allowed)).toThrow(
    expect.objectContaining({
      code: 'ERR_JEPA_UNKNOWN_OPTION',
      message:
        "[train] expected options among batchSize, learningRate, seed, got 'batchsize'\n  → did you mean 'batchSize'?",
    }),
  );
});

test('a name that resembles none gets no guess', () => {
  expect(() => checkOptions('train', { momentum: 1 }, allowed)).toThrow(/^\[train\] .* got 'momentum'$/);
  expect(() => checkOptions('train', { x: 1 }, [])).toThrow("[train] expected options among (none), got 'x'");
});

test.each([
  [null, 'null'],
  [7, 'number'],
  ['seed', 'string'],
  [[1], 'an array'],
])('%j is no options object', (options, found) => {
  expect(() => checkOptions('train', options as object, allowed)).toThrow(
    expect.objectContaining({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: `[train] expected options to be an object, got ${found}`,
    }),
  );
});

test('edit distance is a metric', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      expect(editDistance(a, '')).toBe(a.length);
    }),
  );
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(nearestName('lerningRate', allowed)).toBe('learningRate');
  expect(nearestName('zzz', allowed)).toBeUndefined();
});
