import type { HostTensor } from '#lib/io/safetensors.js';
import { Module } from '#lib/nn/module.js';
import { add, div, greater, minimum, mul, sqrt, sumOfSquares, where } from '#lib/ops/index.js';
import { Ema } from '#lib/optim/ema.js';
import {
  adamW,
  clipGradNorm,
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  oneCycle,
  sgd,
  warmupConstant,
  warmupCosine,
  warmupLinear,
} from '#lib/optim/index.js';
import { compile, scalar, type Tensor, tensor, type Variable, variable } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import type { Family } from './index.js';

export const runOptimiser: Family = async (call) => {
  switch (call.op) {
    case 'optimiser_adamw':
    case 'optimiser_sgd':
      return { composed: [], tensors: await trajectory(call) };
    case 'optimiser_adam':
      // Coupled decay enters the gradient of an AdamW without decay.
      return { composed: [call.op], tensors: await trajectory(call, coupled) };
    case 'optimiser_lars':
      // A trust ratio on the gradients of SGD with momentum.
      return { composed: [call.op], tensors: await trajectory(call, trusted(call.attributes.formula as string)) };
    case 'clip_grad_norm':
      return { composed: [], tensors: await clipping(call) };
    case 'ema':
      return { composed: [], tensors: await average(call) };
    case 'schedule':
      return { composed: [], tensors: schedule(call) };
    default:
      throw new Error(`op '${call.op}' is not known to this library`);
  }
};

interface Group {
  readonly params: readonly string[];
  readonly lr: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weight_decay?: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly trust?: number;
  readonly trust_coeff?: number;
  readonly adapt?: boolean;
  readonly always_adapt?: boolean;
}

/** What an optimiser is given for a gradient, if the decay is not its own. */
type Direction = (gradient: Tensor, parameter: Tensor, group: Group) => Tensor;

const coupled: Direction = (gradient, parameter, { weight_decay = 0 }) => add(gradient, mul(parameter, weight_decay));

const norm = (x: Tensor): Tensor => sqrt(sumOfSquares(x));

/** q·(g + λ·p): norm_of_sum q = trust·‖p‖/‖g + λ·p‖, sum_of_norms q = trust·‖p‖/(‖g‖ + λ·‖p‖ + ε); 1 where a norm is 0. */
function trusted(formula: string): Direction {
  if (formula !== 'norm_of_sum' && formula !== 'sum_of_norms')
    throw new Error(`formula '${formula}' is not known to this library`);
  return (gradient, parameter, group) => {
    const { weight_decay: decay = 0, eps = 0, trust = group.trust_coeff ?? 1 } = group;
    const sum = coupled(gradient, parameter, group);
    const sums = formula === 'norm_of_sum';
    if (sums ? group.adapt === false : decay === 0 && group.always_adapt !== true) return sums ? gradient : sum;
    const size = norm(parameter);
    const other = norm(sums ? sum : gradient);
    const ratio = div(mul(size, trust), sums ? other : add(add(other, mul(size, decay)), eps));
    return mul(sum, where(greater(minimum(size, other), 0), ratio, 1));
  };
}

async function trajectory(call: GoldenCall, direction?: Direction): Promise<Verdict[]> {
  const {
    groups,
    steps,
    learning_rate_factor: factors,
  } = call.attributes as unknown as {
    groups: readonly Group[];
    steps: number;
    learning_rate_factor?: readonly number[];
  };
  const names = groups.flatMap(({ params }) => params);
  const variables = new Map<string, Variable>(
    names.map((name) => [name, variableOf(call.tensors.get(`input.param.${name}`) as HostTensor, name)]),
  );
  const [first] = groups;
  const given = groups.map(({ params, lr, weight_decay }) => ({
    parameters: params.map((name) => variables.get(name) as Variable),
    learningRateScale: lr,
    weightDecay: direction ? 0 : (weight_decay ?? (call.op === 'optimiser_adamw' ? 0.01 : 0)),
  }));
  const optimiser =
    call.op === 'optimiser_adamw' || call.op === 'optimiser_adam'
      ? adamW(given, {
          ...(first.betas ? { betas: first.betas } : {}),
          ...(first.eps === undefined ? {} : { epsilon: first.eps }),
        })
      : sgd(given, {
          momentum: first.momentum ?? 0,
          dampening: first.dampening ?? 0,
          nesterov: first.nesterov ?? false,
        });
  const step = compile((gradients: Record<string, Tensor>, rate: Tensor) => {
    optimiser.update(
      new Map(
        Object.entries(gradients).map(([name, gradient]) => {
          const parameter = variables.get(name) as Variable;
          const group = groups.find(({ params }) => params.includes(name)) as Group;
          return [parameter, direction ? direction(gradient, parameter, group) : gradient];
        }),
      ),
      { learningRate: rate },
    );
  });
  const seen = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let index = 0; index < steps; index++) {
    const gradients: Record<string, Tensor> = {};
    for (const name of names) {
      const all = call.tensors.get(`input.gradient.${name}`);
      if (!all) continue;
      const size = all.data.length / steps;
      gradients[name] = tensor((all.data as Float32Array).slice(index * size, (index + 1) * size), {
        shape: all.shape.slice(1),
      });
    }
    await step(gradients, scalar(factors?.[index] ?? 1));
    for (const name of names) {
      const values = await variables.get(name)?.read();
      seen.get(name)?.push(...(values ?? []));
    }
  }
  const state = await optimiser.stateDict();
  return call.outputs.map((output) => {
    const [, kind, slot, name = slot] = output.split('.');
    const actual = kind === 'param' ? seen.get(name) : state.get(`${names.indexOf(name)}.${slot}`);
    const expected = call.tensors.get(output);
    if (!actual || !expected) throw new Error(`${output} is not known to this library`);
    return verdict(call, output, Array.isArray(actual) ? actual : numbersOf(actual), numbersOf(expected), 'output');
  });
}

async function clipping(call: GoldenCall): Promise<Verdict[]> {
  const names = ['a', 'b', 'c'].filter((name) => call.tensors.has(`input.${name}`));
  const limit = Number(call.attributes.max_norm === 'inf' ? Number.POSITIVE_INFINITY : call.attributes.max_norm);
  const run = compile((inputs: Record<string, Tensor>) => {
    const { norm, gradients } = clipGradNorm(new Map(names.map((name) => [inputs[name], inputs[name]])), limit);
    return {
      norm,
      ...Object.fromEntries(names.map((name) => [name, gradients.get(inputs[name]) as Tensor])),
    } as Record<string, Tensor>;
  });
  const outputs = await run(
    Object.fromEntries(names.map((name) => [name, hostTensor(call.tensors.get(`input.${name}`) as HostTensor)])),
  );
  return Promise.all(
    ['norm', ...names].map(async (name) =>
      verdict(
        call,
        `output.${name}`,
        await outputs[name].data(),
        numbersOf(call.tensors.get(`output.${name}`) as HostTensor),
        'output',
      ),
    ),
  );
}

class Holder extends Module {
  readonly value: Variable;
  constructor(value: Variable) {
    super();
    this.value = value;
  }
}

async function average(call: GoldenCall): Promise<Verdict[]> {
  const target = call.tensors.get('input.target') as HostTensor;
  const online = call.tensors.get('input.online') as HostTensor;
  const momenta = call.attributes.momentum as unknown as readonly number[];
  const source = new Holder(variableOf(target, 'value'));
  const shadow = new Holder(variableOf(target, 'value'));
  const ema = new Ema(source, { target: shadow });
  const step = compile((momentum: Tensor) => ema.update({ momentum }));
  const size = target.data.length;
  const seen: number[] = [];
  for (const [index, momentum] of momenta.entries()) {
    await source.value.write((online.data as Float32Array).slice(index * size, (index + 1) * size));
    await step(scalar(momentum));
    seen.push(...((await shadow.value.read()) as Float32Array));
  }
  const [name] = call.outputs;
  return [verdict(call, name, seen, numbersOf(call.tensors.get(name) as HostTensor), 'output')];
}

function schedule(call: GoldenCall): Verdict[] {
  const a = call.attributes as unknown as Record<string, number> & { kind: string; anneal: 'cos' | 'linear' };
  const base = a.learning_rate;
  const kinds: Record<string, (() => (step: number) => number) | undefined> = {
    constant: () => constantSchedule(base),
    cosine: () => cosineSchedule({ from: base, to: a.final ?? 0, total: a.total_steps }),
    linear: () =>
      linearSchedule({ from: base * (a.start_factor ?? 1), to: base * (a.end_factor ?? 0), total: a.total_steps }),
    warmup_constant: () => warmupConstant({ base, warmup: a.warmup_steps }),
    warmup_linear: () => warmupLinear({ base, warmup: a.warmup_steps, total: a.total_steps }),
    warmup_cosine: () => warmupCosine({ base, warmup: a.warmup_steps, total: a.total_steps, beyond: 'continue' }),
    one_cycle: () =>
      oneCycle({
        base,
        total: a.total_steps,
        peak: a.pct_start,
        startFactor: a.div_factor,
        finalFactor: a.final_div_factor,
        shape: a.anneal === 'cos' ? 'cosine' : 'linear',
      }),
  };
  const make = kinds[a.kind];
  if (!make) throw new Error(`schedule '${a.kind}' is not known to this library`);
  const at = make();
  return [
    verdict(
      call,
      'output.value',
      Array.from({ length: a.steps }, (_, step) => at(step)),
      numbersOf(call.tensors.get('output.value') as HostTensor),
      'output',
    ),
  ];
}

function variableOf({ data, shape }: HostTensor, name: string): Variable {
  return variable((data as Float32Array).slice(), { shape, name });
}

function hostTensor({ data, shape, dtype }: HostTensor): Tensor {
  return tensor(data, { shape, dtype });
}
