// jepa's side of the ijepa-train suite: loss, gradients, AdamW and the target encoder's average as one compiled program.
import { adamW, Ema, readSafetensors, scalar, type Tensor, valueAndGrad } from '#lib/index.js';
import { compileIn } from '../harness/precision.js';
import { type Stepped, serveSteps, stepOptions } from '../harness/steps.js';
import type { Precision } from '../harness/suite.js';
import { IJepa, type IJepaConfig } from '../models/ijepa.js';
import { given, part } from '../models/vision.js';
import { momentum } from '../suites/ijepa-train.js';

type Inputs = [pixels: Tensor, context: Tensor, targets: Tensor, learningRate: Tensor];

const [path, config, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const model = new IJepa(JSON.parse(config) as IJepaConfig);
await model.loadStateDict(part(tensors, 'model.'));
const { encoder, targetEncoder, predictor } = model;
const parameters = [...encoder.parameters(), ...predictor.parameters()];
const optimiser = adamW(parameters, stepOptions);
const ema = new Ema(encoder, { target: targetEncoder, buffers: 'ignore' });

const step = (...[pixels, context, targets, learningRate]: Inputs): Stepped => {
  const { value: loss, gradients } = valueAndGrad(() => model.loss(pixels, context, targets), parameters);
  const { gradNorm } = optimiser.update(gradients, { learningRate });
  ema.update({ momentum });
  return { loss, gradNorm };
};

await serveSteps(
  () => compileIn(precision as Precision, 'ijepa', step),
  (index, rate): Inputs => {
    const of = (name: string): Tensor => given(tensors, `${name}.${index % 2}`);
    return [of('pixels'), of('context'), of('targets'), scalar(rate)];
  },
);
