// jepa's side of the training suites: loss, gradients and AdamW as one compiled program.
import { adamW, type Module, readSafetensors, scalar, type Tensor, type Variable, valueAndGrad } from '#lib/index.js';
import { given, part } from '../models/vision.js';
import { compileIn } from './precision.js';
import { type Stepped, serveSteps, stepOptions } from './steps.js';
import type { Precision } from './suite.js';

export interface Training<Batch extends readonly Tensor[]> {
  readonly name: string;
  /** What a step takes of the file. */
  readonly batch: { readonly [Index in keyof Batch]: string };
  /** What the optimiser updates. */
  readonly parameters: readonly Variable[];
  loss(...batch: Batch): Tensor;
  /** What follows the optimiser's update in the program. */
  after?(): void;
}

/**
 * The process's arguments are a file of weights and two batches, the model's configuration and a precision.
 * @param training of the model once it has its weights
 */
export async function serveTraining<Config, Model extends Module, Batch extends readonly Tensor[]>(
  make: (config: Config) => Model,
  training: (model: Model, config: Config) => Training<Batch>,
): Promise<void> {
  const [path, json, precision] = process.argv.slice(2);
  const { tensors } = await readSafetensors(path);
  const config = JSON.parse(json) as Config;
  const model = make(config);
  await model.loadStateDict(part(tensors, 'model.'));
  const { name, batch, parameters, loss: lossOf, after } = training(model, config);
  const optimiser = adamW(parameters, stepOptions);
  const step = (inputs: Batch, learningRate: Tensor): Stepped => {
    const { value: loss, gradients } = valueAndGrad(() => lossOf(...inputs), parameters);
    const { gradNorm } = optimiser.update(gradients, { learningRate });
    after?.();
    return { loss, gradNorm };
  };
  await serveSteps(
    () => compileIn(precision as Precision, name, step),
    (index, rate): [Batch, Tensor] => [
      batch.map((of) => given(tensors, `${of}.${index % 2}`)) as readonly Tensor[] as Batch,
      scalar(rate),
    ],
  );
}
