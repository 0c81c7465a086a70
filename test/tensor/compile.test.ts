import { afterEach, describe, expect, it, vi } from 'vitest';
import { Linear } from '#lib/nn/linear.js';
import { Module } from '#lib/nn/module.js';
import { concat, sum } from '#lib/ops/index.js';
import { type Compiled, compile, type Tensor, tensor, variable } from '#lib/tensor/index.js';

const code = (name: string) => expect.objectContaining({ code: name });

afterEach(() => vi.unstubAllEnvs());

describe('a compiled function', () => {
  it('takes and gives trees of tensors and other values', async () => {
    const fn = compile(({ pair: [a, b], scale, mode }: { pair: [Tensor, Tensor]; scale: number; mode: string }) => ({
      sum: a.add(b).mul(scale),
      rows: [a, [b]] as const,
      mode,
      none: null,
    }));
    const result = await fn({ pair: [tensor([1]), tensor([2])], scale: 10, mode: 'x' });
    expect(await result.sum.toArray()).toEqual([30]);
    expect([await result.rows[0].item(), await result.rows[1][0].item()]).toEqual([1, 2]);
    expect([result.mode, result.none]).toEqual(['x', null]);
  });

  it('may return the same tensor twice, its input, a constant, a variable or nothing', async () => {
    const w = variable(Float32Array.of(7));
    const fn = compile((x: Tensor) => {
      const y = x.add(1);
      return [y, y, x, tensor([5]), w, y.reshape([1, 1])];
    });
    const results = await fn(tensor([1]));
    expect(await Promise.all(results.map((result) => result.item()))).toEqual([2, 2, 1, 5, 7, 2]);
    expect(await compile(() => undefined)()).toBeUndefined();
  });

  it('gives results of their own at every call', async () => {
    const fn = compile((x: Tensor) => x.mul(2));
    const first = await fn(tensor([1]));
    const second = await fn(tensor([5]));
    expect([await first.item(), await second.item()]).toEqual([2, 10]);
  });

  it('takes inputs that are still to be computed, and variables', async () => {
    const fn = compile((a: Tensor, b: Tensor, c: Tensor) => concat([a, b, c]));
    const given = Float32Array.of(1);
    const w = variable(Float32Array.of(3));
    const pending = fn(tensor(given), tensor([1]).add(1), w);
    given[0] = 99; // the caller may use its arrays again as soon as the call has returned
    expect(await (await pending).toArray()).toEqual([1, 2, 3]);
  });

  it('takes typed arrays as tensors', async () => {
    const fn = compile((batch: { pixels: Tensor }) => batch.pixels.to('float32').add(0.5)) as unknown as Compiled<
      [{ pixels: Uint8Array }],
      Tensor
    >;
    expect(await (await fn({ pixels: Uint8Array.of(1, 255) })).toArray()).toEqual([1.5, 255.5]);
  });

  it('can be ended, and compiles again when it is called again', async () => {
    const fn = compile((x: Tensor) => x.add(1));
    await fn(tensor([1]));
    const program = await fn.program(tensor([1]));
    fn.dispose();
    program.dispose(); // once more does no harm
    expect(fn.signatures).toBe(0);
    expect(await (await fn(tensor([1]))).item()).toBe(2);
  });

  it.each([
    [
      'a promise',
      () => compile(async (x: Tensor) => x.add(1))(tensor([1])),
      'ERR_JEPA_INVALID_ARGUMENT',
      'got one that returns a promise: await inputs before the call',
    ],
    [
      'a promise that fails, which nobody else hears of',
      () =>
        compile(async () => {
          await null;
          throw new Error('later');
        })(),
      'ERR_JEPA_INVALID_ARGUMENT',
      'got one that returns a promise',
    ],
    [
      'a signal that is none',
      () => compile((x: Tensor) => x).call({ signal: 'stop' } as never, tensor([1])),
      'ERR_JEPA_INVALID_ARGUMENT',
      'expected an AbortSignal, got string',
    ],
    [
      'a function in the arguments',
      () => compile((_: unknown) => 1)(() => 1),
      'ERR_JEPA_INVALID_ARGUMENT',
      'got function',
    ],
    ['an object of a class', () => compile((_: unknown) => 1)(new Map()), 'ERR_JEPA_INVALID_ARGUMENT', 'got Map'],
    ['a bigint', () => compile((_: unknown) => 1)(1n), 'ERR_JEPA_INVALID_ARGUMENT', 'got bigint'],
    [
      'a misspelled call option',
      () => compile((x: Tensor) => x).call({ signl: 1 } as never, tensor([1])),
      'ERR_JEPA_UNKNOWN_OPTION',
      "got 'signl'",
    ],
    [
      'a disposed input',
      () => {
        const x = tensor([1]);
        x.dispose();
        return compile((y: Tensor) => y)(x);
      },
      'ERR_JEPA_DISPOSED',
      'got a disposed one',
    ],
  ])('rejects for %s', async (_, call, expectedCode, sentence) => {
    await expect(call()).rejects.toThrow(code(expectedCode));
    await expect(call()).rejects.toThrow(sentence);
  });

  it.each([
    ['a misspelled option', { nme: 'step' }, 'ERR_JEPA_UNKNOWN_OPTION', "did you mean 'name'?"],
    ['a misspelled pass', { passes: { fues: false } }, 'ERR_JEPA_UNKNOWN_OPTION', "did you mean 'fuse'?"],
    [
      'a device that is not here',
      { device: 'cuda' },
      'ERR_JEPA_DEVICE_UNAVAILABLE',
      "expected device 'cpu' or 'auto', got 'cuda'",
    ],
    ['a device that does not exist', { device: 'gpu' }, 'ERR_JEPA_INVALID_ARGUMENT', "got 'gpu'"],
    ['options that are none', 'cpu', 'ERR_JEPA_INVALID_ARGUMENT', 'expected options to be an object, got string'],
  ])('refuses %s when it is made', (_, options, expectedCode, sentence) => {
    const make = () => compile((x: Tensor) => x, options as never);
    expect(make).toThrow(code(expectedCode));
    expect(make).toThrow(sentence);
  });

  it('must be a function', () => {
    expect(() => compile(undefined as never)).toThrow('[compile] expected a function of tensors, got undefined');
  });
});

describe('signatures', () => {
  it('are shapes, dtypes, structure and values that are no tensors', async () => {
    let traces = 0;
    const fn = compile((x: Tensor, options: { scale?: number; name?: string } = {}) => {
      traces++;
      return x.mul(options.scale ?? 1);
    });
    const calls: [Tensor, { scale?: number; name?: string }?][] = [
      [tensor([1, 2])],
      [tensor([3, 4])], // other values, same signature
      [tensor([[1, 2]])],
      [tensor([1, 2], { dtype: 'int32' })],
      [tensor([1, 2]), { scale: 2 }],
      [tensor([1, 2]), { scale: 3 }],
      [tensor([1, 2]), { name: '2' }],
      [tensor([1, 2]), { scale: 2 }],
    ];
    for (const call of calls) await fn(...call);
    expect([traces, fn.signatures]).toEqual([6, 6]);
    expect(await (await fn(tensor([1, 2]), { scale: 3 })).toArray()).toEqual([3, 6]);
    const zero = compile((x: Tensor, scale: number) => x.div(scale));
    expect(await (await zero(tensor([1]), 0)).item()).toBe(Number.POSITIVE_INFINITY);
    expect(await (await zero(tensor([1]), -0)).item()).toBe(Number.NEGATIVE_INFINITY);
  });

  it('include what the function read of the mode of its modules', async () => {
    class Scale extends Module {
      readonly linear = new Linear(1, 1, { bias: false });
      forward(x: Tensor): Tensor {
        return this.training ? x.mul(2) : x;
      }
    }
    const model = new Scale();
    const fn = compile((x: Tensor) => model.forward(x));
    const at = async (): Promise<number> => (await fn(tensor([1]))).item();
    expect(await at()).toBe(2);
    model.eval();
    expect(await at()).toBe(1);
    model.train();
    expect(await at()).toBe(2);
    expect(fn.signatures).toBe(2);
  });

  it('are kept up to 32, the least recently used goes, and the ninth warns once', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    let traces = 0;
    const fn = compile(function step(x: Tensor, n: number) {
      traces++;
      return x.add(n);
    });
    const x = tensor([0]);
    for (let n = 1; n <= 8; n++) await fn(x, n);
    expect(warned).not.toHaveBeenCalled();
    for (let n = 9; n <= 32; n++) await fn(x, n);
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]).toEqual([
      "'step' has been compiled for 9 signatures: pass numbers that change as tensors, and keep shapes constant",
      { code: 'JEPA_SIGNATURES' },
    ]);
    warned.mockRestore();
    await fn(x, 1); // used again: 2 is now the oldest
    await fn(x, 33);
    expect([traces, fn.signatures]).toEqual([33, 32]);
    expect(await (await fn(x, 1)).item()).toBe(1);
    expect(traces).toBe(33);
    expect(await (await fn(x, 2)).item()).toBe(2);
    expect(traces).toBe(34);
  });

  it('that go do not take a program from a call that still waits for its inputs', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fn = compile((x: Tensor, n: number) => x.add(n));
    const early = fn(tensor([1]).mul(2), 0);
    const others = Array.from({ length: 40 }, (_, n) => fn(tensor([0]), n + 1));
    expect(await (await early).item()).toBe(2);
    expect(await (await others[39]).item()).toBe(40);
    warned.mockRestore();
  });
});

describe('JEPA_CHECK_TRACE=1', () => {
  const sentence = '[step] expected a function that traces to the same program for the same arguments, got another one';
  const impure = expect.objectContaining({
    code: 'ERR_JEPA_IMPURE_TRACE',
    message: expect.stringContaining(sentence),
  });

  it('accepts what traces the same twice', async () => {
    vi.stubEnv('JEPA_CHECK_TRACE', '1');
    const w = variable(Float32Array.of(1));
    const fn = compile((x: Tensor) => ({ y: sum(x.mul(w)), n: 3 }));
    for (let i = 0; i < 3; i++) expect(await (await fn(tensor([2]))).y.item()).toBe(2);
  });

  it('finds a number from outside, another variable, another result, another structure', async () => {
    vi.stubEnv('JEPA_CHECK_TRACE', '1');
    let calls = 0;
    const [a, b] = [variable(Float32Array.of(1)), variable(Float32Array.of(2))];
    const functions: ((x: Tensor) => unknown)[] = [
      (x) => x.mul(++calls),
      (x) => x.mul(calls++ % 2 ? a : b),
      (x) => ({ x, step: calls++ }),
      (x) => (calls++ % 2 ? x.add(1) : x.add(1).neg()),
    ];
    for (const fn of functions) {
      const compiled = compile(fn, { name: 'step' });
      await compiled(tensor([1]));
      await expect(compiled(tensor([1]))).rejects.toThrow(impure);
    }
  });

  it('is off for other values', async () => {
    vi.stubEnv('JEPA_CHECK_TRACE', '0');
    let calls = 0;
    const fn = compile((x: Tensor) => x.mul(++calls));
    expect(await (await fn(tensor([1]))).item()).toBe(1);
    expect(await (await fn(tensor([1]))).item()).toBe(1); // frozen when it was first traced
  });
});
