import { describe, expect, it } from 'vitest';
import { lidar, nearestNeighbours, participationRatio, rankMe, singularValues } from '#lib/eval/index.js';

const code = (name: string) => expect.objectContaining({ code: name });

describe('rank of a representation', () => {
  it('is that of a matrix with known singular values', () => {
    // Orthogonal columns of norms 3, 4 and 0.
    const features = [3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
    const found = singularValues(features, 3);
    for (const [i, value] of [4, 3, 0].entries()) expect(found[i]).toBeCloseTo(value, 12);
    const [p, q] = [4 / 7, 3 / 7];
    expect(rankMe(features, 3, { epsilon: 0 })).toBeCloseTo(Math.exp(-p * Math.log(p) - q * Math.log(q)), 12);
    expect(participationRatio(features, 3)).toBeCloseTo(25 ** 2 / (4 ** 4 + 3 ** 4), 12);
    expect(singularValues([3, 4], 2)).toHaveLength(1); // the smaller side
    expect(rankMe(new Float32Array(12), 3)).toBe(0);
  });

  it('by LiDAR counts directions in which samples differ more than their views', () => {
    // Two samples of two views in the plane: they differ along x by 2, their views along y by 2.
    const features = [1, 1, 1, -1, -1, 1, -1, -1];
    const { eigenvalues, lidar: rank } = lidar(features, 2, { views: 2, delta: 0.5, epsilon: 0 });
    // S_b = diag(2, 0), S_w = diag(0, 2) + ½.
    expect(eigenvalues[0]).toBeCloseTo(4, 12);
    expect(eigenvalues[1]).toBeCloseTo(0, 12);
    expect(rank).toBeCloseTo(1, 12);
  });

  it.each([
    ['a broken row', () => rankMe([1, 2, 3], 2), 'ERR_JEPA_SHAPE', '[singularValues] expected rows of width 2, got 3'],
    ['views that do not come out even', () => lidar([1, 2, 3], 1, { views: 2 }), 'ERR_JEPA_SHAPE', 'got 3 rows of 2'],
    ['one view', () => lidar([1, 2, 3], 1, { views: 1 }), 'ERR_JEPA_SHAPE', 'at least two views'],
    ['another option', () => lidar([1], 1, { q: 1 } as never), 'ERR_JEPA_UNKNOWN_OPTION', "got 'q'"],
  ])('refuses %s', (_, make, expected, sentence) => {
    expect(make).toThrow(code(expected));
    expect(make).toThrow(sentence);
  });
});

describe('nearest neighbours', () => {
  const bank = [0, 0, 1, 0, 0, 2, 5, 5];
  const labels = [0, 1, 1, 2];

  it('vote by their distance', () => {
    const options = { width: 2, classes: 3, k: 3, temperature: 1 };
    const { scores, prediction } = nearestNeighbours(bank, labels, [0, 0], options);
    expect([...scores]).toEqual([1, 1 / 2 + 1 / 3, 0]);
    expect([...prediction]).toEqual([0]);
    const city = nearestNeighbours(bank, labels, [1, 1], { ...options, k: 4, metric: 'manhattan' });
    expect([...city.scores]).toEqual([1 / 3, 1 / 2 + 1 / 3, 1 / 9]);
    const angles = nearestNeighbours([1, 0, 0, 3], [0, 1], [0, 9], { width: 2, classes: 2, k: 1, metric: 'cosine' });
    expect([...angles.prediction]).toEqual([1]);
  });

  it('have no angle to what is 0, and as far from it as from what is at right angles', () => {
    const options = { width: 2, classes: 2, k: 2, temperature: 1, metric: 'cosine' } as const;
    const { scores, prediction } = nearestNeighbours([0, 0, 3, 0, 0, 2], [0, 1, 1], [4, 0, 0, 0], options);
    expect([...scores]).toEqual([1 / 2, 1, 1 / 2, 1 / 2]);
    expect([...prediction]).toEqual([1, 0]);
  });

  it.each([
    [{ k: 5 }, labels, 'ERR_JEPA_INVALID_ARGUMENT', 'k from 1 to 4'],
    [{ metric: 'hamming' }, labels, 'ERR_JEPA_INVALID_ARGUMENT', "got 20, 0.07 and 'hamming'"],
    [{ k: 1 }, [0, 1, 2, 3], 'ERR_JEPA_INVALID_ARGUMENT', 'labels from 0 to 2, got 3 at 3'],
    [{ k: 1 }, [0], 'ERR_JEPA_SHAPE', 'a label for each of the bank'],
    [{ neighbours: 3 }, labels, 'ERR_JEPA_UNKNOWN_OPTION', "got 'neighbours'"],
  ])('refuse %j', (options, given, expected, sentence) => {
    const make = (): unknown => nearestNeighbours(bank, given, [0, 0], { width: 2, classes: 3, ...options } as never);
    expect(make).toThrow(code(expected));
    expect(make).toThrow(sentence);
  });
});
