import { describe, expect, it } from 'vitest';
import { MultiBlockMasking, TubeMasking } from '#lib/nn/index.js';
import type { Tensor } from '#lib/tensor/index.js';

const rowsOf = async (indices: Tensor<'int32'>): Promise<number[][]> => (await indices.toArray()) as number[][];
const ascending = (row: readonly number[]): boolean => row.every((token, i) => i === 0 || token > row[i - 1]);
const code = (name: string) => expect.objectContaining({ code: name });

describe('multi-block masks', () => {
  const masking = new MultiBlockMasking({ grid: [14, 14] });

  it('are blocks to predict and contexts without them, never in the last row and column', async () => {
    for (let step = 0; step < 20; step++) {
      const { contexts, targets, targetSize } = masking.sample(3, { seed: 1, step });
      const seen = await rowsOf(contexts[0]);
      expect(targets).toHaveLength(4);
      for (const target of targets) {
        const [rows, columns] = targetSize;
        expect(target.shape).toEqual([3, rows * columns]);
        for (const [picture, tokens] of (await rowsOf(target)).entries()) {
          const [top, left] = [Math.floor(tokens[0] / 14), tokens[0] % 14];
          const block = Array.from({ length: rows }, (_, y) =>
            Array.from({ length: columns }, (_, x) => (top + y) * 14 + left + x),
          );
          expect(tokens).toEqual(block.flat());
          expect(top + rows).toBeLessThan(14);
          expect(left + columns).toBeLessThan(14);
          expect(seen[picture].filter((token) => tokens.includes(token))).toEqual([]);
        }
      }
      expect(seen.every(ascending)).toBe(true);
      expect(contexts[0].shape[1]).toBeGreaterThan(10);
    }
  });

  it('depend on seed and step, and on nothing else', async () => {
    const first = await masking.sample(2, { seed: 7, step: 3 }).contexts[0].data();
    masking.sample(5, { seed: 7, step: 4 });
    expect(await masking.sample(2, { seed: 7, step: 3 }).contexts[0].data()).toEqual(first);
    for (const other of [
      { seed: 8, step: 3 },
      { seed: 7, step: 5 },
    ])
      expect(await masking.sample(2, other).contexts[0].data()).not.toEqual(first);
  });

  it('have contexts of one length when there are several', () => {
    const { contexts } = new MultiBlockMasking({ grid: [8, 8], contexts: 3, targets: 2 }).sample(4, { seed: 0 });
    expect(new Set(contexts.map(({ shape }) => shape.join())).size).toBe(1);
  });

  it('may overlap where they are allowed to', async () => {
    const { contexts, contextSize } = new MultiBlockMasking({ grid: [8, 8], allowOverlap: true }).sample(1, {
      seed: 0,
    });
    expect(contexts[0].size).toBe(contextSize[0] * contextSize[1]);
  });

  it.each([
    [{ grid: [0, 8] }, 'ERR_JEPA_CONFIG', 'a grid of at least one token each way, got [0, 8]'],
    [{ grid: [8, 8], targetScale: [0.5, 0.2] }, 'ERR_JEPA_CONFIG', 'targetScale from a number above 0'],
    [{ grid: [8, 8], contextScale: [0.5, 1.2] }, 'ERR_JEPA_CONFIG', 'at most 1, got [0.5, 1.2]'],
    [{ grid: [3, 3] }, 'ERR_JEPA_CONFIG', 'contexts of more than 10'],
    [{ grid: [8, 8], targets: 0 }, 'ERR_JEPA_CONFIG', 'got 0 targets'],
    [{ grid: [8, 8], npred: 4 }, 'ERR_JEPA_UNKNOWN_OPTION', "got 'npred'"],
  ])('refuse %j', (options, expected, sentence) => {
    const make = (): unknown => new MultiBlockMasking(options as never);
    expect(make).toThrow(code(expected));
    expect(make).toThrow(sentence);
  });

  it('refuse a batch of none', () => {
    expect(() => masking.sample(0, { seed: 0 })).toThrow(code('ERR_JEPA_INVALID_ARGUMENT'));
  });
});

describe('tube masks', () => {
  it('hide blocks through all frames and keep the rest', async () => {
    const masking = new TubeMasking({ grid: [4, 6, 6], blocks: 2, spatialScale: [0.3, 0.3] });
    for (let step = 0; step < 20; step++) {
      const { context, target } = masking.sample(1, { seed: 2, step });
      const [seen, hidden] = [(await rowsOf(context))[0], (await rowsOf(target))[0]];
      expect(ascending(seen) && ascending(hidden)).toBe(true);
      expect([...seen, ...hidden].sort((a, b) => a - b)).toEqual(Array.from({ length: 144 }, (_, token) => token));
      for (const token of hidden) expect(hidden).toContain((token + 36) % 144); // in every frame alike
    }
  });

  it('are cut to the shortest clip, whose lowest tokens stay', async () => {
    const masking = new TubeMasking({ grid: [2, 6, 6], blocks: 3, spatialScale: [0.2, 0.5] });
    const { context } = masking.sample(8, { seed: 3 });
    const alone = await Promise.all(
      (await rowsOf(context)).map(async (row) => ascending(row) && row.length === context.shape[1]),
    );
    expect(alone).toEqual(new Array(8).fill(true));
    const few = new TubeMasking({ grid: [2, 6, 6], blocks: 3, spatialScale: [0.2, 0.5], maxKeep: 5 });
    const cut = few.sample(8, { seed: 3 }).context;
    expect(cut.shape).toEqual([8, 5]);
    expect(await rowsOf(cut)).toEqual((await rowsOf(context)).map((row) => row.slice(0, 5)));
  });

  it.each([
    [{ grid: [4, 6, 6], blocks: 0, spatialScale: [0.3, 0.3] }, 'ERR_JEPA_CONFIG', 'got 0 blocks'],
    [{ grid: [4, 6, 6], blocks: 1, spatialScale: [1, 1], aspect: [1, 1] }, 'ERR_JEPA_CONFIG', 'that leave some tokens'],
    [
      { grid: [4, 6, 6], blocks: 1, spatialScale: [0.3, 0.3], maxTemporalKeep: 0 },
      'ERR_JEPA_CONFIG',
      'maxTemporalKeep',
    ],
    [{ grid: [4, 6, 6], blocks: 1, spatialScale: [0.3, 0.3], maxKeep: 0 }, 'ERR_JEPA_CONFIG', 'maxKeep 0'],
    [{ grid: [4, 6, 6], blocks: 1, spatial: [0.3, 0.3] }, 'ERR_JEPA_UNKNOWN_OPTION', "got 'spatial'"],
  ])('refuse %j', (options, expected, sentence) => {
    const make = (): unknown => new TubeMasking(options as never);
    expect(make).toThrow(code(expected));
    expect(make).toThrow(sentence);
  });

  it('give up where nothing can be left', () => {
    const masking = new TubeMasking({ grid: [1, 2, 2], blocks: 200, spatialScale: [0.5, 0.5], aspect: [0.5, 0.5] });
    expect(() => masking.sample(1, { seed: 0 })).toThrow('to leave some token of a grid [1, 2, 2]');
  });
});
