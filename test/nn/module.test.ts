import { describe, expect, it } from 'vitest';
import { BatchNorm } from '#lib/nn/batch-norm.js';
import { Linear } from '#lib/nn/linear.js';
import { mse } from '#lib/nn/losses/index.js';
import { Module } from '#lib/nn/module.js';
import { Sequential } from '#lib/nn/sequential.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { adamW } from '#lib/optim/adamw.js';
import { compile, scalar, type Tensor, tensor, valueAndGrad } from '#lib/tensor/index.js';
import { close, normals } from './check-layer.js';

class Small extends Module {
  readonly firstLayer = new Linear(4, 6, { name: 'small.first_layer', seed: 3 });
  readonly norm = new BatchNorm(6, { name: 'small.norm' });
  readonly heads = [
    new Linear(6, 2, { name: 'small.heads.0', seed: 3 }),
    new Linear(6, 2, { name: 'small.heads.1', seed: 3 }),
  ];
  forward(x: Tensor): Tensor {
    return this.heads[1].forward(this.norm.forward(this.firstLayer.forward(x)));
  }
}

const names = [
  'first_layer.weight',
  'first_layer.bias',
  'norm.weight',
  'norm.bias',
  'heads.0.weight',
  'heads.0.bias',
  'heads.1.weight',
  'heads.1.bias',
];
const bufferNames = ['norm.running_mean', 'norm.running_var', 'norm.num_batches_tracked'];
const batch = (rows: number): Tensor => tensor(normals('batch', rows * 4), { shape: [rows, 4] });

describe('Module', () => {
  it('names parameters and buffers by the path of their properties', async () => {
    const module = new Small();
    expect([...module.namedParameters().keys()]).toEqual(names);
    expect([...module.buffers().keys()]).toEqual(bufferNames);
    expect(module.parameters()).toHaveLength(8);
    expect([...(await module.stateDict()).keys()]).toEqual([...names, ...bufferNames]);
  });

  it('starts from weights that depend on seed and name only', async () => {
    const a = new Small();
    new Linear(9, 9); // a layer made in between must not move the draws of the next
    const b = new Small();
    expect(await a.stateDict()).toEqual(await b.stateDict());
    const other = new Linear(4, 6, { name: 'small.first_layer', seed: 4 });
    expect(await other.weight.read()).not.toEqual(await a.firstLayer.weight.read());
    const [first, second] = [new Linear(3, 3), new Linear(3, 3)];
    expect(await first.weight.read()).not.toEqual(await second.weight.read());
  });

  it('takes a state back, bit for bit', async () => {
    const [a, b] = [new Small(), new Small()];
    for (const parameter of a.parameters()) await parameter.write(normals(parameter.name, parameter.size));
    await b.loadStateDict(await a.stateDict());
    expect(await b.stateDict()).toEqual(await a.stateDict());
  });

  it('lists what does not fit, and then writes nothing', async () => {
    const module = new Small();
    const before = await module.stateDict();
    const state = new Map(before);
    state.delete('heads.0.bias');
    state.set('heads.2.bias', { dtype: 'float32', shape: [1], data: new Float32Array(1) });
    state.set('norm.weight', { dtype: 'float32', shape: [5], data: new Float32Array(5) });
    state.set('first_layer.bias', { dtype: 'float32', shape: [6], data: new Float32Array(6).fill(9) });
    await expect(module.loadStateDict(state)).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_MISMATCH',
      help: [
        'missing: heads.0.bias',
        'unexpected: heads.2.bias',
        'mis-shaped: norm.weight: expected float32 [6], got float32 [5]',
      ],
    });
    expect(await module.stateDict()).toEqual(before);
    state.delete('norm.weight');
    await module.loadStateDict(state, { strict: false });
    expect(await module.firstLayer.bias?.read()).toEqual(new Float32Array(6).fill(9));
  });

  it('compiles anew when it is switched between training and evaluation', async () => {
    const module = new Small();
    const forward = compile((x: Tensor) => module.forward(x));
    const x = batch(8);
    const trained = await (await forward(x)).data();
    const statistics = await module.norm.runningMean.read();
    expect(statistics).not.toEqual(new Float32Array(6));
    module.eval();
    const evaluated = await (await forward(x)).data();
    expect(evaluated).not.toEqual(trained);
    expect(await module.norm.runningMean.read()).toEqual(statistics);
    expect(forward.signatures).toBe(2);
    module.train();
    expect(await (await forward(x)).data()).toEqual(trained);
    expect(forward.signatures).toBe(2);
  });

  it('tracks running statistics as PyTorch does: unbiased variance, weight .1, or a cumulative mean', async () => {
    const x = batch(5);
    const data = await x.data();
    const column = Array.from({ length: 5 }, (_, row) => data[row * 4]);
    const mean = column.reduce((a, b) => a + b) / 5;
    const variance = column.reduce((total, value) => total + (value - mean) ** 2, 0) / 4;
    for (const momentum of [0.1, null]) {
      const norm = new BatchNorm(4, { momentum });
      const forward = compile((x: Tensor) => norm.forward(x));
      await forward(x);
      const weight = momentum ?? 1;
      close('mean', [(await norm.runningMean.read())[0]], [weight * mean], 1e-5);
      close('variance', [(await norm.runningVar.read())[0]], [1 - weight + weight * variance], 1e-5);
      await forward(x);
      close('mean', [(await norm.runningMean.read())[0]], [momentum === null ? mean : 0.19 * mean], 1e-5);
      expect(await norm.numBatchesTracked.read()).toEqual(Int32Array.of(2));
    }
  });

  it('counts both batches when it is applied twice in one step', async () => {
    const norm = new BatchNorm(4, { momentum: null });
    const forward = compile((x: Tensor) => norm.forward(norm.forward(x)));
    await forward(batch(6));
    expect(await norm.numBatchesTracked.read()).toEqual(Int32Array.of(2));
  });

  it('needs compile to train batch normalisation', () => {
    expect(() => new BatchNorm(4).forward(batch(3))).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE' }),
    );
  });

  it('freezes: no optimiser changes it, until it is unfrozen', async () => {
    const module = new Small();
    module.firstLayer.freeze();
    const optimiser = adamW(module.parameters());
    const step = compile((x: Tensor, learningRate: Tensor) => {
      const { gradients } = valueAndGrad(
        () => mse(module.forward(x), tensor(new Float32Array(16), { shape: [8, 2] })),
        module.parameters(),
      );
      optimiser.update(gradients, { learningRate });
    });
    const before = await module.stateDict();
    const changed = async (): Promise<string[]> =>
      [...(await module.stateDict())]
        .filter(([name, { data }]) => data.some((value, index) => value !== before.get(name)?.data[index]))
        .map(([name]) => name);
    await step(batch(8), scalar(0.01));
    expect(await changed()).toEqual(expect.arrayContaining(['norm.weight', 'heads.1.weight']));
    expect(await changed()).not.toEqual(expect.arrayContaining(['first_layer.weight']));
    expect(await changed()).not.toEqual(expect.arrayContaining(['heads.0.weight'])); // has no gradient: no decay either
    module.firstLayer.unfreeze();
    await step(batch(8), scalar(0.01));
    expect(await changed()).toEqual(expect.arrayContaining(['first_layer.weight', 'first_layer.bias']));
  });

  it('disposes of its variables', async () => {
    const module = new Small();
    module.dispose();
    await expect(module.stateDict()).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
  });
});

describe('models made of layers', () => {
  it('a sequential network fits a function through public calls only', async () => {
    const network = new Sequential(
      new Linear(2, 32, { name: 'a' }),
      'gelu',
      new Linear(32, 32, { name: 'b' }),
      'gelu',
      new Linear(32, 1, { name: 'c' }),
    );
    const optimiser = adamW(network.parameters(), { weightDecay: 0, clipNorm: 1 });
    const inputs = normals('xy', 256).map((value) => Math.max(-2, Math.min(2, value)));
    const targets = Float32Array.from({ length: 128 }, (_, i) => Math.sin(2 * inputs[2 * i]) * inputs[2 * i + 1]);
    const step = compile((x: Tensor, y: Tensor, learningRate: Tensor) => {
      const { value: loss, gradients } = valueAndGrad(() => mse(network.forward(x), y), network.parameters());
      return { loss, ...optimiser.update(gradients, { learningRate }) };
    });
    const losses: number[] = [];
    for (let i = 0; i < 400; i++) {
      const { loss, gradNorm } = await step(
        tensor(inputs, { shape: [128, 2] }),
        tensor(targets, { shape: [128, 1] }),
        scalar(0.01),
      );
      losses.push(await loss.item());
      expect(Number.isFinite(await gradNorm.item())).toBe(true);
    }
    expect(losses[0]).toBeGreaterThan(0.3);
    expect(losses.at(-1)).toBeLessThan(0.01);
    expect(step.signatures).toBe(1);
  });

  it('a vision transformer gives tokens, the same from both layouts of pixels', async () => {
    const options = {
      imageSize: [8, 12],
      patchSize: 4,
      width: 16,
      depth: 2,
      heads: 2,
      channels: 3,
      name: 'vit',
      seed: 5,
    } as const;
    const [nchw, nhwc] = [new VisionTransformer(options), new VisionTransformer({ ...options, layout: 'NHWC' })];
    expect([...nchw.namedParameters().keys()].slice(0, 4)).toEqual([
      'patch_embed.weight',
      'patch_embed.bias',
      'blocks.0.norm1.weight',
      'blocks.0.norm1.bias',
    ]);
    expect([...nchw.buffers().keys()]).toEqual(['pos_embed']);
    const pixels = tensor(normals('pixels', 2 * 3 * 8 * 12), { shape: [2, 3, 8, 12] });
    const y = nchw.forward(pixels);
    expect(y.shape).toEqual([2, 6, 16]);
    const expected = await y.data();
    const source = await pixels.data();
    const last = Float32Array.from(
      { length: source.length },
      (_, i) => source[(Math.floor(i / 288) * 3 + (i % 3)) * 96 + (Math.floor(i / 3) % 96)],
    );
    close('NHWC', await nhwc.forward(tensor(last, { shape: [2, 8, 12, 3] })).data(), expected, 1e-5);
    expect(() => nchw.forward(tensor(last, { shape: [2, 8, 12, 3] }))).toThrow(
      '[VisionTransformer] expected pixels of shape [2, 3, 8, 12] (NCHW), got [2, 8, 12, 3]',
    );
  });
});
