import { Perceptron } from '../models/perceptron.js';
import { mse } from '../nn/losses/index.js';
import { adamW, cosineSchedule } from '../optim/index.js';
import { compile, scalar, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import { Random } from '../worlds/random.js';

const hidden = 128;
const iterations = 1500;
const rowsPerStep = 512;
const learningRate = 3e-3;

/** A fitted probe: [rows, inputs] → [rows, outputs]. */
export type Probe = (x: Float32Array) => Promise<Float32Array>;

/**
 * Fits a perceptron with one hidden layer of 128 to standardised rows: what can be read off a representation without much help.
 * @param x [rows, inputs]   @param y [rows, outputs]
 */
export async function fitPerceptron(
  x: Float32Array,
  y: Float32Array,
  inputs: number,
  outputs: number,
  { seed, signal }: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<Probe> {
  const rows = x.length / inputs;
  const scaleX = standardiser(x, inputs);
  const scaleY = standardiser(y, outputs);
  const standardX = scaleX.apply(x);
  const standardY = scaleY.apply(y);
  const network = new Perceptron([inputs, hidden, outputs], { seed, name: 'probe' });
  const optimiser = adamW(network.parameters(), { weightDecay: 0 });
  const step = compile(
    (rows: Tensor, target: Tensor, rate: Tensor) => {
      const { gradients } = valueAndGrad(() => mse(network.forward(rows), target), network.parameters());
      optimiser.update(gradients, { learningRate: rate });
    },
    { name: 'probe step' },
  );
  const random = new Random(seed, 'probe rows');
  const rate = cosineSchedule({ from: learningRate, to: 0, total: iterations });
  const count = Math.min(rowsPerStep, rows);
  try {
    let pending: Promise<void> = Promise.resolve();
    for (let iteration = 0; iteration < iterations; iteration++) {
      const chosenX = new Float32Array(count * inputs);
      const chosenY = new Float32Array(count * outputs);
      for (let i = 0; i < count; i++) {
        const row = random.below(rows);
        chosenX.set(standardX.subarray(row * inputs, (row + 1) * inputs), i * inputs);
        chosenY.set(standardY.subarray(row * outputs, (row + 1) * outputs), i * outputs);
      }
      const next = step.call(
        { signal },
        tensor(chosenX, { shape: [count, inputs] }),
        tensor(chosenY, { shape: [count, outputs] }),
        scalar(rate(iteration)),
      );
      next.catch(() => {}); // reported when its turn comes, or not at all if the one before fails
      await pending; // one step in flight beside the one being prepared
      pending = next;
    }
    await pending;
  } finally {
    optimiser.dispose();
    step.dispose();
  }
  const read = compile((rows: Tensor) => network.forward(rows), { name: 'probe' });
  return async (queries) => {
    const result = new Float32Array((queries.length / inputs) * outputs);
    const chunk = 4096;
    for (let start = 0; start * inputs < queries.length; start += chunk) {
      const part = new Float32Array(chunk * inputs);
      const standard = scaleX.apply(queries.subarray(start * inputs, (start + chunk) * inputs));
      part.set(standard);
      const values = scaleY.invert(
        (await (await read(tensor(part, { shape: [chunk, inputs] }))).data()) as Float32Array,
      );
      result.set(values.subarray(0, (standard.length / inputs) * outputs), start * outputs);
    }
    return result;
  };
}

function standardiser(
  values: Float32Array,
  width: number,
): { apply(rows: Float32Array): Float32Array; invert(rows: Float32Array): Float32Array } {
  const rows = values.length / width;
  const means = new Float64Array(width);
  const deviations = new Float64Array(width);
  for (let i = 0; i < values.length; i++) means[i % width] += values[i] / rows;
  for (let i = 0; i < values.length; i++) deviations[i % width] += (values[i] - means[i % width]) ** 2 / rows;
  for (let k = 0; k < width; k++) deviations[k] = Math.sqrt(deviations[k]) + 1e-3;
  return {
    apply: (part) => part.map((value, i) => (value - means[i % width]) / deviations[i % width]),
    invert: (part) => part.map((value, i) => value * deviations[i % width] + means[i % width]),
  };
}
