import { describe, expect, it } from 'vitest';
import { add, full, gatherRows, mul, sum, transpose } from '#lib/ops/index.js';
import { assign, compile, guardFinite, type Tensor, tensor, type Variable, variable } from '#lib/tensor/index.js';

const code = (name: string) => expect.objectContaining({ code: name });
const numbers = (...values: number[]): Variable => variable(Float32Array.from(values));
const values = (...variables: Variable[]): Promise<number[][]> =>
  Promise.all(variables.map(async (variable) => [...(await variable.read())]));

describe('assign', () => {
  it('sets a variable and returns the new value, while the variable reads as of the start', async () => {
    const w = numbers(1, 2);
    const step = compile(() => {
      const next = assign(w, w.add(10));
      return { next, before: w.mul(1), w, sum: next.add(w) };
    });
    const { next, before, w: start, sum: both } = await step();
    expect(await next.toArray()).toEqual([11, 12]);
    expect(await before.toArray()).toEqual([1, 2]);
    expect(await start.toArray()).toEqual([1, 2]);
    expect(await both.toArray()).toEqual([12, 14]);
    expect([await values(w), w.version]).toEqual([[[11, 12]], 1]);
  });

  it('twice in one program: the last holds', async () => {
    const w = numbers(1);
    const step = compile(() => {
      const once = assign(w, w.add(1));
      return assign(w, once.mul(10));
    });
    expect(await (await step()).item()).toBe(20);
    expect([await values(w), w.version]).toEqual([[[20]], 1]);
  });

  it('swaps variables, and shifts them along a line', async () => {
    const [a, b, c] = [numbers(1), numbers(2), numbers(3)];
    await compile(() => {
      assign(a, b);
      assign(b, a);
    })();
    expect(await values(a, b)).toEqual([[2], [1]]);
    await compile(() => {
      assign(a, b);
      assign(b, c);
      assign(c, add(a, b));
    })();
    expect(await values(a, b, c)).toEqual([[1], [3], [3]]);
    await compile(() => {
      assign(a, b.add(1));
      assign(b, a);
    })();
    expect(await values(a, b)).toEqual([[4], [1]]);
  });

  it('copies the old value of a variable that the same program updates', async () => {
    const [online, target] = [numbers(1, 2), numbers(0, 0)];
    const step = compile(() => {
      assign(online, online.sub(0.5));
      assign(target, online);
    });
    await step();
    expect(await values(online, target)).toEqual([
      [0.5, 1.5],
      [1, 2],
    ]);
  });

  it('takes views of variables, of the same one too', async () => {
    const w = variable(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] });
    const row = numbers(0, 0);
    await compile(() => {
      assign(w, transpose(w));
      assign(row, w.slice(0, 1, 2).reshape([2]));
    })();
    expect(await values(w, row)).toEqual([
      [1, 3, 2, 4],
      [3, 4],
    ]);
  });

  it('takes constants, inputs and broadcasts', async () => {
    const [a, b, c] = [numbers(1, 1), numbers(1, 1), numbers(1, 1)];
    await compile((x: Tensor) => {
      assign(a, full([2], 7));
      assign(b, x);
      assign(c, tensor([3]).broadcastTo([2]));
    })(tensor([5, 6]));
    expect(await values(a, b, c)).toEqual([
      [7, 7],
      [5, 6],
      [3, 3],
    ]);
  });

  it('keeps every dtype', async () => {
    const bits = variable(Uint16Array.of(0x3f80, 0x4000), { dtype: 'bfloat16' });
    const flags = variable(Uint8Array.of(1, 0), { dtype: 'bool' });
    const count = variable(Int32Array.of(2 ** 31 - 1), { dtype: 'int32' });
    await compile(() => {
      assign(bits, bits.mul(tensor([0.5], { dtype: 'bfloat16' })));
      assign(flags, flags.to('float32').sub(1).to('bool'));
      assign(count, count.sub(1));
    })();
    expect(await bits.toArray()).toEqual([0.5, 1]);
    expect(await flags.toArray()).toEqual([false, true]);
    expect(await count.toArray()).toEqual([2 ** 31 - 2]);
  });

  it('is ordered after everything that reads the old values, whatever else is updated', async () => {
    const [a, b, m] = [numbers(1, 2), numbers(10, 20), numbers(0, 0)];
    const step = compile((rate: Tensor) => {
      const newM = assign(m, m.mul(0.5).add(a));
      const newA = assign(a, a.sub(newM.mul(rate)));
      assign(b, b.mul(0.5).add(newA.mul(0.5)));
      return sum(mul(a, b));
    });
    let [p, q, v] = [
      [1, 2],
      [10, 20],
      [0, 0],
    ];
    for (let i = 0; i < 3; i++) {
      const loss = await step(tensor([0.25]));
      expect(await loss.item()).toBe(p[0] * q[0] + p[1] * q[1]);
      v = v.map((value, k) => value * 0.5 + p[k]);
      p = p.map((value, k) => value - v[k] * 0.25);
      q = q.map((value, k) => value * 0.5 + p[k] * 0.5);
    }
    expect(await values(a, b, m)).toEqual([p, q, v]);
  });

  it.each([
    ['another shape', () => compile(() => assign(numbers(1), tensor([1, 2])))(), 'ERR_JEPA_SHAPE', 'float32 [1]'],
    [
      'a view of its own size',
      () =>
        compile(() => {
          const w = numbers(1, 2);
          return assign(w, w.slice(0, 0, 1));
        })(),
      'ERR_JEPA_SHAPE',
      'got float32 [1]',
    ],
    [
      'another dtype',
      () => compile(() => assign(numbers(1), tensor([1], { dtype: 'int32' })))(),
      'ERR_JEPA_DTYPE',
      'got int32 [1]',
    ],
    [
      'what is no variable',
      () => compile((x: Tensor) => assign(x as Variable, x))(tensor([1])),
      'ERR_JEPA_INVALID_ARGUMENT',
      'expected a Variable to assign to',
    ],
    [
      'a part of a variable',
      () => compile(() => assign(numbers(1, 2).slice(0, 0, 1) as Variable, tensor([1])))(),
      'ERR_JEPA_INVALID_ARGUMENT',
      'expected a Variable',
    ],
    [
      'a place outside compile',
      async () => assign(variable(Float32Array.of(1), { name: 'w' }), tensor([1])),
      'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE',
      "for 'w'\n  → outside, await variable.write(data)",
    ],
  ])('refuses %s', async (_, call, expectedCode, sentence) => {
    await expect(call()).rejects.toThrow(code(expectedCode));
    await expect(call()).rejects.toThrow(sentence);
  });

  it('refuses to run with a variable that is gone', async () => {
    const w = variable(Float32Array.of(1), { name: 'w' });
    const step = compile(() => assign(w, w.add(1)), { name: 'step' });
    await step();
    w.dispose();
    await expect(step()).rejects.toThrow(code('ERR_JEPA_DISPOSED'));
    await expect(step()).rejects.toThrow("[step] expected its variables in use, got a disposed one: 'w' [1]");
  });
});

describe('a step happens wholly or not at all', () => {
  const setUp = (): { variables: Variable[]; update: (value: Tensor) => void } => {
    const variables = [numbers(1, 2), numbers(3, 4)];
    return { variables, update: (value) => variables.forEach((w, i) => void assign(w, w.add(value).mul(i + 1))) };
  };
  const untouched = async (variables: Variable[]): Promise<void> => {
    expect(await values(...variables)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(variables.map(({ version }) => version)).toEqual([0, 0]);
  };

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('a guarded %d', async (bad) => {
    const { variables, update } = setUp();
    const step = compile(
      (x: Tensor) => {
        update(x);
        guardFinite(sum(x), 'learning rate');
        guardFinite(sum(x).to('bfloat16'), 'rate in brief');
      },
      { name: 'step' },
    );
    const failure = step(tensor([bad]));
    await expect(failure).rejects.toMatchObject({ code: 'ERR_JEPA_NON_FINITE', details: { guard: 'learning rate' } });
    await expect(failure).rejects.toThrow(
      '[step] expected a finite learning rate, got NaN or infinity: nothing was assigned',
    );
    await untouched(variables);
    await step(tensor([1]));
    expect(await values(...variables)).toEqual([
      [2, 3],
      [8, 10],
    ]);
    expect(variables.map(({ version }) => version)).toEqual([1, 1]);
  });

  it('guards numbers of any float type, constants and inputs', async () => {
    const step = compile((x: Tensor) => {
      guardFinite(x.slice(0, 0, 1).to('float16'), 'first');
      guardFinite(x.slice(0, 1, 2), 'second');
      guardFinite(tensor([1]), 'constant');
    });
    await step(tensor([1, 2]));
    await expect(step(tensor([1e6, 2]))).rejects.toThrow('expected a finite first'); // infinite as float16
    await expect(step(tensor([1, Number.NaN]))).rejects.toThrow('expected a finite second');
    await expect(compile((x: Tensor) => guardFinite(x, 'pair'))(tensor([1, 2]))).rejects.toThrow(
      "[guardFinite] expected a float scalar for 'pair'",
    );
  });

  it('an index outside its table, which names the line', async () => {
    const { variables, update } = setUp();
    const step = compile((index: Tensor) => {
      update(gatherRows(tensor([[1], [2]]), index).reshape([1]));
    });
    const failure = step(tensor([2], { dtype: 'int32' }));
    await expect(failure).rejects.toThrow(code('ERR_JEPA_INDEX_RANGE'));
    await expect(failure).rejects.toThrow(
      /^\[gather_rows\] expected indices within the table, got one outside: nothing was assigned\n {4}at .*assign\.test\.ts:\d+:\d+$/,
    );
    await expect(step(tensor([-1], { dtype: 'int32' }))).rejects.toThrow(code('ERR_JEPA_INDEX_RANGE'));
    await untouched(variables);
    await step(tensor([1], { dtype: 'int32' }));
    expect(await values(variables[0])).toEqual([[3, 4]]);
  });

  it('a signal', async () => {
    const { variables, update } = setUp();
    const step = compile((x: Tensor) => update(x));
    const reason = new Error('enough');
    const failure = step.call({ signal: AbortSignal.abort(reason) }, tensor([1]));
    await expect(failure).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED', name: 'AbortError', cause: reason });
    await expect(failure).rejects.toThrow('[compile] the signal stopped the step: nothing was assigned');
    await untouched(variables);
  });

  it('counts the versions of a profile’s updates too', async () => {
    const { variables, update } = setUp();
    await compile((x: Tensor) => update(x)).profile(tensor([0]));
    expect(variables.map(({ version }) => version > 0)).toEqual([true, true]);
  });
});
