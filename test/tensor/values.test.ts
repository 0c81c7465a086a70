import { describe, expect, it } from 'vitest';
import { manualSeed, matmul, mul, normal, permutation, sum, uniform } from '#lib/ops/index.js';
import { compile, type Tensor, tensor, variable } from '#lib/tensor/index.js';
import { memory } from '#lib/tensor/machine.js';

describe('evaluating', () => {
  it('materialises a tensor and drops what it was made from', async () => {
    const x = tensor([1, 2]);
    const y = x.add(1).mul(3);
    expect(y.node?.op.name).toBe('mul');
    const values = await y.data();
    expect(y.node).toBeUndefined();
    expect(await y.data()).toBe(values);
    x.dispose();
    expect(await y.sub(1).toArray()).toEqual([5, 8]); // no longer depends on x
  });

  it('shares one computation among those who ask at once', async () => {
    const y = normal([100]).add(1);
    const [a, b] = await Promise.all([y.data(), y.data()]);
    expect(a).toBe(b);
  });

  it('computes tensors that share inputs to the same numbers as each on its own', async () => {
    const x = normal([64]);
    const [twice, square] = [x.mul(2), x.square()];
    const separate = await square.data();
    const doubled = await twice.data();
    const drawn = await x.data();
    expect(doubled).toEqual(drawn.map((value) => 2 * value));
    expect(separate).toEqual(Float32Array.from(drawn, (value) => value * value));
  });

  it('never draws random numbers twice, and never the same for two draws', async () => {
    manualSeed(1);
    const x = uniform([1000]);
    const y = uniform([1000]);
    const before = await sum(mul(x, y)).item();
    const [a, b] = [await x.data(), await y.data()];
    expect(a.filter((value, i) => value === b[i]).length).toBeLessThan(5);
    const expected = [...a].reduce((total, value, i) => total + value * b[i], 0);
    expect(before).toBeCloseTo(expected, 2);
    manualSeed(1);
    expect(await uniform([1000]).data()).toEqual(a); // from the seed, in the order of the draws
    const order = (await permutation(100).toArray()) as number[];
    expect([...order].sort((p, q) => p - q)).toEqual(order.map((_, i) => i));
  });

  it('sees a variable as it is at that time', async () => {
    const w = variable(Float32Array.of(1, 2));
    const y = w.mul(10);
    await w.write(Float32Array.of(3, 4));
    expect(await y.toArray()).toEqual([30, 40]);
    await w.write(Float32Array.of(5, 6));
    expect(await y.toArray()).toEqual([30, 40]);
    expect(await w.mul(10).toArray()).toEqual([50, 60]);
    expect(w.version).toBe(2);
  });

  it('of a step’s own input is refused, and says what to do', async () => {
    let leaked: Tensor | undefined;
    const step = compile((x: Tensor) => {
      leaked = x.add(1);
      return leaked;
    });
    await step(tensor([1]));
    await expect(leaked?.data()).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', help: [expect.stringContaining('return it')] }),
    );
    await expect(leaked?.data()).rejects.toThrow('[data] expected a tensor that can be computed');
  });
});

describe('long chains', () => {
  it('of ten thousand additions do not overflow the stack', async () => {
    let x = tensor([0, 0.5]);
    for (let i = 0; i < 10_000; i++) x = x.add(1);
    expect(await x.toArray()).toEqual([10_000, 10_000.5]);
  });

  it('of products and reductions neither', async () => {
    let x = tensor([
      [1, 1],
      [0, 1],
    ]);
    const shear = x;
    for (let i = 0; i < 1000; i++) x = matmul(x, shear);
    expect(await x.toArray()).toEqual([
      [1, 1001],
      [0, 1],
    ]);
  });

  it('evaluated at every turn hold on to nothing', async () => {
    let x = tensor([0]);
    for (let i = 0; i < 10; i++) {
      x = x.add(1);
      await x.data();
    }
    const { programs, arenaBytes } = memory();
    for (let i = 0; i < 1000; i++) {
      x = x.add(1);
      await x.data();
      expect(x.node).toBeUndefined();
    }
    expect(await x.item()).toBe(1010);
    expect(memory().programs).toBeLessThanOrEqual(programs); // fewer where garbage was collected
    expect(memory().arenaBytes).toBe(arenaBytes);
  });
});

describe('memory', () => {
  it('levels off however many different graphs are evaluated', async () => {
    const evaluate = async (length: number): Promise<number> => tensor(new Float32Array(length)).add(1).sum().item();
    for (let length = 1; length <= 300; length++) expect(await evaluate(length)).toBe(length);
    const { programs } = memory();
    for (let length = 301; length <= 600; length++) await evaluate(length);
    expect(memory().programs).toBeLessThanOrEqual(programs);
  });

  it('counts variables from their first use to their end', async () => {
    const before = memory();
    const w = variable(new Float32Array(1000));
    expect(memory()).toMatchObject({ variables: before.variables }); // still on the host
    await w.add(1).data();
    expect(memory()).toMatchObject({
      variables: before.variables + 1,
      variableBytes: before.variableBytes + 4000,
    });
    w.dispose();
    w.dispose();
    expect(memory()).toMatchObject({ variables: before.variables, variableBytes: before.variableBytes });
  });
});
