import {
  cosineSchedule,
  linearSchedule,
  type Schedule,
  warmupCosine,
  warmupLinear,
  warmupStableDecay,
} from '#lib/optim/index.js';
import { numbersOf, verdict } from '../compare.js';
import type { Family } from './index.js';

type Options = Readonly<Record<string, number>> & { readonly op: string; readonly ema?: readonly [number, number] };

/** Rates by the number of the update, which the reference codes count from 1; none of them stops at the end. */
export const runSchedules: Family = async (call) => {
  const schedules = schedulesOf(call.options as unknown as Options);
  const steps = call.words.get('input.step') ?? call.words.get('input.iteration');
  if (!steps) throw new Error("the case has no tensor 'input.step'");
  const tensors = call.outputs.map((name) => {
    const schedule = schedules[name.slice('output.'.length)];
    const expected = call.tensors.get(name);
    if (!schedule || !expected) throw new Error(`${name} is not known to this library`);
    return verdict(call, name, steps.map(schedule), numbersOf(expected), 'output');
  });
  return { composed: [], tensors };
};

function schedulesOf(o: Options): Record<string, Schedule | undefined> {
  if (o.op === 'context-lambda')
    return { lambda: linearSchedule({ from: 0, to: o.lambda_value, begin: o.start_iter, total: o.end_iter }) };
  if (o.op === 'torch-warmup-cosine') {
    const warmup = Math.trunc(o.warmup_ratio * o.total_steps);
    const rate = warmupCosine({ base: o.lr, start: 1e-8 * o.lr, warmup, total: o.total_steps, final: o.min_lr });
    return { lr: (step) => rate(step - 1) };
  }
  const scale = o.ipe_scale ?? 1;
  const total = Math.trunc(scale * o.epochs * o.ipe);
  const common = { base: o.lr, start: o.start_lr, final: o.final_lr, total, warmup: o.warmup * o.ipe } as const;
  const beyond = 'continue';
  const rates: Record<string, (() => Schedule) | undefined> = {
    'warmup-cosine': () => warmupCosine({ ...common, beyond }),
    'linear-decay': () => warmupLinear({ ...common, beyond }),
    'warmup-stable-decay': () => warmupStableDecay({ ...common, decay: o.anneal * o.ipe, beyond }),
  };
  const rate = rates[o.op]?.();
  if (!rate) throw new Error(`schedule '${o.op}' is not known to this library`);
  const momentum = o.ema && linearSchedule({ from: o.ema[0], to: o.ema[1], total: scale * o.epochs * o.ipe, beyond });
  return {
    lr: rate,
    lr_encoder_group: (step) => rate(step) * o.enc_lr_scale,
    weight_decay: cosineSchedule({ from: o.weight_decay, to: o.final_weight_decay, total, beyond }),
    weight_decay_excluded_group: () => 0,
    momentum: momentum && ((step) => momentum(step - 1)),
  };
}
