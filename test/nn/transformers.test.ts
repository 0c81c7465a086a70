// Vision transformers and adaptive blocks against plain float64 loops.
import { describe, expect, it } from 'vitest';
import { AdaptiveTransformerBlock } from '#lib/nn/adaptive-transformer-block.js';
import { MultiHeadAttention } from '#lib/nn/multi-head-attention.js';
import { interpolatePositions } from '#lib/nn/positions.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { compile, tensor } from '#lib/tensor/index.js';
import { affine, checkLayer, normals, type Values } from './check-layer.js';
import { attention, block, gelu, layerNorm } from './reference.js';

const options = { imageSize: 4, patchSize: 2, width: 8, depth: 1, heads: 2, channels: 1, mlpRatio: 1 } as const;
const [batch, tokens, width] = [2, 4, 8];

/** Row-major patches [B·N, p·p] of pictures [B, 1, 4, 4]. */
function patches(pixels: ArrayLike<number>): Float64Array {
  const at = (picture: number, place: number, k: number): number =>
    pixels[picture * 16 + (2 * Math.floor(place / 2) + Math.floor(k / 2)) * 4 + 2 * (place % 2) + (k % 2)];
  return Float64Array.from({ length: batch * 16 }, (_, i) => at(Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4));
}

/** The whole network on the patches that `keep` names, after the class token if there is one. */
function vision(v: Values, keep: readonly (readonly number[])[]): Float64Array {
  const embedded = affine(patches(v.pixels), v['patch_embed.weight'], v['patch_embed.bias'], 4);
  const lead = v.cls_token ? 1 : 0;
  const x = keep.flatMap((places, picture) => [
    ...(lead ? [...v.cls_token].map((value, i) => value + v.pos_embed[i]) : []),
    ...places.flatMap((place) =>
      Array.from(
        { length: width },
        (_, i) => embedded[(picture * tokens + place) * width + i] + v.pos_embed[(place + lead) * width + i],
      ),
    ),
  ]);
  const y = block(x, v, 'blocks.0.', [batch, lead + keep[0].length, width], options.heads);
  return layerNorm(y, width, v['norm.weight'], v['norm.bias'], 1e-6);
}

const all = [
  [0, 1, 2, 3],
  [0, 1, 2, 3],
];

const check = (module: VisionTransformer, keep?: number[][]): Promise<void> =>
  checkLayer({
    module,
    inputs: { pixels: [batch, 1, 4, 4] },
    forward: ({ pixels }) => module.forward(pixels, keep && { keep: tensor(keep, { dtype: 'int32' }) }),
    reference: (v) => vision(v, keep ?? all),
    tolerance: 5e-5,
  });

describe('vision transformers equal plain float64 loops, gradients too', () => {
  it('all patches', async () => {
    const module = new VisionTransformer({ ...options, name: 'vit' });
    await check(module);
  });

  it('a class token with learnt positions', async () => {
    const module = new VisionTransformer({ ...options, name: 'vit', classToken: true, positions: 'learned' });
    expect([...module.namedParameters().keys()].slice(2, 4)).toEqual(['cls_token', 'pos_embed']);
    await check(module);
  });

  it.each([false, true])('patches kept in their own order, class token %s', async (classToken) => {
    const module = new VisionTransformer({ ...options, name: 'vit', classToken, positions: 'learned' });
    const keep = [
      [3, 0],
      [1, 2],
    ];
    await check(module, keep);
  });

  it('the sincos position of a class token is 0', async () => {
    const plain = new VisionTransformer({ ...options, name: 'vit' });
    const classed = new VisionTransformer({ ...options, name: 'vit', classToken: true });
    const [own, its] = await Promise.all([plain.posEmbed.read(), classed.posEmbed.read()]);
    expect([...its]).toEqual([...new Float32Array(width), ...own]);
  });
});

/** Bicubic weights by the definition: Keys' kernel with a = −¾ at every sample, edges repeated far beyond the grid. */
function resampled(places: ArrayLike<number>, [rows, columns]: Pair, [newRows, newColumns]: Pair): Float64Array {
  const kernel = (x: number): number => {
    const d = Math.abs(x);
    if (d <= 1) return 1.25 * d ** 3 - 2.25 * d ** 2 + 1;
    return d < 2 ? -0.75 * d ** 3 + 3.75 * d ** 2 - 6 * d + 3 : 0;
  };
  const edge = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
  return Float64Array.from({ length: newRows * newColumns * width }, (_, i) => {
    const y = ((Math.floor(i / width / newColumns) + 0.5) * rows) / newRows - 0.5;
    const x = (((Math.floor(i / width) % newColumns) + 0.5) * columns) / newColumns - 0.5;
    let total = 0;
    for (let row = -4; row < rows + 4; row++)
      for (let column = -4; column < columns + 4; column++)
        total +=
          kernel(y - row) *
          kernel(x - column) *
          places[(edge(row, rows) * columns + edge(column, columns)) * width + (i % width)];
    return total;
  });
}
type Pair = readonly [number, number];

it.each([
  [3, 2, 4, 5],
  [5, 4, 2, 3],
  [2, 2, 2, 2],
])('positions of a grid %i × %i resampled to %i × %i', async (rows, columns, newRows, newColumns) => {
  await checkLayer({
    inputs: { places: [1, rows * columns, width] },
    forward: ({ places }) => interpolatePositions(places, [rows, columns], [newRows, newColumns]),
    reference: ({ places }) => resampled(places, [rows, columns], [newRows, newColumns]),
  });
});

describe('pictures of other sizes', () => {
  const module = new VisionTransformer({ ...options, name: 'vit', classToken: true });

  it('are refused unless positions are to be interpolated', () => {
    const pixels = tensor(new Float32Array(2 * 4 * 6), { shape: [2, 1, 4, 6] });
    expect(() => module.forward(pixels)).toThrow('expected pixels of shape [2, 1, 4, 4] (NCHW), got [2, 1, 4, 6]');
    expect(module.forward(pixels, { interpolatePositions: true }).shape).toEqual([2, 7, width]);
  });

  it('must consist of whole patches', () => {
    const pixels = tensor(new Float32Array(2 * 4 * 5), { shape: [2, 1, 4, 5] });
    expect(() => module.forward(pixels, { interpolatePositions: true })).toThrow(
      'expected pixels of shape [2, 1, k·2, l·2] (NCHW), got [2, 1, 4, 5]',
    );
  });

  it('of the own size keep their positions to the bit', async () => {
    const pixels = tensor(normals('pixels', 32), { shape: [2, 1, 4, 4] });
    const [plain, any] = [module.forward(pixels), module.forward(pixels, { interpolatePositions: true })];
    expect([...(await any.data())]).toEqual([...(await plain.data())]);
  });
});

it('a place that is no patch fails the step', async () => {
  const module = new VisionTransformer({ ...options, name: 'vit' });
  const pixels = tensor(normals('pixels', 32), { shape: [batch, 1, 4, 4] });
  const run = compile((keep: ReturnType<typeof tensor>) => module.forward(pixels, { keep }));
  const places = (...at: number[]) => tensor(Int32Array.from(at), { shape: [batch, 1] });
  await expect(run(places(0, 4))).rejects.toMatchObject({ code: 'ERR_JEPA_INDEX_RANGE' });
  // Of the first picture this would be the second one's first patch.
  await expect(run(places(4, 0))).rejects.toMatchObject({ code: 'ERR_JEPA_INDEX_RANGE' });
  expect(() => module.forward(pixels, { keep: tensor([0, 1], { dtype: 'int32' }) })).toThrow(
    '[gatherTokens] expected x [B, N, ...] and indices [B, K], got [2, 4, 4] and [2]',
  );
});

it('heads as wide as one likes', async () => {
  const module = new MultiHeadAttention(5, 3, { name: 'attn', headWidth: 4, qkvBias: false, causal: true });
  await checkLayer({
    module,
    inputs: { x: [2, 3, 5] },
    forward: ({ x }) => module.forward(x),
    reference: (v) => attention(v.x, v, '', [2, 3, 5], 3, true, 4),
  });
});

describe('adaptive transformer blocks', () => {
  const shape = [2, 3, 6] as const;

  it('start as the identity', async () => {
    const x = tensor(normals('x', 36), { shape });
    const y = new AdaptiveTransformerBlock(6, 2, { name: 'block' }).forward(x, x);
    expect([...(await y.data())]).toEqual([...(await x.data())]);
  });

  it.each([
    ['with norms of their own, a condition for each token', { innerNorm: true, headWidth: 4, qkvBias: false }, 3],
    ['one condition for all tokens', { innerNorm: false }, 1],
  ] as const)('equal plain float64 loops: %s', async (_, given, conditions) => {
    const settings = { headWidth: 3, ...given };
    const module = new AdaptiveTransformerBlock(6, 2, {
      ...settings,
      name: 'block',
      causal: true,
      hidden: 7,
      conditionWidth: 5,
    });
    await module.modulation.weight.write(normals('modulation', 36 * 5));
    await module.modulation.bias?.write(normals('modulation bias', 36));
    await checkLayer({
      module,
      inputs: { x: shape, c: [2, conditions, 5] },
      forward: ({ x, c }) => module.forward(x, c),
      tolerance: 1e-4,
      reference: (v) => {
        const silu = v.c.map((value) => value / (1 + Math.exp(-value)));
        const modulation = affine(silu, v['modulation.weight'], v['modulation.bias'], 5);
        /** Part 0 … 5 of the modulation for element i of x. */
        const of = (part: number, i: number): number => {
          const row = Math.floor(i / 6);
          return modulation[(conditions === 1 ? Math.floor(row / 3) : row) * 36 + part * 6 + (i % 6)];
        };
        const none = [new Float64Array(6).fill(1), new Float64Array(6)];
        const modulated = (x: Float64Array, part: number, own: string): Float64Array => {
          const y = layerNorm(x, 6, none[0], none[1], 1e-6).map((n, i) => n * (1 + of(part + 1, i)) + of(part, i));
          return settings.innerNorm ? layerNorm(y, 6, v[`${own}.weight`], v[`${own}.bias`], 1e-5) : y;
        };
        const branch = attention(modulated(v.x, 0, 'attn_norm'), v, 'attn.', shape, 2, true, settings.headWidth);
        const attended = v.x.map((x, i) => x + of(2, i) * branch[i]);
        const hidden = affine(modulated(attended, 3, 'mlp_norm'), v['mlp.fc1.weight'], v['mlp.fc1.bias'], 6).map(gelu);
        const fed = affine(hidden, v['mlp.fc2.weight'], v['mlp.fc2.bias'], 7);
        return attended.map((x, i) => x + of(5, i) * fed[i]);
      },
    });
  });
});
