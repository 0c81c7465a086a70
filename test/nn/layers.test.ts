import { describe, expect, it } from 'vitest';
import { BatchNorm } from '#lib/nn/batch-norm.js';
import { Conv2d } from '#lib/nn/conv2d.js';
import { Conv3d } from '#lib/nn/conv3d.js';
import { Embedding } from '#lib/nn/embedding.js';
import { GroupNorm } from '#lib/nn/group-norm.js';
import { GRU } from '#lib/nn/gru.js';
import { GRUCell } from '#lib/nn/gru-cell.js';
import { LayerNorm } from '#lib/nn/layer-norm.js';
import { Linear } from '#lib/nn/linear.js';
import { MLP } from '#lib/nn/mlp.js';
import { MultiHeadAttention } from '#lib/nn/multi-head-attention.js';
import { RMSNorm } from '#lib/nn/rms-norm.js';
import { TransformerBlock } from '#lib/nn/transformer-block.js';
import { tensor } from '#lib/tensor/index.js';
import { affine, checkLayer, normals, type Values } from './check-layer.js';
import { attention, block, gelu, layerNorm } from './reference.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One step of PyTorch's GRU cell for [B, I], [B, H]. */
function gru(
  x: ArrayLike<number>,
  h: ArrayLike<number>,
  v: Values,
  inputs: number,
  width: number,
  prefix = '',
): Float64Array {
  const input = affine(x, v[`${prefix}weight_ih`], v[`${prefix}bias_ih`], inputs);
  const recurrent = affine(h, v[`${prefix}weight_hh`], v[`${prefix}bias_hh`], width);
  return Float64Array.from(h, (previous, index) => {
    const row = Math.floor(index / width) * 3 * width + (index % width);
    const reset = sigmoid(input[row] + recurrent[row]);
    const update = sigmoid(input[row + width] + recurrent[row + width]);
    const candidate = Math.tanh(input[row + 2 * width] + reset * recurrent[row + 2 * width]);
    return (1 - update) * candidate + update * previous;
  });
}

describe('layers equal plain float64 loops, gradients too', () => {
  it('linear', async () => {
    const module = new Linear(5, 3, { name: 'linear' });
    await checkLayer({
      module,
      inputs: { x: [2, 4, 5] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => affine(v.x, v.weight, v.bias, 5),
    });
  });

  it('linear without bias', async () => {
    const module = new Linear(17, 9, { name: 'linear', bias: false });
    expect([...module.namedParameters().keys()]).toEqual(['weight']);
    await checkLayer({
      module,
      inputs: { x: [3, 17] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => affine(v.x, v.weight, undefined, 17),
    });
  });

  it.each(['NCHW', 'NHWC'] as const)('conv2d %s', async (layout) => {
    const [n, c, h, w, o, k, stride, padding] = [2, 3, 7, 6, 4, 3, 2, 1];
    const module = new Conv2d(c, o, k, { name: 'conv', stride, padding, layout });
    const [oh, ow] = [h, w].map((extent) => Math.floor((extent + 2 * padding - k) / stride) + 1);
    const index = (b: number, ch: number, y: number, x: number, C: number, H: number, W: number): number =>
      layout === 'NCHW' ? ((b * C + ch) * H + y) * W + x : ((b * H + y) * W + x) * C + ch;
    await checkLayer({
      module,
      inputs: { x: layout === 'NCHW' ? [n, c, h, w] : [n, h, w, c] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => {
        const out = new Float64Array(n * o * oh * ow);
        for (let b = 0; b < n; b++)
          for (let f = 0; f < o; f++)
            for (let y = 0; y < oh; y++)
              for (let x = 0; x < ow; x++) {
                let total = v.bias[f];
                for (let ch = 0; ch < c; ch++)
                  for (let i = 0; i < k; i++)
                    for (let j = 0; j < k; j++) {
                      const [yy, xx] = [y * stride + i - padding, x * stride + j - padding];
                      if (yy >= 0 && yy < h && xx >= 0 && xx < w)
                        total += v.x[index(b, ch, yy, xx, c, h, w)] * v.weight[((f * c + ch) * k + i) * k + j];
                    }
                out[index(b, f, y, x, o, oh, ow)] = total;
              }
        return out;
      },
    });
  });

  it('layerNorm', async () => {
    const module = new LayerNorm(17, { name: 'norm', epsilon: 1e-6 });
    await checkLayer({
      module,
      inputs: { x: [5, 17] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => layerNorm(v.x, 17, v.weight, v.bias, 1e-6),
      tolerance: 5e-5,
    });
  });

  it.each([
    ['[N, D]', [6, 5], 1],
    ['NCHW', [3, 4, 2, 3], 1],
    ['NHWC', [3, 2, 3, 4], -1],
  ] as const)('batchNorm in training, %s', async (_, shape, axis) => {
    const features = shape.at(axis) as number;
    const module = new BatchNorm(features, { name: 'norm', axis });
    const inner = axis === 1 ? shape.slice(2).reduce((a, b) => a * b, 1) : 1;
    await checkLayer({
      module,
      inputs: { x: shape },
      forward: ({ x }) => module.forward(x),
      tolerance: 5e-5,
      reference: (v) => {
        const feature = (i: number): number => Math.floor(i / inner) % features;
        const groups = Array.from({ length: features }, (_, f) => [...v.x].filter((_, i) => feature(i) === f));
        const means = groups.map((group) => group.reduce((a, b) => a + b) / group.length);
        const variances = groups.map(
          (group, f) => group.reduce((total, value) => total + (value - means[f]) ** 2, 0) / group.length,
        );
        return v.x.map(
          (value, i) =>
            ((value - means[feature(i)]) / Math.sqrt(variances[feature(i)] + 1e-5)) * v.weight[feature(i)] +
            v.bias[feature(i)],
        );
      },
    });
  });

  it('RMSNorm', async () => {
    const module = new RMSNorm(17, { name: 'norm', epsilon: 1e-3 });
    await checkLayer({
      module,
      inputs: { x: [5, 17] },
      forward: ({ x }) => module.forward(x),
      reference: (v) =>
        v.x.map((value, i) => {
          const row = v.x.subarray(i - (i % 17), i - (i % 17) + 17);
          const power = row.reduce((sum, x) => sum + x * x, 0) / 17;
          return (value / Math.sqrt(power + 1e-3)) * v.weight[i % 17];
        }),
    });
  });

  it('GroupNorm', async () => {
    const [n, channels, groups, pixels] = [2, 6, 3, 5];
    const module = new GroupNorm(groups, channels, { name: 'norm', epsilon: 1e-3 });
    const size = (channels / groups) * pixels;
    await checkLayer({
      module,
      inputs: { x: [n, channels, 1, pixels] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => {
        const plain = layerNorm(v.x, size, new Float64Array(size).fill(1), new Float64Array(size), 1e-3);
        const channel = (i: number): number => Math.floor(i / pixels) % channels;
        return plain.map((value, i) => value * v.weight[channel(i)] + v.bias[channel(i)]);
      },
    });
    expect(() => new GroupNorm(4, 6)).toThrow('[GroupNorm] expected groups that divide the 6 channels, got 4');
  });

  it('conv3d, in groups, with dilation', async () => {
    const [n, c, o, groups, kernel, dilation] = [1, 4, 2, 2, [2, 1, 2], [1, 1, 2]] as const;
    const [frames, height, width] = [3, 2, 4];
    const module = new Conv3d(c, o, kernel, { name: 'conv', dilation, groups });
    expect([module.weight.shape, module.bias?.shape]).toEqual([[o, c / groups, 2, 1, 2], [o]]);
    await checkLayer({
      module,
      inputs: { x: [n, c, frames, height, width] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => {
        const y: number[] = [];
        for (let f = 0; f < o; f++)
          for (let t = 0; t < frames - 1; t++)
            for (let row = 0; row < height; row++)
              for (let column = 0; column < width - 2; column++) {
                let total = v.bias[f];
                for (let channel = 0; channel < 2; channel++)
                  for (let a = 0; a < 2; a++)
                    for (let b = 0; b < 2; b++)
                      total +=
                        v.x[(((2 * f + channel) * frames + t + a) * height + row) * width + column + 2 * b] *
                        v.weight[((f * 2 + channel) * 2 + a) * 2 + b];
                y.push(total);
              }
        return y;
      },
    });
    expect(() => new Conv3d(3, 4, 2, { groups: 2 })).toThrow(
      'expected sizes that are positive integers, got [4,1.5,2,2,2]',
    );
  });

  it('batchNorm in evaluation', async () => {
    const module = new BatchNorm(3, { name: 'norm' }).eval();
    await module.runningMean.write(Float32Array.of(0.5, -1, 2));
    await module.runningVar.write(Float32Array.of(0.25, 4, 1));
    await checkLayer({
      module,
      inputs: { x: [4, 3] },
      forward: ({ x }) => module.forward(x),
      reference: (v) =>
        v.x.map(
          (value, i) =>
            ((value - v.running_mean[i % 3]) / Math.sqrt(v.running_var[i % 3] + 1e-5)) * v.weight[i % 3] +
            v.bias[i % 3],
        ),
    });
  });

  it('embedding, a row used twice', async () => {
    const module = new Embedding(5, 3, { name: 'embedding' });
    const indices = [3, 0, 3, 4];
    await checkLayer({
      module,
      inputs: {},
      forward: () => module.forward(tensor(Int32Array.from(indices), { shape: [2, 2] })),
      reference: (v) => indices.flatMap((row) => [...v.weight.subarray(row * 3, row * 3 + 3)]),
    });
  });

  it.each([false, true])('multi-head attention, causal %s', async (causal) => {
    const module = new MultiHeadAttention(6, 2, { name: 'attn', causal });
    await checkLayer({
      module,
      inputs: { x: [2, 5, 6] },
      forward: ({ x }) => module.forward(x),
      reference: (v) => attention(v.x, v, '', [2, 5, 6], 2, causal),
    });
  });

  it('MLP', async () => {
    const module = new MLP(4, 7, 3, { name: 'mlp' });
    await checkLayer({
      module,
      inputs: { x: [5, 4] },
      forward: ({ x }) => module.forward(x),
      reference: (v) =>
        affine(affine(v.x, v['fc1.weight'], v['fc1.bias'], 4).map(gelu), v['fc2.weight'], v['fc2.bias'], 7),
    });
  });

  it('transformer block', async () => {
    const module = new TransformerBlock(8, 2, { name: 'block', causal: true, mlpRatio: 2 });
    await checkLayer({
      module,
      inputs: { x: [1, 4, 8] },
      forward: ({ x }) => module.forward(x),
      tolerance: 5e-5,
      reference: (v) => block(v.x, v, '', [1, 4, 8], 2, true),
    });
  });

  it('GRU cell', async () => {
    const module = new GRUCell(3, 5, { name: 'cell' });
    await checkLayer({
      module,
      inputs: { x: [4, 3], h: [4, 5] },
      forward: ({ x, h }) => module.forward(x, h),
      reference: (v) => gru(v.x, v.h, v, 3, 5),
    });
  });

  it('GRU over a sequence', async () => {
    const [batch, steps, inputs, width] = [2, 4, 3, 5];
    const module = new GRU(inputs, width, { name: 'gru' });
    await checkLayer({
      module,
      inputs: { x: [batch, steps, inputs] },
      forward: ({ x }) => module.forward(x).output,
      reference: (v) => {
        const output = new Float64Array(batch * steps * width);
        let state: Float64Array = new Float64Array(batch * width);
        for (let t = 0; t < steps; t++) {
          const x = Array.from({ length: batch }, (_, b) => [
            ...v.x.subarray((b * steps + t) * inputs, (b * steps + t + 1) * inputs),
          ]).flat();
          state = gru(x, state, v, inputs, width, 'cell.');
          for (let b = 0; b < batch; b++)
            output.set(state.subarray(b * width, (b + 1) * width), (b * steps + t) * width);
        }
        return output;
      },
    });
  });
});

describe('layers refuse what does not fit', () => {
  it('features, heads, options', () => {
    const untrained = new BatchNorm(2, { name: 'encoder.norm' });
    expect(() => untrained.forward(tensor(normals('x', 6), { shape: [3, 2] }))).toThrow(
      "[batchNorm] expected a layer in evaluation mode outside compile, got 'encoder.norm' in training",
    );
    expect(() => new BatchNorm(4).forward(tensor(normals('x', 6), { shape: [2, 3] }))).toThrow(
      '[batchNorm] expected 4 features on axis 1, got x of shape [2, 3]',
    );
    expect(() => new MultiHeadAttention(10, 3)).toThrow(
      '[MultiHeadAttention] expected a width that is a multiple of the 3 heads, got 10',
    );
    expect(() => new Linear(2, 3, { bais: false } as object)).toThrow("did you mean 'bias'?");
    expect(() => new Linear(4, 2).forward(tensor(normals('x', 6), { shape: [2, 3] }))).toThrow(/\[linear\] expected/);
  });
});
