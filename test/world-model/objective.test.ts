import { expect, test } from 'vitest';
import { compile, scalar, type Tensor, tensor } from '#lib/tensor/index.js';
import { defaultObjective, type ObjectiveOptions, type WorldModel } from '#lib/world-model/index.js';
import { worldModelLoss } from '#lib/world-model/objective.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, sensorConfig, shaken } from './small.js';

const [D, T, A, c, groups, twins] = [6, 8, 2, 3, 2, 3];
const clips = 2 + groups * twins; // two single clips, then the twins
const options: ObjectiveOptions = {
  ...defaultObjective,
  starts: 2,
  reach: 3,
  firstTarget: 2,
  firstTwinFrame: 5,
  variance: 0.3,
  covariance: 0.2,
  consequence: 0.4,
  alternatives: 2,
};

async function termsOf(model: WorldModel, weights: ObjectiveOptions, observations: Tensor, actions: Tensor) {
  const costs = tensor(
    Float32Array.from({ length: groups * twins * twins }, (_, i) => i / 10),
    { shape: [groups, twins, twins] },
  );
  const loss = compile((frames: Tensor, pushes: Tensor, twinCosts: Tensor, step: Tensor) =>
    worldModelLoss(model.network, { observations: frames, actions: pushes, twinCosts }, c, weights, { seed: 1, step }),
  );
  const outputs = await loss(observations, actions, costs, scalar(4, 'int32'));
  return Object.fromEntries(
    await Promise.all(Object.entries(outputs).map(async ([name, value]) => [name, await value.item()] as const)),
  );
}

test('the terms of the loss are what the formulas say', async () => {
  const model = await shaken(sensorConfig);
  const given = clipsFor(sensorConfig, clips, T);
  given.actions.copyWithin(0, Math.round(clips / 3) * T * A, (Math.round(clips / 3) + 1) * T * A); // clip 0 is pushed as one of its alternatives
  const [observations, actions] = model.tensors(given);
  const terms = await termsOf(model, options, observations, actions);

  const floats = async (of: Tensor): Promise<Float32Array> => (await of.data()) as Float32Array;
  const embeddings = await model.encode(observations);
  const z = await floats(embeddings);
  const known = await floats((await model.states(embeddings, actions)).embeddings);
  const open = await floats((await model.imagine(embeddings, actions)).embeddings);
  const at = (clip: number, t: number, d: number): number => z[(clip * T + t) * D + d];
  const imagined = (clip: number, t: number, d: number): number => open[(clip * (T - c) + t - c) * D + d];
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const over = (from: number, of: (clip: number, t: number, d: number) => number, to = T): number[] => {
    const values: number[] = [];
    for (let clip = 0; clip < clips; clip++)
      for (let t = from; t < to; t++) for (let d = 0; d < D; d++) values.push(of(clip, t, d));
    return values;
  };

  const expected: Record<string, number> = {
    oneStep: mean(over(2, (clip, t, d) => (known[(clip * T + t - 1) * D + d] - at(clip, t, d)) ** 2)),
    rollout: mean(over(c, (clip, t, d) => (imagined(clip, t, d) - at(clip, t, d)) ** 2)),
  };

  // Rollouts of three frames from contexts of four and five frames, the last there is room for.
  const later = await Promise.all(
    [4, 5].map(async (context) => {
      const future = await floats((await model.imagine(embeddings, actions, { context })).embeddings);
      return over(
        context,
        (clip, t, d) => (future[(clip * (T - context) + t - context) * D + d] - at(clip, t, d)) ** 2,
        context + 3,
      );
    }),
  );
  expected.laterRollouts = mean(later.flat());

  // Effect: error of the differences within a group, relative to the differences; a mean over groups.
  const ratios: number[] = [];
  const entropies: number[] = [];
  for (let group = 0; group < groups; group++) {
    const member = (i: number): number => 2 + group * twins + i;
    let [error, effect] = [0, 0];
    for (let t = 5; t < T; t++) {
      for (let d = 0; d < D; d++) {
        const all = Array.from({ length: twins }, (_, i) => i);
        const [centreP, centreZ] = [
          mean(all.map((i) => imagined(member(i), t, d))),
          mean(all.map((i) => at(member(i), t, d))),
        ];
        for (const i of all) {
          const [p, truth] = [imagined(member(i), t, d) - centreP, at(member(i), t, d) - centreZ];
          error += (p - truth) ** 2;
          effect += truth ** 2;
        }
      }
      // InfoNCE: which twin's frame t was predicted, by mean squared distance over the temperature.
      for (let i = 0; i < twins; i++) {
        const logits = Array.from({ length: twins }, (_, j) => {
          let distance = 0;
          for (let d = 0; d < D; d++) distance += (imagined(member(i), t, d) - at(member(j), t, d)) ** 2 / D;
          return -distance / options.temperature;
        });
        const largest = Math.max(...logits);
        entropies.push(largest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - logits[i]);
      }
    }
    ratios.push(error / (effect + 1e-3));
  }
  expected.effect = mean(ratios);
  expected.contrastive = mean(entropies);

  // Consequences: own actions from frame c on against those of clips a third and two thirds of the batch further, one of which is not another.
  const pushes = await floats(actions);
  const plan = (clip: number): Float32Array => pushes.subarray((clip * T + c) * A, (clip + 1) * T * A);
  const apart = (a: Float32Array, b: Float32Array): number => mean([...a].map((value, i) => (value - b[i]) ** 2));
  const shifts = [0, Math.round(clips / 3), Math.round((2 * clips) / 3)];
  const distances = await Promise.all(
    shifts.map(async (shift) => {
      const mixed = Float32Array.from(pushes);
      for (let clip = 0; clip < clips; clip++) mixed.set(plan((clip + shift) % clips), (clip * T + c) * A);
      const future = await floats(
        (await model.imagine(embeddings, tensor(mixed, { shape: [clips, T, A] }))).embeddings,
      );
      return (clip: number, t: number): number =>
        mean(Array.from({ length: D }, (_, d) => (future[(clip * (T - c) + t - c) * D + d] - at(clip, t, d)) ** 2));
    }),
  );
  const choices: number[] = [];
  let alike = 0;
  for (let clip = 0; clip < clips; clip++)
    for (let t = 5; t < T; t++) {
      const logits = shifts.flatMap((shift, k) => {
        const same = apart(plan(clip), plan((clip + shift) % clips)) < 1e-6;
        if (k > 0 && same) alike++;
        return k > 0 && same ? [] : [-distances[k](clip, t) / options.temperature];
      });
      choices.push(Math.log(logits.reduce((sum, x) => sum + Math.exp(x - logits[0]), 0)));
    }
  expect(alike).toBeGreaterThan(0);
  expected.consequence = mean(choices);

  // VICReg: hinge on the standard deviations, squared covariances off the diagonal over D.
  const n = clips * T;
  const centred = (d: number): number[] => {
    const column = Array.from({ length: n }, (_, row) => z[row * D + d]);
    const centre = mean(column);
    return column.map((value) => value - centre);
  };
  const columns = Array.from({ length: D }, (_, d) => centred(d));
  const covariance = (a: number, b: number): number =>
    columns[a].reduce((sum, value, row) => sum + value * columns[b][row], 0) / (n - 1);
  expected.variance = mean(columns.map((_, d) => Math.max(0, 1 - Math.sqrt(covariance(d, d) + 1e-4))));
  let off = 0;
  for (let a = 0; a < D; a++) for (let b = 0; b < D; b++) if (a !== b) off += covariance(a, b) ** 2;
  expected.covariance = off / D;

  for (const [name, value] of Object.entries(expected)) close(name, [terms[name]], [value], 2e-4);

  // The loss is the weighted sum of what it reports.
  const weights: Record<string, number> = {
    ...options,
    oneStep: 1,
    laterRollouts: options.rollout,
    temporalSigreg: options.sigreg * options.temporalSigreg,
  };
  const { loss, ...parts } = terms;
  expect(Object.keys(parts).sort()).toEqual(
    [
      'oneStep',
      'rollout',
      'laterRollouts',
      'sigreg',
      'temporalSigreg',
      'variance',
      'covariance',
      'inverseDynamics',
      'effect',
      'contrastive',
      'consequence',
      'critic',
      'likelihood',
    ].sort(),
  );
  close('loss', [loss], [Object.entries(parts).reduce((sum, [name, value]) => sum + weights[name] * value, 0)], 1e-5);
});

test('a weight of 0 leaves a term out', async () => {
  const model = await shaken(sensorConfig);
  const [observations, actions] = model.tensors(clipsFor(sensorConfig, clips, T));
  const none = Object.fromEntries(Object.keys(defaultObjective).map((key) => [key, 0])) as unknown as ObjectiveOptions;
  const terms = await termsOf(model, { ...none, firstTarget: 2, firstTwinFrame: 5 }, observations, actions);
  expect(Object.keys(terms).sort()).toEqual(['loss', 'oneStep']);
  expect(terms.loss).toBe(terms.oneStep);
});
