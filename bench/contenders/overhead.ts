// jepa's side of the overhead suite: a small training step, and a call that has all but its work.
import { adamW, add, compile, reshape, scalar, slice, type Tensor, type Variable, valueAndGrad } from '#lib/index.js';
import { serve, turn } from '../harness/serve.js';
import { stepOptions, timedRate, turnMs } from '../harness/steps.js';
import { given } from '../models/vision.js';
import { VitTrain, type VitTrainConfig, vitTrainInputs } from '../models/vit-train.js';

const config = JSON.parse(process.argv[2]) as VitTrainConfig;
const tensors = await vitTrainInputs(config);
const model = new VitTrain(config);
const parameters = model.parameters();
const optimiser = adamW(parameters, stepOptions);

type Results = { readonly loss: Tensor; readonly gradNorm: Tensor };
const step = compile(
  (pixels: Tensor, target: Tensor, learningRate: Tensor): Results => {
    const { value: loss, gradients } = valueAndGrad(() => model.loss(pixels, target), parameters);
    return { loss, ...optimiser.update(gradients, { learningRate }) };
  },
  { name: 'step' },
);

const first = (x: Tensor | Variable): Tensor => slice(reshape(x, [x.size]), 0, 0, 1);
/** The same arguments, parameters and results, an addition for each of them. */
const idle = compile(
  (pixels: Tensor, target: Tensor, learningRate: Tensor): Results => {
    const all = [pixels, target, ...parameters].map(first).reduce((total, one) => add(total, one));
    const loss = reshape(all, []);
    return { loss, gradNorm: add(loss, learningRate) };
  },
  { name: 'idle', passes: { hoist: false } }, // or sums of parameters would be kept
);

const call = async (run: typeof step): Promise<number> => {
  const of = (name: string): Tensor => given(tensors, `${name}.0`);
  const { loss } = await run(of('pixels'), of('target'), scalar(timedRate));
  return loss.item();
};

await serve({
  prepare: async (): Promise<{ flops: number }> => {
    await call(step);
    await call(idle);
    return { flops: (await step.program(given(tensors, 'pixels.0'), given(tensors, 'target.0'), scalar(0))).flops };
  },
  step: () => turn(turnMs, () => call(step)),
  idle: () => turn(turnMs, () => call(idle)),
});
