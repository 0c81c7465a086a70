// jepa's side of the lewm-train suite: loss, gradients and AdamW as one compiled program.
import { adamW, readSafetensors, scalar, type Tensor, valueAndGrad } from '#lib/index.js';
import { compileIn } from '../harness/precision.js';
import { type Stepped, serveSteps, stepOptions } from '../harness/steps.js';
import type { Precision } from '../harness/suite.js';
import { LeWm, type LeWmConfig } from '../models/lewm.js';
import { given, part } from '../models/vision.js';

type Inputs = [pixels: Tensor, actions: Tensor, directions: Tensor, learningRate: Tensor];

const [path, config, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const model = new LeWm(JSON.parse(config) as LeWmConfig);
await model.loadStateDict(part(tensors, 'model.'));
const parameters = model.parameters();
const optimiser = adamW(parameters, stepOptions);

const step = (...[pixels, actions, directions, learningRate]: Inputs): Stepped => {
  const { value: loss, gradients } = valueAndGrad(() => model.terms(pixels, actions, directions).loss, parameters);
  const { gradNorm } = optimiser.update(gradients, { learningRate });
  return { loss, gradNorm };
};

await serveSteps(
  () => compileIn(precision as Precision, 'lewm', step),
  (index, rate): Inputs => {
    const of = (name: string): Tensor => given(tensors, `${name}.${index % 2}`);
    return [of('pixels'), of('actions'), of('directions'), scalar(rate)];
  },
);
