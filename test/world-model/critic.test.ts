import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pairwiseAuc } from '#lib/eval/index.js';
import { sealed } from '#lib/io/digest.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '#lib/io/safetensors.js';
import { CriticHead } from '#lib/models/ranking-critic.js';
import { tensor } from '#lib/tensor/index.js';
import { memory } from '#lib/tensor/machine.js';
import { type PlanChoices, RankingCritic, trainCritic, WorldModel } from '#lib/world-model/index.js';
import { seedOfPart } from '#lib/world-model/physics-training.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { checkLayer } from '../nn/check-layer.js';
import { gelu } from '../nn/reference.js';
import { clipsFor, pictureConfig, sensorConfig, shaken } from './small.js';

const plans = 4;

/** Plans of one start each: equal up to the context's last frame; a plan costs by how far its mean action is from the goal's. */
function choicesOf(starts: number, seed: number): PlanChoices & { readonly costs: Float32Array } {
  const frames = 7;
  const { contextFrames: c } = sensorConfig;
  const clips = clipsFor(sensorConfig, starts * plans, frames, seed);
  const [observations, actions] = [clips.observations as Float32Array, clips.actions];
  const pushes: number[] = [];
  for (let clip = 0; clip < starts * plans; clip++) {
    const first = clip - (clip % plans);
    observations.set(observations.subarray(first * frames * 3, first * frames * 3 + c * 3), clip * frames * 3);
    actions.set(actions.subarray(first * frames * 2, first * frames * 2 + c * 2), clip * frames * 2);
    const push = actions[(clip * frames + c) * 2];
    for (let t = c; t < frames; t++) actions[(clip * frames + t) * 2] = push;
    pushes.push(push);
  }
  const costs = Float32Array.from({ length: starts * plans * plans }, (_, at) => {
    const one = Math.floor(at / plans);
    return 5 * Math.abs(pushes[one] - pushes[one - (one % plans) + (at % plans)]);
  });
  // The last frame shows the outcome, so that goals can be told apart.
  for (const [clip, push] of pushes.entries())
    observations.fill(push, ((clip + 1) * frames - 1) * 3, (clip + 1) * frames * 3);
  return { starts, plans, clips, costs };
}

const settings = { steps: 150, starts: 16, seed: 3, weightDecay: 0 };

/** Of plan 0 … of start 0 towards the outcome of plan 1. */
async function costsOf(
  critic: RankingCritic,
  choices: PlanChoices,
  start: number,
  goalPlan: number,
): Promise<Float32Array> {
  const { world } = critic;
  const [observations, actions] = world.tensors(choices.clips);
  const z = (await (await world.encode(observations)).data()) as Float32Array;
  const taken = (await actions.data()) as Float32Array;
  const { embeddingSize: D, contextFrames: c } = world.config;
  const frames = choices.clips.frames;
  const first = start * plans;
  return critic.costs(
    world,
    tensor(z.slice(first * frames * D, (first * frames + c) * D), { shape: [1, c, D] }),
    tensor(taken.slice(first * frames * 2, (first + plans) * frames * 2), { shape: [plans, frames, 2] }),
    z.slice(((first + goalPlan + 1) * frames - 1) * D, (first + goalPlan + 1) * frames * D),
  );
}

describe('CriticHead', () => {
  it.each([3, 0])('is the distance of corrected ends, gradients too: state of %i', async (stateSize) => {
    const [D, hidden, width] = [4, 5, 2];
    const head = new CriticHead({ embeddingSize: D, stateSize, hidden, width, seed: 1 });
    const last = head.correction.layers[1];
    await last.weight.write(Float32Array.from({ length: D * hidden }, (_, i) => Math.sin(i)));
    const dense = (x: readonly number[], weight: Float64Array, bias: Float64Array): number[] =>
      Array.from(bias, (b, o) => x.reduce((sum, value, i) => sum + value * weight[o * x.length + i], b));
    await checkLayer({
      module: head,
      inputs: {
        ...(stateSize ? { start: [2, stateSize], state: [2, stateSize] } : {}),
        embedding: [2, D],
        goal: [2, D],
      },
      forward: ({ start = tensor([], { shape: [2, 0] }), state = start, embedding, goal }) =>
        head.distance(head.end({ start, state, embedding }), head.goal(goal)),
      reference: (v) => {
        const perceptron = (x: readonly number[], name: string): number[] =>
          dense(
            dense(x, v[`${name}.layers.0.weight`], v[`${name}.layers.0.bias`]).map(gelu),
            v[`${name}.layers.1.weight`],
            v[`${name}.layers.1.bias`],
          );
        return [0, 1].map((row) => {
          const part = (name: string, size: number): number[] =>
            size === 0 ? [] : Array.from(v[name].subarray(row * size, (row + 1) * size));
          const end = part('embedding', D);
          const correction = perceptron(
            [...end, ...part('state', stateSize), ...part('start', stateSize)],
            'correction',
          );
          const place = perceptron(
            end.map((value, d) => value + correction[d]),
            'projection',
          );
          const goal = perceptron(part('goal', D), 'projection');
          return Math.sqrt(place.reduce((sum, value, i) => sum + (value - goal[i]) ** 2, 1e-4));
        });
      },
      tolerance: 1e-4,
    });
  });
});

describe('trainCritic', () => {
  it('learns which plan is better, from costs or from pictures alone, and says how sure it is', async () => {
    const world = await shaken(sensorConfig);
    const before = await world.network.stateDict();
    const taught = choicesOf(60, 1);
    const fresh = choicesOf(12, 2);
    const auc = async (critic: RankingCritic): Promise<number> => {
      let total = 0;
      for (let start = 0; start < fresh.starts; start++) {
        const truth = Array.from({ length: plans }, (_, plan) => fresh.costs[(start * plans + plan) * plans + 1]);
        total += pairwiseAuc(await costsOf(critic, fresh, start, 1), truth, 0.2) / fresh.starts;
      }
      return total;
    };
    const losses: number[] = [];
    const critic = await trainCritic(world, [taught], { ...settings, onStep: (_, loss) => losses.push(loss) });
    expect(losses).toHaveLength(settings.steps);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]);
    expect(await auc(critic)).toBeGreaterThan(0.9);
    expect(await auc(new RankingCritic(world, { scale: 1 }))).toBeLessThan(0.85); // what training adds
    const { clips, starts } = taught;
    expect(await auc(await trainCritic(world, [{ starts, plans, clips }], settings))).toBeGreaterThan(0.85);
    expect(await world.network.stateDict()).toEqual(before); // the model is only asked
    expect(critic.temperature).toBeGreaterThan(0);

    const again = await trainCritic(world, [choicesOf(60, 1)], settings);
    expect(await again.head.stateDict()).toEqual(await critic.head.stateDict());

    const path = join(temporaryFolder(), 'a.critic');
    await critic.save(path);
    const loaded = await RankingCritic.load(path, world);
    expect(await costsOf(loaded, fresh, 0, 1)).toEqual(await costsOf(critic, fresh, 0, 1));
    expect([loaded.temperature, loaded.scale]).toEqual([critic.temperature, critic.scale]);
    await expect(RankingCritic.load(path, new WorldModel(sensorConfig))).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_MISMATCH',
    });

    // rank: the critic's costs, and softmax(−cost/τ) as confidence.
    const { contextFrames: c } = sensorConfig;
    const frames = tensor((fresh.clips.observations as Float32Array).slice(0, 3 * c), { shape: [c, 3] });
    const candidates = tensor(fresh.clips.actions.slice(0, plans * 7 * 2), { shape: [plans, 7, 2] });
    const goal = tensor((fresh.clips.observations as Float32Array).slice((2 * 7 - 1) * 3, 2 * 7 * 3), {
      shape: [1, 3],
    });
    const ranked = await world.rank(frames, candidates, { goal, by: critic });
    const costs = await costsOf(critic, fresh, 0, 1);
    const weights = Array.from(costs, (cost) => Math.exp(-cost / (critic.temperature as number)));
    for (const { index, cost, confidence } of ranked) {
      expect(cost).toBeCloseTo(costs[index], 4);
      expect(confidence).toBeCloseTo(weights[index] / weights.reduce((sum, weight) => sum + weight), 4);
    }
    expect(ranked.map(({ cost }) => cost)).toEqual(
      [...costs].sort((a, b) => a - b).map((cost) => expect.closeTo(cost, 4)),
    );
    const [unsure] = await world.rank(frames, candidates, { goal });
    expect(unsure).not.toHaveProperty('confidence');
    const [tempered] = await world.rank(frames, candidates, { goal, temperature: 1e6 });
    expect(tempered.confidence).toBeCloseTo(1 / plans, 3);
    await expect((await shaken(sensorConfig)).rank(frames, candidates, { goal, by: critic })).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_MISMATCH',
    });
  }, 60_000);

  it('learns physics from other starts with every seed', () => {
    const seeds = Array.from({ length: 50 * 60 }, (_, at) => seedOfPart(Math.floor(at / 60), at % 60));
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  it('frees what it made when it is stopped, while it looks at choices and while it learns', async () => {
    const world = await shaken(sensorConfig);
    const choices = choicesOf(8, 1);
    const held = (): number => memory().variableBytes; // less where models of other tests are collected meanwhile
    (await trainCritic(world, [choices], { ...settings, steps: 1 })).dispose(); // the model's own variables get their memory
    const before = held();
    const looking = new AbortController();
    const stopped = (async function* () {
      yield choices;
      looking.abort();
      yield choices;
    })();
    await expect(trainCritic(world, stopped, { ...settings, signal: looking.signal })).rejects.toMatchObject({
      code: 'ERR_JEPA_ABORTED',
    });
    expect(held()).toBeLessThanOrEqual(before);
    const learning = new AbortController();
    const onStep = () => learning.abort();
    await expect(trainCritic(world, [choices], { ...settings, signal: learning.signal, onStep })).rejects.toMatchObject(
      {
        code: 'ERR_JEPA_ABORTED',
      },
    );
    expect(held()).toBeLessThanOrEqual(before);
  });

  it('is not read from a file that is no critic', async () => {
    const world = new WorldModel(sensorConfig);
    const path = join(temporaryFolder(), 'hostile.critic');
    await new RankingCritic(world, { scale: 2, temperature: 0.5 }).save(path);
    const { metadata, tensors } = await readSafetensors(path);
    const { sha256: _, ...plain } = metadata;
    const name = 'projection.layers.0.bias';
    const bias = tensors.get(name) as HostTensor;
    const other = (tensor?: HostTensor): Map<string, HostTensor> => {
      const changed = new Map(tensors);
      if (tensor) changed.set(name, tensor);
      else changed.delete(name);
      return changed;
    };
    const { scale: __, ...unscaled } = plain;
    for (const [said, state, message] of [
      [unscaled, tensors, "expected a scale above 0, got 'none'"],
      [{ ...plain, scale: 'NaN' }, tensors, "expected a scale above 0, got 'NaN'"],
      [{ ...plain, scale: '-1' }, tensors, "expected a scale above 0, got '-1'"],
      [{ ...plain, temperature: '' }, tensors, "expected a temperature above 0, got ''"],
      [{ ...plain, temperature: 'Infinity' }, tensors, "expected a temperature above 0, got 'Infinity'"],
      [plain, other(), 'expected the weights of a critic, got others'],
      [plain, other({ ...bias, shape: [1, bias.data.length] }), 'expected the weights of a critic, got others'],
      [
        plain,
        other({ ...bias, dtype: 'int32', data: new Int32Array(bias.data.length) }),
        'expected the weights of a critic, got others',
      ],
      [
        plain,
        other({ ...bias, data: new Float32Array(bias.data.length).fill(Number.NaN) }),
        `expected ${name} of finite numbers, got NaN`,
      ],
    ] as const) {
      await writeSafetensors(path, state, sealed(said, state));
      await expect(RankingCritic.load(path, world)).rejects.toMatchObject({
        code: 'ERR_JEPA_CHECKPOINT_FORMAT',
        message: expect.stringContaining(message),
      });
    }
    await writeSafetensors(path, tensors, sealed(plain, tensors));
    expect((await RankingCritic.load(path, world)).scale).toBe(2);
  });

  it('refuses what it cannot learn from', async () => {
    const world = new WorldModel(sensorConfig);
    const one = choicesOf(2, 1);
    for (const [choices, options, message] of [
      [[], {}, 'as many plans each, got none'],
      [[one, { ...one, starts: 4, plans: 2, costs: undefined }], {}, 'as many plans each, got 4, 2'],
      [[{ ...one, starts: 3 }], {}, '3 starts · 4 plans clips and costs [3, 4, 4], got 8 clips and 32 costs'],
      [[choicesOf(1, 1)], {}, 'two starts or more with two plans or more, got 1 starts with 4 plans'],
      [[one], { steps: 0 }, 'steps to be a whole number, 1 or more, got 0'],
      [[one], { ranking: -1 }, 'ranking to be a number, 0 or more, got -1'],
      [[one], { heldOut: 1 }, 'heldOut between 0 and 1, got 1'],
    ] as const)
      await expect(trainCritic(world, choices, options)).rejects.toThrow(message);
    await expect(trainCritic(world, [one], { step: 5 } as object)).rejects.toMatchObject({
      code: 'ERR_JEPA_UNKNOWN_OPTION',
    });
  });

  it('judges plans of a model without memory too', async () => {
    const world = new WorldModel(pictureConfig);
    const clips = clipsFor(pictureConfig, 8, 3);
    const critic = await trainCritic(world, [{ starts: 2, plans: 4, clips }], { steps: 2 });
    expect(critic.temperature).toBeGreaterThan(0);
  });
});
