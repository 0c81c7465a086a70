// TensorFlow.js on WebAssembly in the vit-train suite: tfjs.js PEERS DATA CONFIG plain|tuned. It has SIMD, and one thread in Node.js.
import { join } from 'node:path';
import type { HostTensor } from '#lib/io/safetensors.js';
import { loadPeer } from '../harness/node-peers.js';
import { stepOptions } from '../harness/steps.js';
import { serveVitSteps, vitInputs } from './vit-weights.js';

interface Tensor {
  readonly shape: number[];
  add(x: Tensor | number): Tensor;
  sub(x: Tensor): Tensor;
  mul(x: Tensor | number): Tensor;
  div(x: Tensor): Tensor;
  square(): Tensor;
  sqrt(): Tensor;
  sum(axis?: number): Tensor;
  mean(axis?: number, keepDims?: boolean): Tensor;
  reshape(shape: readonly number[]): Tensor;
  transpose(axes?: readonly number[]): Tensor;
  softmax(): Tensor;
  erf(): Tensor;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Variable extends Tensor {
  assign(x: Tensor): void;
}
interface Optimizer {
  learningRate: number;
  applyGradients(gradients: Record<string, Tensor>): void;
}
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  variable(x: Tensor, trainable: boolean, name: string): Variable;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  split(x: Tensor, parts: number, axis: number): Tensor[];
  tidy<Result>(body: () => Result): Result;
  variableGrads(body: () => Tensor): { value: Tensor; grads: Record<string, Tensor> };
  customGrad(
    body: (
      x: Tensor,
      w: Tensor,
      save: (kept: readonly Tensor[]) => void,
    ) => { value: Tensor; gradFunc: (dy: Tensor, saved: readonly Tensor[]) => Tensor[] },
  ): (x: Tensor, w: Tensor) => Tensor;
  readonly train: { adam(rate: number, beta1: number, beta2: number, epsilon: number): Optimizer };
}

const [peers, path, given, products] = process.argv.slice(2);
const tf = loadPeer<TensorFlow>(peers, '@tensorflow/tfjs');
const wasm = loadPeer<{ setWasmPaths(folder: string): void }>(peers, '@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(join(peers, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/'));
if (!(await tf.setBackend('wasm'))) throw new Error('tfjs has no WebAssembly here');

const { config, weights, positions, batches } = vitInputs(path, given);
const { width, heads, depth } = config.encoder;
const constant = ({ data, shape }: HostTensor): Tensor => tf.tensor(data as Float32Array, shape);
const places = constant(positions);
const inputs = batches.map(({ patches, target }) => ({ patches: constant(patches), target: constant(target) }));

/** Matrices are kept as [inputs, outputs]: products without transposition are the fast ones of this library. */
const variables = new Map<string, Variable>(
  [...weights].map(([name, tensor]) => {
    const value = constant(tensor);
    return [name, tf.variable(tensor.shape.length === 2 ? value.transpose() : value, true, name)];
  }),
);
const weight = (name: string): Variable => {
  const found = variables.get(name);
  if (!found) throw new Error(`there is no weight ${name}`);
  return found;
};

/** x·w whose gradients transpose before they multiply, for the same reason; the library's own gradients do not. */
const tuned = tf.customGrad((x, w, save) => {
  save([x, w]);
  return {
    value: tf.matMul(x, w),
    gradFunc: (dy, [input, matrix]) => [tf.matMul(dy, matrix.transpose()), tf.matMul(input.transpose(), dy)],
  };
});
const product = products === 'tuned' ? tuned : (x: Tensor, w: Tensor) => tf.matMul(x, w);
const linear = (x: Tensor, name: string): Tensor => product(x, weight(`${name}.weight`)).add(weight(`${name}.bias`));

function norm(x: Tensor, name: string): Tensor {
  const centred = x.sub(x.mean(-1, true));
  const deviation = centred.square().mean(-1, true).add(1e-6).sqrt();
  return centred
    .div(deviation)
    .mul(weight(`${name}.weight`))
    .add(weight(`${name}.bias`));
}

const gelu = (x: Tensor): Tensor => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));

function attended(x: Tensor, batch: number, tokens: number, name: string): Tensor {
  const size = width / heads;
  const apart = tf.split(linear(x, `${name}.qkv`), 3, 1);
  const [q, k, v] = apart.map((one) =>
    one
      .reshape([batch, tokens, heads, size])
      .transpose([0, 2, 1, 3])
      .reshape([batch * heads, tokens, size]),
  );
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(size));
  const y = tf.matMul(scores.softmax(), v);
  const together = y
    .reshape([batch, heads, tokens, size])
    .transpose([0, 2, 1, 3])
    .reshape([batch * tokens, width]);
  return linear(together, `${name}.proj`);
}

function lossOf({ patches, target }: (typeof inputs)[number]): Tensor {
  const [batch, tokens, inside] = patches.shape;
  const rows = batch * tokens;
  const embedded = linear(patches.reshape([rows, inside]), 'patch_embed');
  let x = embedded.reshape([batch, tokens, width]).add(places).reshape([rows, width]);
  for (let index = 0; index < depth; index++) {
    const block = `blocks.${index}`;
    x = x.add(attended(norm(x, `${block}.norm1`), batch, tokens, `${block}.attn`));
    const hidden = gelu(linear(norm(x, `${block}.norm2`), `${block}.mlp.fc1`));
    x = x.add(linear(hidden, `${block}.mlp.fc2`));
  }
  return norm(x, 'norm')
    .sub(target.reshape([rows, width]))
    .square()
    .mean();
}

const { betas, epsilon, weightDecay } = stepOptions;
const adam = tf.train.adam(0, betas[0], betas[1], epsilon);

await serveVitSteps(async (batch, rate, withNorm) => {
  const { value, grads } = tf.variableGrads(() => lossOf(inputs[batch]));
  let gradNorm = Number.NaN;
  if (withNorm) {
    const squares = await Promise.all(
      Object.values(grads).map(async (gradient) => (await tf.tidy(() => gradient.square().sum()).data())[0]),
    );
    gradNorm = Math.sqrt(squares.reduce((total, square) => total + square));
  }
  adam.learningRate = rate;
  tf.tidy(() => {
    for (const variable of variables.values()) variable.assign(variable.mul(1 - rate * weightDecay));
  });
  adam.applyGradients(grads);
  const [loss] = await value.data();
  for (const tensor of [value, ...Object.values(grads)]) tensor.dispose();
  return { loss, gradNorm };
});
