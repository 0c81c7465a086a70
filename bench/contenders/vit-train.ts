// jepa's side of the vit-train suite: loss, gradients and AdamW as one compiled program.
import { adamW, readSafetensors, scalar, type Tensor, valueAndGrad } from '#lib/index.js';
import { compileIn } from '../harness/precision.js';
import { type Stepped, serveSteps, stepOptions } from '../harness/steps.js';
import type { Precision } from '../harness/suite.js';
import { given, part } from '../models/vision.js';
import { VitTrain, type VitTrainConfig } from '../models/vit-train.js';

type Inputs = [pixels: Tensor, target: Tensor, learningRate: Tensor];

const [path, config, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const model = new VitTrain(JSON.parse(config) as VitTrainConfig);
await model.loadStateDict(part(tensors, 'model.'));
const parameters = model.parameters();
const optimiser = adamW(parameters, stepOptions);

const step = (...[pixels, target, learningRate]: Inputs): Stepped => {
  const { value: loss, gradients } = valueAndGrad(() => model.loss(pixels, target), parameters);
  const { gradNorm } = optimiser.update(gradients, { learningRate });
  return { loss, gradNorm };
};

await serveSteps(
  () => compileIn(precision as Precision, 'vit-train', step),
  (index, rate): Inputs => {
    const of = (name: string): Tensor => given(tensors, `${name}.${index % 2}`);
    return [of('pixels'), of('target'), scalar(rate)];
  },
);
