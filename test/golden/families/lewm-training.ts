// A short training run of LeWorldModel: the loss of every step under the reference's optimiser and schedule.
import type { HostTensor } from '#lib/io/safetensors.js';
import type { LeWM } from '#lib/models/lewm.js';
import { adamW, warmupCosine } from '#lib/optim/index.js';
import { compile, scalar, type Tensor, tensor, valueAndGrad } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import { values } from './differentiate.js';

interface Settings {
  readonly steps: number;
  readonly max_steps: number;
  readonly warmup_steps: number;
  readonly lr: number;
  readonly weight_decay: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly gradient_clip_val: number;
  readonly sigreg_weight: number;
  readonly knots: number;
}

/** Row `index` of a tensor of the case. */
function row(call: GoldenCall, name: string, index: number): Tensor {
  const { shape, dtype, data } = call.tensors.get(name) as HostTensor;
  const size = data.length / shape[0];
  const at = index % shape[0];
  return tensor(data.subarray(at * size, (at + 1) * size), { shape: shape.slice(1), dtype });
}

/** Losses may differ by 1e-3 of themselves at every step: what one step rounds, the next ones multiply. */
function curveVerdict(name: string, actual: readonly number[], expected: Float64Array): Verdict {
  const errors = Array.from(
    expected,
    (value, step) => Math.abs(actual[step] - value) / Math.max(Math.abs(value), 1e-12),
  );
  const error = errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors);
  return { name, error, tolerance: 1e-3, pass: error <= 1e-3 };
}

export async function trainingCurve(model: LeWM, call: GoldenCall): Promise<Verdict[]> {
  const settings = call.options as unknown as Settings;
  model.train();
  const parameters = model.parameters();
  const optimiser = adamW(parameters, {
    betas: settings.betas,
    epsilon: settings.eps,
    weightDecay: settings.weight_decay,
    clipNorm: settings.gradient_clip_val,
  });
  const terms = (pixels: Tensor, actions: Tensor, directions: Tensor) =>
    model.loss(pixels, actions, { directions, sigregWeight: settings.sigreg_weight, knots: settings.knots });
  const step = compile((pixels: Tensor, actions: Tensor, directions: Tensor, learningRate: Tensor) => {
    const { value, gradients } = valueAndGrad(() => terms(pixels, actions, directions), parameters);
    const { gradNorm } = optimiser.update(gradients, { learningRate });
    return { loss: value.loss, pred_loss: value.predLoss, sigreg_loss: value.sigregLoss, grad_norm: gradNorm };
  });
  const { lr: base, warmup_steps: warmup, max_steps: total } = settings;
  const rate = warmupCosine({ base, warmup, total });
  const inputsOf = (index: number): [Tensor, Tensor, Tensor] => [
    row(call, 'input.pixels', index),
    row(call, 'input.action', index),
    row(call, 'input.directions', index),
  ];
  const curves: Record<string, number[]> = { lr: [] };
  for (let index = 0; index < settings.steps; index++) {
    curves.lr.push(rate(index));
    const outputs = await step(...inputsOf(index), scalar(rate(index)));
    for (const [name, value] of Object.entries(outputs)) {
      curves[name] ??= [];
      curves[name].push(await value.item());
    }
  }
  const after = await compile((...inputs: [Tensor, Tensor, Tensor]) => {
    const { embeddings, predicted } = terms(...inputs);
    return { emb_after: embeddings, pred_after: predicted };
  })(...inputsOf(0));
  return Promise.all(
    call.outputs.map(async (name): Promise<Verdict> => {
      const own = name.slice('output.'.length);
      const expected = numbersOf(call.tensors.get(name) as HostTensor);
      if (curves[own]) return curveVerdict(name, curves[own], expected);
      const found = (after as Record<string, Tensor | undefined>)[own];
      if (!found) return { name, error: Number.POSITIVE_INFINITY, tolerance: 0, pass: false };
      return verdict(call, name, await values(found), expected, 'output');
    }),
  );
}
