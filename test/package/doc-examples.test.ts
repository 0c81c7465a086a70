// Examples in comments: those that need nothing of the reader's compile, and those that promise values keep what they promise.
import { describe, expect, test } from 'vitest';
import * as jepa from '#lib/index.js';
import { docExamples, promises, run, typeErrors } from './doc-examples.js';

const examples = docExamples(new Set(Object.keys(jepa)));
const whole = examples.filter(({ missing }) => missing.length === 0);
const promising = whole.filter((example) => promises(example) > 0);

test('there are many', () => {
  expect(whole.length).toBeGreaterThan(120);
  expect(promising.length).toBeGreaterThan(100);
});

test('whole examples compile', () => {
  expect(typeErrors(whole)).toEqual([]);
}, 120_000);

test('the compiler sees what is wrong in an example', () => {
  const wrong = { name: 'wrong', code: "const x: number = tensor([1]).shape('x');", imports: ['tensor'], missing: [] };
  expect(typeErrors([wrong])).toEqual([expect.stringMatching(/^wrong: /)]);
}, 120_000);

function expectPromised(got: unknown, promised: unknown, places: number): void {
  if (Array.isArray(promised)) {
    expect(got).toHaveLength(promised.length);
    promised.forEach((value, index) => {
      expectPromised((got as unknown[])[index], value, places);
    });
  } else if (typeof promised === 'number') expect(got).toBeCloseTo(promised, places);
  else expect(got).toBe(promised);
}

describe('what is promised', () => {
  test.each(promising.map((example) => [example.name, example] as const))('%s', async (_, example) => {
    const values = await run(example, jepa);
    expect(values).toHaveLength(promises(example));
    for (const { got, promised, places } of values)
      expectPromised(got instanceof jepa.Tensor ? await got.toArray() : got, promised, places);
  });
});
