// jax-js on WebAssembly in the vit-train suite: jax-js.js PEERS DATA CONFIG THREADS. Loss, gradients and AdamW are one jitted function.
import type { HostTensor } from '#lib/io/safetensors.js';
import { loadPeer } from '../harness/node-peers.js';
import { stepOptions } from '../harness/steps.js';
import { serveVitSteps, vitInputs } from './vit-weights.js';
import { likeABrowser } from './web-worker.js';

/** Whoever is given an array uses it up: `ref` keeps it for another use. */
interface Arr {
  readonly ref: Arr;
  add(x: Arr | number): Arr;
  sub(x: Arr | number): Arr;
  mul(x: Arr | number): Arr;
  div(x: Arr | number): Arr;
  sum(): Arr;
  mean(): Arr;
  reshape(shape: readonly number[]): Arr;
  transpose(axes?: readonly number[]): Arr;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Weights = Record<string, Arr>;
interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): void;
  jit<F>(fn: F): F;
  valueAndGrad<Rest extends unknown[]>(
    fn: (weights: Weights, ...rest: Rest) => Arr,
  ): (weights: Weights, ...rest: Rest) => [Arr, Weights];
  blockUntilReady(tree: unknown): Promise<unknown>;
  readonly numpy: {
    array(data: Float32Array): Arr;
    matmul(a: Arr, b: Arr): Arr;
    mean(x: Arr, axis: number, options: { keepdims: boolean }): Arr;
    sqrt(x: Arr): Arr;
    square(x: Arr): Arr;
    split(x: Arr, parts: number, axis: number): Arr[];
    zerosLike(x: Arr): Arr;
  };
  readonly nn: { softmax(x: Arr, axis: number): Arr };
  readonly lax: { erf(x: Arr): Arr };
}

const [peers, path, given, threads] = process.argv.slice(2);
likeABrowser(Number(threads));
const {
  init,
  defaultDevice,
  jit,
  valueAndGrad,
  blockUntilReady,
  numpy: np,
  nn,
  lax,
} = loadPeer<Jax>(peers, '@jax-js/jax');
await init('wasm');
defaultDevice('wasm');

const { config, weights, positions, batches } = vitInputs(path, given);
const { width, heads, depth, imageSize, patchSize } = config.encoder;
const tokens = (imageSize / patchSize) ** 2;
const rows = config.batch * tokens;
const constant = ({ data, shape }: HostTensor): Arr => np.array(data as Float32Array).reshape(shape);

/** Matrices as [inputs, outputs]. */
const turned = (tensor: HostTensor): Arr =>
  tensor.shape.length === 2 ? constant(tensor).transpose() : constant(tensor);

const linear = (w: Weights, x: Arr, name: string): Arr =>
  np.matmul(x, w[`${name}.weight`].ref).add(w[`${name}.bias`].ref);

function norm(w: Weights, x: Arr, name: string): Arr {
  const keepdims = true;
  const centred = x.ref.sub(np.mean(x, -1, { keepdims }));
  const deviation = np.sqrt(np.mean(np.square(centred.ref), -1, { keepdims }).add(1e-6));
  return centred.div(deviation).mul(w[`${name}.weight`].ref).add(w[`${name}.bias`].ref);
}

const gelu = (x: Arr): Arr => x.ref.mul(0.5).mul(lax.erf(x.mul(Math.SQRT1_2)).add(1));

function attended(w: Weights, x: Arr, name: string): Arr {
  const size = width / heads;
  const [q, k, v] = np
    .split(linear(w, x, `${name}.qkv`), 3, 1)
    .map((one) => one.reshape([config.batch, tokens, heads, size]).transpose([0, 2, 1, 3]));
  const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(size));
  const y = np.matmul(nn.softmax(scores, -1), v);
  return linear(w, y.transpose([0, 2, 1, 3]).reshape([rows, width]), `${name}.proj`);
}

function lossOf(w: Weights, patches: Arr, target: Arr, places: Arr): Arr {
  const embedded = linear(w, patches.reshape([rows, 3 * patchSize ** 2]), 'patch_embed');
  let x = embedded.reshape([config.batch, tokens, width]).add(places).reshape([rows, width]);
  for (let index = 0; index < depth; index++) {
    const block = `blocks.${index}`;
    x = x.ref.add(attended(w, norm(w, x, `${block}.norm1`), `${block}.attn`));
    const hidden = gelu(linear(w, norm(w, x.ref, `${block}.norm2`), `${block}.mlp.fc1`));
    x = x.add(linear(w, hidden, `${block}.mlp.fc2`));
  }
  const error = norm(w, x, 'norm').sub(target.reshape([rows, width]));
  // What took weights without using them up gives them back here.
  for (const one of Object.values(w)) one.dispose();
  return np.square(error).mean();
}

const { betas, epsilon, weightDecay } = stepOptions;
type State = [w: Weights, m: Weights, v: Weights];
const step = jit(
  (
    w: Weights,
    m: Weights,
    v: Weights,
    scalars: Record<'rate' | 'first' | 'second', Arr>,
    ...batch: [Arr, Arr, Arr]
  ) => {
    const { rate, first, second } = scalars;
    const keep: Weights = Object.fromEntries(Object.entries(w).map(([name, one]) => [name, one.ref]));
    const [loss, gradients] = valueAndGrad(lossOf)(w, ...batch);
    let square: Arr | undefined;
    const next: State = [{}, {}, {}];
    for (const [name, g] of Object.entries(gradients)) {
      const own = np.square(g.ref).sum();
      square = square ? square.add(own) : own;
      next[1][name] = m[name].mul(betas[0]).add(g.ref.mul(1 - betas[0]));
      next[2][name] = v[name].mul(betas[1]).add(np.square(g).mul(1 - betas[1]));
      const root = np.sqrt(next[2][name].ref.mul(second.ref)).add(epsilon);
      const kept = keep[name].mul(rate.ref.mul(-weightDecay).add(1));
      next[0][name] = kept.sub(next[1][name].ref.mul(first.ref).mul(rate.ref).div(root));
    }
    for (const one of [rate, first, second]) one.dispose();
    return { loss, norm: np.sqrt(square as Arr), w: next[0], m: next[1], v: next[2] };
  },
);

const places = constant(positions);
const inputs = batches.map(({ patches, target }) => [constant(patches), constant(target)] as const);
let state: State = [
  Object.fromEntries([...weights].map(([name, tensor]) => [name, turned(tensor)])),
  Object.fromEntries([...weights].map(([name, tensor]) => [name, np.zerosLike(turned(tensor))])),
  Object.fromEntries([...weights].map(([name, tensor]) => [name, np.zerosLike(turned(tensor))])),
];
let steps = 0;
const scalar = (value: number): Arr => np.array(Float32Array.of(value)).reshape([]);

await serveVitSteps(async (batch, rate) => {
  steps++;
  const [patches, target] = inputs[batch];
  const scalars = {
    rate: scalar(rate),
    first: scalar(1 / (1 - betas[0] ** steps)),
    second: scalar(1 / (1 - betas[1] ** steps)),
  };
  const { loss, norm: length, w, m, v } = step(...state, scalars, patches.ref, target.ref, places.ref);
  state = [w, m, v];
  await blockUntilReady(state);
  const [[value], [gradNorm]] = await Promise.all([loss.data(), length.data()]);
  return { loss: value, gradNorm };
});
