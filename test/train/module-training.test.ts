// Any module trained by a loss of one's own, against plain float64 loops and against itself interrupted.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromIndex } from '#lib/data/index.js';
import { Dropout, Linear, Module, mse, Sequential } from '#lib/nn/index.js';
import { mean, mul, square } from '#lib/ops/index.js';
import { type Tensor, tensor, variable } from '#lib/tensor/index.js';
import { checkpointPath, type Metrics, ModuleTraining, Trainer } from '#lib/train/index.js';
import { Random } from '#lib/worlds/random.js';
import { temporaryFolder } from '../io/temporary-folder.js';

class Slope extends Module {
  readonly weight = variable(Float32Array.of(2, -1), { name: 'slope' });

  forward(x: Tensor): Tensor {
    return mul(this.weight, x);
  }
}

/** Metrics of each step, and the weights after it, of mean (w·x − y)² by AdamW in float64. */
function reference(x: number[], y: number[], steps: number): { metrics: Metrics; weights: number[] }[] {
  const [peak, final, decay, warmup] = [0.1, 0.02, 0.05, 2];
  const [w, m, v] = [
    [2, -1],
    [0, 0],
    [0, 0],
  ];
  return Array.from({ length: steps }, (_, step) => {
    const progress = (step - warmup) / (steps - warmup);
    const learningRate =
      step < warmup ? (peak * step) / warmup : final + ((peak - final) * (1 + Math.cos(Math.PI * progress))) / 2;
    const errors = w.map((value, i) => value * x[i] - y[i]);
    const gradient = errors.map((error, i) => error * x[i]); // 2/2
    const gradNorm = Math.hypot(...gradient);
    const clip = Math.min(1, 0.5 / (gradNorm + 1e-6));
    for (const [i, g] of gradient.map((value) => value * clip).entries()) {
      w[i] *= 1 - learningRate * decay;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const root = Math.sqrt(v[i] / (1 - 0.999 ** (step + 1))) + 1e-8;
      w[i] -= (learningRate * (m[i] / (1 - 0.9 ** (step + 1)))) / root;
    }
    const loss = (errors[0] ** 2 + errors[1] ** 2) / 2;
    return { metrics: { learningRate, loss, gradNorm }, weights: [...w] };
  });
}

test('its steps are those of AdamW with warm-up, cosine and clipping', async () => {
  const [x, y] = [
    [1, 3],
    [0.5, 2],
  ];
  const slope = new Slope();
  const loss = ({ x, y }: { x: Tensor; y: Tensor }) => mean(square(slope.forward(x).sub(y)));
  const options = { learningRate: 0.1, finalFraction: 0.2, weightDecay: 0.05, clipNorm: 0.5 };
  const training = new ModuleTraining(slope, loss, options);
  const batch = { x: tensor(x), y: tensor(y) };
  for (const [step, { metrics, weights }] of reference(x, y, 8).entries()) {
    const found = await training.step(batch, step, { steps: 8 });
    expect(Object.keys(found)).toEqual(Object.keys(metrics));
    for (const [name, value] of Object.entries(metrics)) expect(found[name]).toBeCloseTo(value, 5);
    const now = await slope.weight.toArray();
    for (const [i, value] of weights.entries()) expect((now as number[])[i]).toBeCloseTo(value, 5);
  }
  expect(training.samples(batch)).toBe(2);
});

/** A network with dropout, which draws anew in each step, and batches that depend on their number alone. */
function run(directory: string, signal?: AbortSignal) {
  const net = new Sequential(
    new Linear(3, 8, { seed: 1, name: 'in' }),
    new Dropout(0.25, { name: 'drop' }),
    new Linear(8, 1, { seed: 1, name: 'out' }),
  );
  const loss = ([x, y]: readonly [Tensor, Tensor]) => ({ loss: mse(net.forward(x), y), size: mean(square(y)) });
  const trainer = new Trainer(new ModuleTraining(net, loss), { steps: 12, directory, reportEvery: 1 });
  const batches = fromIndex((index): readonly [Tensor, Tensor] => {
    const random = new Random(index, 'rows');
    const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
    return [tensor(numbers(12), { shape: [4, 3] }), tensor(numbers(4), { shape: [4, 1] })];
  });
  return { trainer, events: trainer.run(batches, { signal }) };
}

test('a run that is interrupted and resumed ends in the same bytes', async () => {
  const [whole, parts] = [temporaryFolder(), temporaryFolder()];
  const sizes: number[] = [];
  for await (const event of run(whole).events) if (event.type === 'step') sizes.push(event.metrics.size);
  expect(new Set(sizes).size).toBe(12); // what else the loss returned is reported too
  const stop = new AbortController();
  for await (const event of run(parts, stop.signal).events) if (event.type === 'step' && event.step === 5) stop.abort();
  const { trainer, events } = run(parts);
  await trainer.resume(checkpointPath(parts));
  expect(trainer.step).toBeLessThan(12);
  for await (const _ of events);
  expect(readFileSync(checkpointPath(parts)).equals(readFileSync(checkpointPath(whole)))).toBe(true);
});

test('it refuses what it cannot be told, and to go on after its end', async () => {
  const slope = new Slope();
  const loss = (x: Tensor) => mean(slope.forward(x));
  expect(() => new ModuleTraining(slope, loss, { rate: 1 } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_JEPA_UNKNOWN_OPTION' }),
  );
  for (const [module, of] of [
    [{}, loss],
    [slope, undefined],
  ])
    expect(() => new ModuleTraining(module as never, of as never)).toThrow(
      '[ModuleTraining] expected a Module and a function from a batch to its loss, got object and ',
    );
  const lists = new Trainer(new ModuleTraining(slope, loss), { steps: 1 }).run([tensor([1, 2])] as never);
  await expect(lists.next()).rejects.toThrow('[Trainer] expected batches as an async iterable, got an array');
  const later = new ModuleTraining(slope, (async (x: Tensor) => loss(x)) as never);
  await expect(later.step(tensor([1, 2]) as never, 0, { steps: 1 })).rejects.toMatchObject({
    code: 'ERR_JEPA_INVALID_ARGUMENT',
    message: expect.stringMatching(/got one that returns a promise: await inputs[^\n]*\n.*it must be synchronous/),
  });
  const nothing = new ModuleTraining(slope, (() => {}) as never);
  await expect(nothing.step(tensor([1, 2]) as never, 0, { steps: 1 })).rejects.toThrow(
    'to return a tensor, or an object',
  );
  for (const [batch, got] of [
    [[1, 2], 'one without any'],
    [{}, 'one without any'],
    [
      [
        [1, 2],
        [3, 4],
      ],
      'arrays of numbers in the batch',
    ],
    [{ x: tensor([1]), y: [[1], [2]] }, "arrays of numbers in 'y'"],
    [{ x: tensor([1]), more: [{ z: [[[1]]] }] }, "arrays of numbers in '0'"],
  ])
    await expect(new ModuleTraining(slope, loss).step(batch as never, 0, { steps: 1 })).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringContaining(
        `[ModuleTraining] expected a batch of tensors, in arrays and plain objects, got ${got}\n  → make tensors of numbers: tensor(`,
      ),
    });
  for (const learningRate of [-1, Number.NaN])
    expect(() => new ModuleTraining(slope, loss, { learningRate })).toThrow(
      `[ModuleTraining] expected learningRate to be a number, 0 or more, got ${learningRate}`,
    );
  const vector = new ModuleTraining(slope, (x: Tensor) => slope.forward(x));
  await expect(vector.step(tensor([1, 2]), 0, { steps: 1 })).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' });
  const training = new ModuleTraining(slope, loss);
  training.dispose();
  await expect(training.step(tensor([1, 2]), 0, { steps: 1 })).rejects.toMatchObject({ code: 'ERR_JEPA_DISPOSED' });
});
