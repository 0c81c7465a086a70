import { describe, expect, it } from 'vitest';
import { mul, sum } from '#lib/ops/index.js';
import {
  adamW,
  clipGradNorm,
  adam as coupledAdam,
  lars,
  type Optimiser,
  type SGDOptions,
  sgd,
} from '#lib/optim/index.js';
import { compile, scalar, type Tensor, tensor, type Variable, valueAndGrad, variable } from '#lib/tensor/index.js';
import { close, normals } from '../nn/check-layer.js';

const steps = 12;
const shapes: Record<string, number[]> = { w: [5, 3], b: [3], s: [] };
const names = Object.keys(shapes);
const count = (name: string): number => shapes[name].reduce((a, b) => a * b, 1);
const gradientAt = (name: string, t: number): Float32Array => normals(`gradient ${name} ${t}`, count(name));

function parametersOf(): Record<string, Variable> {
  return Object.fromEntries(
    names.map((name) => [name, variable(normals(`parameter ${name}`, count(name)), { name, shape: shapes[name] })]),
  );
}

/** Runs an optimiser on given gradients and returns every parameter after each step. */
async function trajectory(
  parameters: Record<string, Variable>,
  optimiser: Optimiser,
  rate: (t: number) => number,
  decay?: (t: number) => number,
): Promise<Record<string, Float32Array[]>> {
  const step = compile((gradients: Record<string, Tensor>, learningRate: Tensor, weightDecay: Tensor | null) =>
    optimiser.update(
      new Map(Object.entries(gradients).map(([name, gradient]) => [parameters[name], gradient])),
      weightDecay ? { learningRate, weightDecay } : { learningRate },
    ),
  );
  const result: Record<string, Float32Array[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let t = 0; t < steps; t++) {
    const gradients = Object.fromEntries(
      names.map((name) => [name, tensor(gradientAt(name, t), { shape: shapes[name] })]),
    );
    await step(gradients, scalar(rate(t)), decay ? scalar(decay(t)) : null);
    for (const name of names) result[name].push((await parameters[name].read()) as Float32Array);
  }
  return result;
}

interface Settings {
  readonly rate: (t: number) => number;
  readonly decay: (name: string, t: number) => number;
  readonly clipNorm?: number;
  readonly scale?: (name: string) => number;
}

/** The update formula in float64: parameter, gradient, step from 1, rate, decay, and state that it keeps. */
type Formula = (
  p: number,
  g: number,
  t: number,
  rate: number,
  decay: number,
  state: { m: number; v: number },
) => number;

function reference(
  formula: Formula,
  { rate, decay, clipNorm, scale = () => 1 }: Settings,
): Record<string, Float64Array[]> {
  const values = Object.fromEntries(
    names.map((name) => [name, Float64Array.from(normals(`parameter ${name}`, count(name)))]),
  );
  const states = Object.fromEntries(
    names.map((name) => [name, Array.from({ length: count(name) }, () => ({ m: 0, v: 0 }))]),
  );
  const result: Record<string, Float64Array[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let t = 0; t < steps; t++) {
    const norm = Math.sqrt(
      names.reduce((total, name) => total + gradientAt(name, t).reduce((squares, g) => squares + g * g, 0), 0),
    );
    const factor = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
    for (const name of names) {
      const gradient = gradientAt(name, t);
      values[name] = values[name].map((p, i) =>
        formula(p, gradient[i] * factor, t + 1, rate(t) * scale(name), decay(name, t), states[name][i]),
      );
      result[name].push(values[name]);
    }
  }
  return result;
}

function adam(beta1: number, beta2: number, epsilon: number): Formula {
  return (p, g, t, rate, decay, state) => {
    state.m = beta1 * state.m + (1 - beta1) * g;
    state.v = beta2 * state.v + (1 - beta2) * g * g;
    return (
      p * (1 - rate * decay) - (rate * (state.m / (1 - beta1 ** t))) / (Math.sqrt(state.v / (1 - beta2 ** t)) + epsilon)
    );
  };
}

function descent({ momentum = 0, dampening = 0, nesterov = false }: SGDOptions): Formula {
  return (p, gradient, t, rate, decay, state) => {
    const g = gradient + decay * p;
    if (momentum === 0) return p - rate * g;
    state.m = t === 1 ? g : momentum * state.m + (1 - dampening) * g;
    return p - rate * (nesterov ? g + momentum * state.m : state.m);
  };
}

function compare(actual: Record<string, Float32Array[]>, expected: Record<string, Float64Array[]>): void {
  for (const name of names)
    for (let t = 0; t < steps; t++) close(`${name} after step ${t + 1}`, actual[name][t], expected[name][t], 2e-6);
}

describe('optimisers follow their formulas in float64', () => {
  const rising = (t: number): number => (0.02 * (t + 1)) / steps;

  it('AdamW', async () => {
    const parameters = parametersOf();
    compare(
      await trajectory(parameters, adamW(Object.values(parameters)), () => 1e-3),
      reference(adam(0.9, 0.999, 1e-8), { rate: () => 1e-3, decay: () => 0.01 }),
    );
  });

  it('Adam, whose decay enters the gradient', async () => {
    const parameters = parametersOf();
    const plain = adam(0.9, 0.999, 1e-8);
    compare(
      await trajectory(parameters, coupledAdam(Object.values(parameters), { weightDecay: 0.1 }), () => 1e-3),
      reference((p, g, t, rate, decay, state) => plain(p, g + decay * p, t, rate, 0, state), {
        rate: () => 1e-3,
        decay: () => 0.1,
      }),
    );
  });

  it.each(['normOfSum', 'sumOfNorms'] as const)(
    'LARS by %s, without the ratio where there is no decay',
    async (formula) => {
      const parameters = parametersOf();
      const groups = [
        { parameters: [parameters.w] },
        { parameters: [parameters.b, parameters.s], weightDecay: 0, learningRateScale: 0.1 },
      ];
      const settings = { momentum: 0.8, nesterov: true, weightDecay: 0.05, trust: 0.02, formula };
      const found = await trajectory(parameters, lars(groups, settings), () => 0.3);
      // Whole tensors at a time: the ratio is of their norms.
      const length = (x: readonly number[]): number => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
      for (const name of names) {
        const decay = name === 'w' ? 0.05 : 0;
        let p = [...normals(`parameter ${name}`, count(name))];
        let b = p.map(() => 0);
        for (let t = 0; t < steps; t++) {
          const g = [...gradientAt(name, t)];
          const sum = g.map((value, i) => value + decay * p[i]);
          const below = formula === 'normOfSum' ? length(sum) : length(g) + decay * length(p) + 1e-8;
          const ratio = name === 'w' ? (0.02 * length(p)) / below : 1;
          const d = sum.map((value) => value * ratio);
          b = b.map((value, i) => 0.8 * value + d[i]);
          p = p.map((value, i) => value - (name === 'w' ? 0.3 : 0.03) * (d[i] + 0.8 * b[i]));
          close(`${name} after step ${t + 1}`, found[name][t], Float64Array.from(p), 2e-6);
        }
      }
      expect(() => lars(groups, { formula: 'sum' as 'sumOfNorms' })).toThrow("among normOfSum, sumOfNorms, got 'sum'");
    },
  );

  it('LARS leaves a gradient as it is where a norm is 0', async () => {
    const p = variable(new Float32Array(2));
    const optimiser = lars([p], { momentum: 0, weightDecay: 0.1, adaptWithoutDecay: true });
    const step = compile((g: Tensor) => optimiser.update(new Map([[p, g]]), { learningRate: 1 }));
    await step(tensor([3, 4]));
    expect(await p.toArray()).toEqual([-3, -4]);
  });

  it('AdamW with groups, a rising rate, clipping, other betas', async () => {
    const parameters = parametersOf();
    const optimiser = adamW(
      [
        { parameters: [parameters.w], weightDecay: 0.1 },
        { parameters: [parameters.b, parameters.s], weightDecay: 0, learningRateScale: 0.25 },
      ],
      { betas: [0.8, 0.95], epsilon: 1e-3, clipNorm: 1 },
    );
    const scale = (name: string): number => (name === 'w' ? 1 : 0.25);
    compare(
      await trajectory(parameters, optimiser, rising),
      reference(adam(0.8, 0.95, 1e-3), { rate: rising, decay: (name) => (name === 'w' ? 0.1 : 0), clipNorm: 1, scale }),
    );
  });

  it('AdamW with scheduled weight decay, from which a group is excluded', async () => {
    const parameters = parametersOf();
    const optimiser = adamW([
      { parameters: [parameters.w, parameters.s] },
      { parameters: [parameters.b], weightDecay: 0 },
    ]);
    const decay = (t: number): number => 0.04 + 0.03 * t;
    compare(
      await trajectory(parameters, optimiser, rising, decay),
      reference(adam(0.9, 0.999, 1e-8), { rate: rising, decay: (name, t) => (name === 'b' ? 0 : decay(t)) }),
    );
  });

  it('AdamW with betas of 0', async () => {
    const parameters = parametersOf();
    compare(
      await trajectory(parameters, adamW(Object.values(parameters), { betas: [0, 0], epsilon: 0.1 }), rising),
      reference(adam(0, 0, 0.1), { rate: rising, decay: () => 0.01 }),
    );
  });

  it.each<SGDOptions>([
    {},
    { momentum: 0.9 },
    { momentum: 0.9, nesterov: true, weightDecay: 0.1 },
    { momentum: 0.5, dampening: 0.3, weightDecay: 0.01 },
  ])('SGD %o', async (options) => {
    const parameters = parametersOf();
    compare(
      await trajectory(parameters, sgd(Object.values(parameters), options), rising),
      reference(descent(options), { rate: rising, decay: () => options.weightDecay ?? 0 }),
    );
  });
});

describe('optimisers', () => {
  it('leave a parameter without gradient alone, its step count too', async () => {
    const [used, unused] = [
      variable(Float32Array.of(1, 2), { name: 'used' }),
      variable(Float32Array.of(3), { name: 'unused' }),
    ];
    const optimiser = adamW([used, unused], { weightDecay: 0.5 });
    const stepOf = (wrt: Variable) =>
      compile((learningRate: Tensor) =>
        optimiser.update(valueAndGrad(() => sum(mul(wrt, wrt)), [used, unused]).gradients, { learningRate }),
      );
    const { gradNorm } = await stepOf(used)(scalar(0.1));
    expect(await gradNorm.item()).toBeCloseTo(Math.sqrt(20), 5);
    expect(await unused.read()).toEqual(Float32Array.of(3));
    let state = await optimiser.stateDict();
    expect([...state.keys()]).toEqual(['step', '0.exp_avg', '0.exp_avg_sq', '1.exp_avg', '1.exp_avg_sq']);
    expect(state.get('step')?.data).toEqual(Int32Array.of(1, 0));
    await stepOf(unused)(scalar(0.1));
    state = await optimiser.stateDict();
    expect(state.get('step')?.data).toEqual(Int32Array.of(1, 1));
    close('first step of the other', await unused.read(), [3 * (1 - 0.05) - 0.1], 1e-6);
  });

  it('go on from a saved state as if never stopped', async () => {
    const [a, b] = [parametersOf(), parametersOf()];
    const [first, second] = [adamW(Object.values(a)), adamW(Object.values(b))];
    const expected = await trajectory(a, first, () => 0.01);
    await second.loadStateDict(await first.stateDict());
    for (const name of names) await b[name].write(expected[name].at(-1) as Float32Array);
    expect(await trajectory(b, second, () => 0.01)).toEqual(await trajectory(a, first, () => 0.01));
    await expect(second.loadStateDict(new Map())).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_MISMATCH' });
  });

  it('fail a step whole when the gradient is not finite', async () => {
    const parameters = parametersOf();
    const optimiser = adamW(Object.values(parameters));
    const before = await parameters.w.read();
    const step = compile((g: Tensor, learningRate: Tensor) =>
      optimiser.update(new Map([[parameters.w, g]]), { learningRate }),
    );
    await expect(
      step(tensor(new Float32Array(15).fill(Number.NaN), { shape: [5, 3] }), scalar(0.1)),
    ).rejects.toMatchObject({ code: 'ERR_JEPA_NON_FINITE' });
    expect(await parameters.w.read()).toEqual(before);
    expect((await optimiser.stateDict()).get('step')?.data).toEqual(Int32Array.of(0, 0, 0));
  });

  it('refuse nonsense', () => {
    const parameter = variable(Float32Array.of(1), { name: 'p' });
    expect(() => adamW([])).toThrow('[adamW] expected parameters, got none');
    expect(() => adamW([parameter, parameter])).toThrow("[adamW] expected every parameter once, got 'p' twice");
    expect(() => adamW([parameter], { weightdecay: 1 } as object)).toThrow("did you mean 'weightDecay'?");
    expect(() => adamW([parameter]).update(new Map(), { learningRate: 1 })).toThrow(
      '[adamW] expected a gradient for at least one of its 1 trainable parameters, got none',
    );
    expect(() => sgd([parameter]).update(new Map([[parameter, tensor([1])]]), { learningRate: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE' }),
    );
  });

  it('clip gradients to a common norm', async () => {
    const [a, b] = [tensor([3, 0]), tensor([[4]])];
    const { norm, gradients } = clipGradNorm(
      new Map([
        [a, a],
        [b, b],
      ]),
      1,
    );
    expect(await norm.item()).toBe(5);
    close('a', await (gradients.get(a) as Tensor).data(), [0.6, 0], 1e-6);
    const kept = clipGradNorm(new Map([[a, a]]), 10);
    expect(await (kept.gradients.get(a) as Tensor).data()).toEqual(Float32Array.of(3, 0));
  });
});
