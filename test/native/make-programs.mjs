// Remakes native/test/programs, the real programs that the native tests run and mutate, with the compiler as it is:
//
//   npm run build && node test/native/make-programs.mjs
//
// Only their bytes are kept: values come from a seed when they are run, so sizes are small and weights irrelevant. To be done
// after a change of the format; after a change of the compiler the old ones stay valid programs.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as jepa from '../../dist/esm/index.js';
import { loadAddon } from '../../dist/esm/native/load.js';

const folder = new URL('../../native/test/programs/', import.meta.url);

/** The bytes of every program that is compiled while `work` runs, in order. */
async function recorded(work) {
  const addon = loadAddon();
  const { createProgram } = addon;
  const programs = [];
  addon.createProgram = (bytes, variables) => {
    programs.push(bytes);
    return createProgram(bytes, variables);
  };
  try {
    await work();
  } finally {
    addon.createProgram = createProgram;
  }
  return programs;
}

const floats = (...shape) =>
  jepa.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5),
    { shape },
  );
const gradients = (loss, inputs) => [...jepa.grad(loss, inputs).values()];
const integers = (...shape) => jepa.tensor(new Int32Array(shape.reduce((a, b) => a * b, 1)), { shape });
const total = (...tensors) => tensors.map((tensor) => jepa.sum(jepa.square(tensor))).reduce((a, b) => jepa.add(a, b));

/** A whole training step: encoder, predictor, losses, gradients, clipping, AdamW, running average, guards. */
async function worldModel(observation, encoder, predictor) {
  const config = {
    observation,
    action: { size: 2, mean: [0, 0], std: [1, 1] },
    frameRate: 10,
    embeddingSize: 10,
    encoder,
    predictor,
    heads: { variance: 5, inverse: 0, critic: 0 },
    contextFrames: 2,
    seed: 3,
  };
  const model = new jepa.WorldModel(config);
  const training = new jepa.WorldModelTraining(model, {
    objective: { directions: 7, inverseDynamics: 0 },
    averaging: observation.kind === 'image' ? 0 : 0.99,
  });
  const clips = 4;
  const frames = 4;
  const size =
    observation.kind === 'image' ? observation.height * observation.width * observation.channels : observation.size;
  const kind = observation.kind === 'image' ? Uint8Array : Float32Array;
  const observations = kind.from({ length: clips * frames * size }, (_, index) => index % 7);
  const actions = Float32Array.from({ length: clips * frames * 2 }, (_, index) => (index % 5) / 5);
  await training.flops({ clips, frames, observations, actions });
}

const programs = {
  'world-model-vector': () =>
    worldModel(
      { kind: 'vector', size: 5 },
      { kind: 'vector', hidden: 11, affine: true },
      { kind: 'recurrent', stateSize: 10, hidden: 12 },
    ),
  'world-model-image': () =>
    worldModel(
      { kind: 'image', height: 8, width: 8, channels: 3 },
      {
        kind: 'convolution',
        layers: [
          { channels: 6, kernel: 4, stride: 4, padding: 0 },
          { channels: 7, kernel: 3, stride: 2, padding: 1 },
        ],
        hidden: 13,
        affine: true,
        pixelScale: 4 / 255,
        pixelOffset: -3.2,
      },
      { kind: 'markov', hidden: 12 },
    ),
  'attention-block': async () => {
    const block = new jepa.TransformerBlock(24, 3, { causal: true });
    const optimiser = jepa.sgd(block.parameters(), { momentum: 0.9 });
    const step = jepa.compile((x, learningRate) => {
      const { value, gradients } = jepa.valueAndGrad(() => total(block.forward(x)), block.parameters());
      optimiser.update(gradients, { learningRate: jepa.mul(learningRate, 1e-9) });
      return { value };
    });
    await step.program(floats(2, 9, 24), jepa.scalar(0.1));
  },
  'attention-masks': async () => {
    const masks = jepa.compile((q, k, v, open, keyLength) =>
      [
        { mask: jepa.greater(open, 0.4) },
        { keyLength, window: { left: 3, right: 1 } },
        { block: { size: 4 }, queryOffset: 2 },
      ].map((mask) => gradients(total(jepa.attention(q, k, v, mask)), [q, k, v])),
    );
    await masks.program(
      floats(2, 2, 70, 5),
      floats(2, 2, 67, 5),
      floats(2, 2, 67, 3),
      floats(1, 1, 70, 67),
      integers(2),
    );
  },
  rows: async () => {
    const rows = jepa.compile((table, indices, x, seed, step) => {
      const key = { seed, step, stream: 'rows' };
      const { values, indices: best } = jepa.topK(x, 3);
      const drawn = jepa.add(jepa.normal([6, 10], key), jepa.uniform([6, 10], { ...key, stream: 'noise' }));
      return {
        gathered: jepa.gatherRows(table, indices),
        scattered: jepa.scatterAddRows(jepa.gatherRows(drawn, indices), indices, 6),
        gradients: gradients(total(values, jepa.softmax(x), jepa.gatherRows(table, indices)), [x, table]),
        best,
        order: jepa.permutation(12, key),
        bits: jepa.randomBits([5], key),
        least: jepa.argmax(jepa.neg(x), 0),
        spread: jepa.variance(drawn, { axes: [0] }),
      };
    });
    await rows.program(floats(6, 10), integers(17), floats(6, 10), integers(1), integers(1));
  },
  dtypes: async () => {
    const dtypes = jepa.compile((pixels, brain, whole) => {
      const x = jepa.cast(pixels, 'float32');
      const half = jepa.cast(jepa.mul(x, 0.01), 'float16');
      const joined = jepa.concat([jepa.cast(brain, 'float32'), jepa.cast(half, 'float32')], 1);
      const odd = jepa.equal(jepa.cast(pixels, 'int32'), whole);
      return {
        joined: jepa.pad(
          joined,
          [
            [1, 2],
            [0, 3],
          ],
          -1,
        ),
        turned: jepa.cast(jepa.transpose(joined), 'bfloat16'),
        chosen: jepa.where(odd, x, jepa.neg(x)),
        both: jepa.logicalAnd(odd, jepa.less(x, 9)),
        sums: jepa.sum(whole, { axes: [0] }),
        largest: jepa.max(joined, { axes: [0, 1] }),
        steps: jepa.slice(x, 1, 1, 9, 2),
        bytes: jepa.cast(jepa.add(x, 0.5), 'uint8'),
      };
    });
    const pixels = jepa.tensor(new Uint8Array(70), { shape: [7, 10] });
    const brain = jepa.tensor(new Uint16Array(70), { shape: [7, 10], dtype: 'bfloat16' });
    await dtypes.program(pixels, brain, integers(7, 10));
  },
  update: async () => {
    const layer = new jepa.Linear(33, 40);
    const norm = new jepa.BatchNorm(40);
    const average = new jepa.Ema(layer);
    const optimiser = jepa.adamW([...layer.parameters(), ...norm.parameters()], { weightDecay: 0.05, clipNorm: 1 });
    const counter = jepa.variable(new Int32Array([0]), { name: 'counter', dtype: 'int32', trainable: false });
    const step = jepa.compile((x, learningRate, momentum) => {
      const parameters = [...layer.parameters(), ...norm.parameters()];
      const { value, gradients } = jepa.valueAndGrad(
        () => total(norm.forward(jepa.gelu(layer.forward(x))), jepa.silu(layer.forward(jepa.neg(x)))),
        parameters,
      );
      jepa.guardFinite(value, 'loss');
      const { gradNorm } = optimiser.update(gradients, { learningRate: jepa.mul(learningRate, 1e-3) });
      average.update({ momentum });
      jepa.assign(counter, jepa.add(counter, jepa.scalar(1, 'int32')));
      return { value, gradNorm };
    });
    await step.program(floats(50, 33), jepa.scalar(0.1), jepa.scalar(0.9));
  },
  // Weights that the program does not assign are rearranged once and kept.
  inference: async () => {
    const convolution = new jepa.Conv2d(3, 6, 3, { layout: 'NHWC', padding: 1 });
    const head = new jepa.Linear(6, 5);
    const forward = jepa.compile((x) => head.forward(jepa.gelu(convolution.forward(x))));
    await forward.program(floats(2, 5, 5, 3));
  },
  // In 8 bits, one weight packed once and one anew in every run.
  quantised: async () => {
    const head = new jepa.Linear(9, 37);
    const forward = jepa.compile((x, w) => jepa.linear(jepa.gelu(head.forward(x)), w), { quantize: 'int8' });
    await forward.program(floats(20, 9), floats(35, 37));
  },
  // Large enough for several tiles of everything: partial results, chunks, many claims.
  tiles: async () => {
    const tiles = jepa.compile((x, w, deep) => {
      const y = jepa.matmul(x, w);
      return {
        product: jepa.matmul(deep, jepa.transpose(deep)),
        sums: [jepa.sum(y, { axes: [0] }), jepa.sum(y), jepa.max(y, { axes: [1] })],
        normal: jepa.layerNorm(y),
        turned: jepa.mul(jepa.transpose(y), 2),
        gradients: gradients(total(jepa.layerNorm(jepa.matmul(x, w))), [x, w]),
      };
    });
    await tiles.program(floats(700, 33), floats(33, 130), floats(3, 5000));
  },
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
let bytes = 0;
for (const [name, make] of Object.entries(programs)) {
  const compiled = await recorded(make);
  const program = compiled.at(-1); // earlier ones made the initial values
  if (!program) throw new Error(`${name} compiled nothing`);
  writeFileSync(new URL(`${name.replaceAll('-', '_')}.jprg`, folder), program);
  console.error(`${name}: ${program.length} bytes`);
  bytes += program.length;
}
console.error(`${Object.keys(programs).length} programs, ${bytes} bytes`);
