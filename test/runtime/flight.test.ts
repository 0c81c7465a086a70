import { describe, expect, it } from 'vitest';
import { matmul, sum } from '#lib/ops/index.js';
import { assign, type Compiled, compile, guardFinite, type Tensor, tensor, variable } from '#lib/tensor/index.js';

/** n products of 256 × 256 matrices in a row: some tens of milliseconds for n = 100, with a place to stop after each. */
function work(n: number, after: (y: Tensor) => void = () => {}): Compiled<[Tensor], Tensor> {
  return compile((x: Tensor) => {
    let y = x;
    for (let i = 0; i < n; i++) y = matmul(y, x);
    after(y);
    return sum(y);
  });
}
const stochastic = tensor(new Float32Array(65536).fill(1 / 256), { shape: [256, 256] }); // its powers are itself

describe('while a step runs', () => {
  it('the event loop goes on', async () => {
    const step = work(200);
    await step.program(stochastic);
    let [turns, timers] = [0, 0];
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setImmediate(turn);
    };
    const timer = setInterval(() => timers++, 1);
    setImmediate(turn);
    expect(await (await step(stochastic)).item()).toBeCloseTo(256, 1);
    running = false;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    expect(timers).toBeGreaterThan(0);
  });

  it('others may be started: they finish in the order they were given', async () => {
    const w = variable(Float32Array.of(1));
    const order: number[] = [];
    const double = compile((n: Tensor) => ({ value: assign(w, w.mul(2).add(n)) }));
    const slow = work(20);
    const expected: number[] = [];
    const runs: Promise<number>[] = [];
    let value = 1;
    for (let i = 0; i < 10; i++) {
      const long = slow(stochastic).then(() => order.push(2 * i));
      runs.push(
        double(tensor([i])).then((result) => {
          order.push(2 * i + 1);
          return result.value.item();
        }),
      );
      value = value * 2 + i;
      expected.push(value);
      runs.push(long);
    }
    const results = await Promise.all(runs);
    expect(results.filter((_, i) => i % 2 === 0)).toEqual(expected);
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('its inputs may be overwritten', async () => {
    const step = compile((x: Tensor) => x.mul(2));
    const slow = work(20)(stochastic); // holds the queue
    const batch = new Float32Array(1000);
    const results: Promise<Tensor>[] = [];
    for (let i = 0; i < 5; i++) {
      batch.fill(i);
      results.push(step(tensor(batch)));
    }
    batch.fill(-1);
    for (const [i, result] of (await Promise.all(results)).entries())
      expect(await result.data()).toEqual(new Float32Array(1000).fill(2 * i));
    await slow;
  });

  it('variables are written and read in between', async () => {
    const w = variable(Float32Array.of(1));
    const add = compile(() => void assign(w, w.add(1)));
    const pending = [add(), w.read(), w.write(Float32Array.of(10)), add(), w.read(), add(), w.read()] as const;
    const results = await Promise.all(pending);
    expect([results[1], results[4], results[6]].map((read) => [...(read as Float32Array)])).toEqual([[2], [11], [12]]);
  });

  it('its program may be disposed of', async () => {
    const step = work(50);
    const running = step(stochastic);
    step.dispose();
    expect(await (await running).item()).toBeCloseTo(256, 1);
  });

  it('a variable of it may be disposed of: this run still has it, the next one refuses', async () => {
    const w = variable(new Float32Array(65536).fill(1 / 256), { shape: [256, 256], name: 'w' });
    const step = compile((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 50; i++) y = matmul(y, w);
      return sum(y);
    });
    const [first, second] = [step(stochastic), step(stochastic)];
    w.dispose();
    expect(await (await first).item()).toBeCloseTo(256, 1);
    expect(await (await second).item()).toBeCloseTo(256, 1);
    await expect(step(stochastic)).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
  });
});

describe('a signal', () => {
  it('stops a step between two kernels, before it assigns', async () => {
    const w = variable(Float32Array.of(1));
    const step = work(2000, (y) => void assign(w, sum(y).reshape([1])));
    const controller = new AbortController();
    await step.program(stochastic);
    const running = step.call({ signal: controller.signal }, stochastic);
    const reason = new Error('enough');
    setImmediate(() => controller.abort(reason));
    await expect(running).rejects.toMatchObject({
      code: 'ERR_JEPA_ABORTED',
      name: 'AbortError',
      message: '[compile] the signal stopped the step: nothing was assigned',
      cause: reason,
    });
    expect([[...(await w.read())], w.version]).toEqual([[1], 0]);
  });

  it('stops steps that wait in the queue, and only those that have it', async () => {
    const w = variable(Float32Array.of(0));
    const add = compile(() => void assign(w, w.add(1)));
    const controller = new AbortController();
    const slow = work(100)(stochastic);
    const stopped = [1, 2].map(() => add.call({ signal: controller.signal }));
    const kept = [add(), add.call({ signal: new AbortController().signal })];
    controller.abort();
    for (const result of await Promise.allSettled(stopped))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_JEPA_ABORTED', name: 'AbortError' } });
    await Promise.all([slow, ...kept]);
    expect([[...(await w.read())], w.version]).toEqual([[2], 2]);
  });

  it('that has been given before does not start anything', async () => {
    const signal = AbortSignal.abort('enough');
    await expect(work(1).call({ signal }, stochastic)).rejects.toMatchObject({
      code: 'ERR_JEPA_ABORTED',
      cause: 'enough',
    });
  });

  it('that comes too late changes nothing, and keeps no listener', async () => {
    const controller = new AbortController();
    const step = compile((x: Tensor) => x.add(1));
    for (let i = 0; i < 20; i++) await step.call({ signal: controller.signal }, tensor([i])); // would warn of a leak
    controller.abort();
    expect(await (await step(tensor([1]))).item()).toBe(2);
  });
});

describe('errors of steps in flight', () => {
  it('come to those that caused them', async () => {
    const step = compile((x: Tensor) => {
      guardFinite(sum(x), 'sum');
      return x.add(1);
    });
    const results = await Promise.allSettled([1, Number.NaN, 3].map(async (n) => (await step(tensor([n]))).item()));
    expect(results).toMatchObject([
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: { code: 'ERR_JEPA_NON_FINITE' } },
      { status: 'fulfilled', value: 4 },
    ]);
  });
});
