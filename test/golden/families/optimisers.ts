import type { HostTensor } from '#lib/io/safetensors.js';
import { Module } from '#lib/nn/module.js';
import { Ema } from '#lib/optim/ema.js';
import {
  adam,
  adamW,
  clipGradNorm,
  constantSchedule,
  cosineSchedule,
  lars,
  linearSchedule,
  type Optimiser,
  oneCycle,
  type ParameterGroup,
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
    case 'optimiser_adam':
    case 'optimiser_adamw':
    case 'optimiser_lars':
    case 'optimiser_sgd':
      return { composed: [], tensors: await trajectory(call) };
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

/** The library's optimiser with the settings of the case. */
function optimiserOf(call: GoldenCall, given: readonly ParameterGroup[], group: Group): Optimiser {
  const { betas, eps: epsilon, momentum, dampening, nesterov, trust, trust_coeff, always_adapt } = group;
  switch (call.op) {
    case 'optimiser_adam':
      return adam(given, { betas, epsilon });
    case 'optimiser_adamw':
      return adamW(given, { betas, epsilon });
    case 'optimiser_sgd':
      return sgd(given, { momentum, dampening, nesterov });
    default: {
      const formula = call.attributes.formula as string;
      if (formula !== 'norm_of_sum' && formula !== 'sum_of_norms')
        throw new Error(`formula '${formula}' is not known to this library`);
      return lars(given, {
        momentum,
        nesterov,
        epsilon,
        trust: trust ?? trust_coeff,
        formula: formula === 'norm_of_sum' ? 'normOfSum' : 'sumOfNorms',
        adaptWithoutDecay: always_adapt,
      });
    }
  }
}

async function trajectory(call: GoldenCall): Promise<Verdict[]> {
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
  const given = groups.map(({ params, lr, weight_decay, adapt }) => ({
    parameters: params.map((name) => variables.get(name) as Variable),
    learningRateScale: lr,
    // Not adapted means not decayed either.
    weightDecay: adapt === false ? 0 : (weight_decay ?? (call.op === 'optimiser_adamw' ? 0.01 : 0)),
  }));
  const undecayed = groups.filter(({ adapt, weight_decay = 0 }) => adapt === true && weight_decay === 0);
  if (undecayed.length > 0) throw new Error('adaptation without decay, group by group, is not known to this library');
  const optimiser = optimiserOf(call, given, groups[0]);
  const step = compile((gradients: Record<string, Tensor>, rate: Tensor) => {
    const byParameter = Object.entries(gradients).map(
      ([name, gradient]) => [variables.get(name) as Variable, gradient] as const,
    );
    optimiser.update(new Map(byParameter), { learningRate: rate });
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
