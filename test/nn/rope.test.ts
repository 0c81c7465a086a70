import { describe, expect, it } from 'vitest';
import { interpolatePositions, rope, rope3d, sincos3d, tokenCoordinates } from '#lib/nn/index.js';
import { attention, attentionMask, normal, zeros } from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { checkLayer } from './check-layer.js';

const code = (name: string) => expect.objectContaining({ code: name });

/** One row of one head, in float64. */
function turned(x: readonly number[], place: number, kind: 'rotation' | 'tiled'): number[] {
  const half = x.length / 2;
  return x.map((u, j) => {
    const angle = place * 10000 ** (-(kind === 'tiled' ? j % half : j >> 1) / half);
    const v = j % 2 === 0 ? -x[j + 1] : x[j - 1];
    return u * Math.cos(angle) + v * Math.sin(angle);
  });
}

describe('rotary positions', () => {
  it.each(['rotation', 'tiled'] as const)('%s, with gradients', async (kind) => {
    const places = [0, 1, 2.5];
    await checkLayer({
      inputs: { x: [2, 2, 4, 6] },
      forward: ({ x }) => rope(x, tensor(places), { kind }),
      reference: ({ x }) =>
        Array.from({ length: 16 }, (_, row) => {
          const values = [...x.slice(6 * row, 6 * row + 6)];
          return row % 4 < 3 ? turned(values, places[row % 4], kind) : values; // the last row has no position
        }).flat(),
    });
  });

  it.each(['rotation', 'tiled'] as const)('in time, row and column, %s, with gradients', async (kind) => {
    const ids = [0, 5, 11];
    await checkLayer({
      inputs: { x: [1, 2, 3, 14] },
      forward: ({ x }) => rope3d(x, tokenCoordinates(tensor(Int32Array.from(ids)), [2, 3]), { kind }),
      reference: ({ x }) =>
        Array.from({ length: 6 }, (_, row) => {
          const values = [...x.slice(14 * row, 14 * row + 14)];
          const id = ids[row % 3];
          const places = [Math.floor(id / 6), Math.floor((id % 6) / 3), id % 3];
          return [
            ...places.flatMap((place, axis) => turned(values.slice(4 * axis, 4 * axis + 4), place, kind)),
            ...values.slice(12),
          ];
        }).flat(),
    });
  });

  it('as a rotation change scores by distance only', async () => {
    const [q, k] = [normal([1, 1, 1, 8], { seed: 1 }), normal([1, 1, 1, 8], { seed: 2 })];
    const score = async (a: number, b: number): Promise<number> => {
      const product = rope(q, tensor([a])).mul(rope(k, tensor([b])));
      return product.sum().item();
    };
    expect(await score(3, 7)).toBeCloseTo(await score(10, 14), 4);
    expect(Math.abs((await score(3, 7)) - (await score(3, 8)))).toBeGreaterThan(1e-3);
  });

  it.each([
    ['an odd width', () => rope(zeros([1, 1, 2, 5]), zeros([2])), 'ERR_JEPA_SHAPE', 'with an even m, got [1, 1, 2, 5]'],
    ['too many positions', () => rope(zeros([1, 1, 2, 4]), zeros([3])), 'ERR_JEPA_SHAPE', 'of at most 2 rows'],
    ['another batch', () => rope(zeros([2, 1, 2, 4]), zeros([3, 2])), 'ERR_JEPA_SHAPE', 'positions [K] or [2, K]'],
    [
      'another kind',
      () => rope(zeros([1, 1, 2, 4]), zeros([2]), { kind: 'spiral' as 'tiled' }),
      'ERR_JEPA_INVALID_ARGUMENT',
      "got 'spiral'",
    ],
    ['two coordinates', () => rope3d(zeros([1, 1, 2, 8]), zeros([2, 2])), 'ERR_JEPA_SHAPE', 'coordinates [3, K]'],
  ])('refuse %s', (_, make, expected, sentence) => {
    expect(make).toThrow(code(expected));
    expect(make).toThrow(sentence);
  });
});

describe('positions of clips', () => {
  it('are sines and cosines of time, row and column', () => {
    const table = sincos3d(16, [2, 3, 4]);
    const row = table.subarray(23 * 16, 24 * 16); // the last token: time 1, row 2, column 3
    const encoded = (place: number, width: number): number[] => {
      const angles = Array.from({ length: width / 2 }, (_, k) => place * 10000 ** (-k / (width / 2)));
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    };
    const expected = [...encoded(1, 8), ...encoded(2, 4), ...encoded(3, 4)];
    expect([...row].map((value, i) => Math.abs(value - expected[i]) < 1e-7)).toEqual(new Array(16).fill(true));
    expect(() => sincos3d(10, [1, 1, 1])).toThrow(code('ERR_JEPA_INVALID_ARGUMENT'));
  });

  it('are interpolated along every axis, and a plane stays one', async () => {
    // Values t + 10·y + 100·x are linear, which trilinear interpolation keeps inside the grid.
    const grid = [3, 4, 5];
    const values = Array.from(
      { length: 60 },
      (_, i) => Math.floor(i / 20) + 10 * (Math.floor(i / 5) % 4) + 100 * (i % 5),
    );
    const finer = interpolatePositions(tensor(values, { shape: [1, 60, 1] }), grid, [3, 8, 5]);
    const found = (await finer.toArray()) as number[][][];
    const at = (t: number, y: number, x: number): number => found[0][(t * 8 + y) * 5 + x][0];
    expect(at(1, 3, 2)).toBeCloseTo(1 + 10 * (3.5 / 2 - 0.5) + 200, 4);
    expect(at(2, 7, 4)).toBeCloseTo(2 + 30 + 400, 4); // beyond the last row's centre: the last row
    expect(() => interpolatePositions(zeros([1, 6, 2]), [2, 3], [2, 3, 4])).toThrow(code('ERR_JEPA_SHAPE'));
    expect(() => interpolatePositions(zeros([1, 5, 2]), [2, 3], [4, 6])).toThrow('places [1, 6, D]');
  });
});

describe('attentionMask', () => {
  const [queries, keys] = [5, 7];
  it.each([
    ['causal', { causal: true, queryOffset: 2 }],
    ['a window', { window: { left: 2, right: 1 }, queryOffset: 1 }],
    ['blocks', { block: { size: 2, blocks: 2 }, queryOffset: 3 }],
    ['all of them', { causal: true, window: { left: 3, right: 0 }, block: { size: 2 }, queryOffset: 2 }],
  ])('is what attention does for %s', async (_, mask) => {
    const key = (stream: string) => ({ seed: 4, stream });
    const q = normal([1, 2, queries, 8], key('q'));
    const [k, v] = [normal([1, 2, keys, 8], key('k')), normal([1, 2, keys, 8], key('v'))];
    const whole: Tensor = attentionMask(queries, keys, mask);
    const [a, b] = [await attention(q, k, v, mask).data(), await attention(q, k, v, { mask: whole }).data()];
    expect([...a].map((value, i) => Math.abs(value - b[i]) < 1e-5)).toEqual(new Array(a.length).fill(true));
    expect(new Set(await whole.data()).size).toBe(2); // neither all nor none
  });

  it('refuses what attention refuses', () => {
    expect(() => attentionMask(2, 2, { block: { size: 0 } })).toThrow(code('ERR_JEPA_INVALID_ARGUMENT'));
    expect(() => attentionMask(-1, 2, {})).toThrow(code('ERR_JEPA_SHAPE'));
  });
});
