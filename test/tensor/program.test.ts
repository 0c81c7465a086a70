import { describe, expect, it } from 'vitest';
import { Linear } from '#lib/nn/linear.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { matmul, relu, sum, zeros } from '#lib/ops/index.js';
import { adamW } from '#lib/optim/index.js';
import { assign, compile, nativeTarget, type Tensor, tensor, variable } from '#lib/tensor/index.js';
import { describeMachine } from '#lib/tensor/machine.js';

const linear = (name: string) => {
  const w = variable(new Float32Array(12), { name: 'fc.weight', shape: [3, 4] });
  return compile(
    (x: Tensor) => {
      const y = relu(matmul(x, w));
      assign(w, w.sub(sum(y)));
      return y;
    },
    { name },
  );
};

describe('a program', () => {
  it('prints its nodes with shapes, what they update and cost, and the plan of its memory', async () => {
    const program = await linear('layer').program(zeros([5, 3]));
    const lines = String(program).split('\n');
    expect(lines[0]).toMatch(/^program layer: \d+ nodes, 0\.000 GFLOP, 0\.0 MB moved$/);
    expect(lines.find((line) => line.includes('matmul'))).toMatch(
      /^ +\d+ {2}matmul\(\[5, 3\] \[3, 4\]\) → float32 \[5, 4\].* \d+\.\d{3} MFLOP$/,
    );
    expect(lines.find((line) => line.includes('output'))).toMatch(/→ float32 \[5, 4\] output 0/);
    expect(lines.filter((line) => line.startsWith('!'))).toEqual([
      expect.stringMatching(/^! +\d+ {2}sub\(.*\) → float32 \[3, 4\] variable fc\.weight {2}\d/),
    ]);
    expect(lines[lines.length - 1]).toMatch(
      /^memory: \d+\.\d\d MB for \d+ temporaries that would need \d+\.\d\d MB each on its own, 0\.00 MB constants, 0\.00 MB kept between runs; nodes marked = run when variables have changed, those marked ! update them, those of one \[group\] go block of rows by block of rows$/,
    );
  });

  it('counts operations and bytes', async () => {
    const product = compile((a: Tensor, b: Tensor) => matmul(a, b));
    const program = await product.program(zeros([64, 32]), zeros([32, 16]));
    expect(program.flops).toBe(2 * 64 * 32 * 16);
    expect(program.bytes).toBeGreaterThanOrEqual(4 * (64 * 32 + 32 * 16 + 64 * 16));
    expect(program.arenaBytes).toBe(0);
    // AdamW: two averages (3 and 4), the root and its correction (3), the step and the decay (4).
    const weight = variable(new Float32Array(6), { name: 'weight', shape: [2, 3] });
    const optimiser = adamW([weight]);
    const update = compile((dy: Tensor) => {
      optimiser.update(new Map([[weight, dy]]), { learningRate: 0.1 });
    });
    const { flops } = await update.program(zeros([2, 3]));
    expect(flops).toBeGreaterThanOrEqual(6 * 14);
    expect(flops).toBeLessThan(6 * 14 + 60); // the corrections of the step are few numbers
    const chain = compile((a: Tensor) => {
      let y = a;
      for (let i = 0; i < 10; i++) y = matmul(y, a);
      return y;
    });
    const { arenaBytes } = await chain.program(zeros([64, 64]));
    const one = 64 * 64 * 4;
    expect(arenaBytes).toBeGreaterThanOrEqual(2 * one);
    expect(arenaBytes).toBeLessThan(4 * one); // ten temporaries share the room of few
  });

  it('says how long each kernel took, on what', async () => {
    const { name } = await linear('layer').program(zeros([5, 3]));
    const profile = await linear('layer').profile(zeros([5, 3]));
    expect(profile.target).toBe(nativeTarget());
    expect(profile.threads).toBe(describeMachine().threads);
    const product = profile.kernels.find(({ op }) => op.includes('matmul'));
    expect(product?.shape).toBe('[5, 3] [3, 4]');
    for (const { microseconds, gigaflopsPerSecond } of profile.kernels) {
      expect(microseconds).toBeGreaterThanOrEqual(0);
      expect(gigaflopsPerSecond).toBeGreaterThanOrEqual(0);
    }
    expect(profile.milliseconds).toBeGreaterThan(0);
    const [head, ...rows] = String(profile).split('\n');
    expect(head).toMatch(
      new RegExp(`^${name} on ${profile.target}, \\d+ threads: \\d+\\.\\d{3} ms, \\d+\\.\\d GFLOP/s$`),
    );
    expect(rows).toHaveLength(profile.kernels.length);
    for (const row of rows) expect(row).toMatch(/^ +\d+\.\d µs +\d+\.\d GFLOP\/s {2}\S/);
    const times = rows.map((row) => Number.parseFloat(row));
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });
});

describe('an error in a graph names the line of the caller', () => {
  const here = /\n {4}at .*program\.test\.ts:\d+:\d+/;

  it('in an op', () => {
    expect(() => tensor([1, 2]).add(tensor([1, 2, 3]))).toThrow(here);
  });

  it('in a layer deep inside a model, inside compile', async () => {
    const model = new VisionTransformer({ imageSize: 8, patchSize: 4, width: 16, depth: 2, heads: 2, seed: 0 });
    const step = compile((x: Tensor) => model.forward(x));
    await step(zeros([1, 3, 8, 8]));
    const block = model.blocks[1];
    Object.assign(block.norm2, { weight: variable(new Float32Array(5)) });
    await expect(step(zeros([2, 3, 8, 8]))).rejects.toThrow(here);
    const wrong = compile((x: Tensor) => new Linear(3, 4).forward(x));
    await expect(wrong(zeros([2, 5]))).rejects.toThrow(here);
  });

  it('below many of the caller’s own frames', () => {
    const deep = (depth: number): Tensor => (depth === 0 ? tensor([1, 2]).add(zeros([3])) : deep(depth - 1));
    expect(() => deep(100)).toThrow(here);
  });
});
