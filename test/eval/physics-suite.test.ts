import { describe, expect, it } from 'vitest';
import { evaluateCounterfactuals } from '#lib/eval/counterfactual.js';
import { evaluatePhysics } from '#lib/eval/index.js';
import { pixelSurprise } from '#lib/eval/pixel-baselines.js';
import { wilsonInterval } from '#lib/eval/statistics.js';
import { evaluateViolations, type Scorer } from '#lib/eval/violations.js';
import { WorldModel } from '#lib/world-model/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import { counterfactualPairs, violationPairs } from '#lib/worlds/physics/evaluation.js';
import { properties } from '#lib/worlds/physics/violations.js';
import { pictureConfig, sensorConfig } from '../world-model/small.js';

const pairs = 3;
const split = 'validation';

/** Possible clips are scored first, then their impossible twins, once each. */
function scorer(
  normalised: readonly [possible: number, impossible: number],
  raw: readonly [possible: number, impossible: number],
): { readonly score: Scorer; readonly calls: () => number } {
  let call = 0;
  return {
    calls: () => call,
    score: async ({ clips }) => {
      const which = call++ % 2;
      return {
        normalised: new Float32Array(clips).fill(normalised[which]),
        raw: new Float32Array(clips).fill(raw[which]),
      };
    },
  };
}

describe('violation of expectation', () => {
  it('gives whoever is always, never or indifferently surprised 100, 0 and 50', async () => {
    const model = scorer([1, 2], [2, 2]);
    const results = await evaluateViolations(
      {
        model: model.score,
        modelAtEqualCompute: scorer([2, 1], [1, 2]).score,
        untrained: scorer([1, 2], [5, 5]).score,
        autoencoder: scorer([2, 1], [-1, 0]).score,
      },
      { split, seed: 1, pairs },
    );
    expect(model.calls()).toBe(2 * (properties.length + 1));
    expect(Object.keys(results.perProperty)).toEqual([...properties]);
    for (const rows of [results.macro, ...Object.values(results.perProperty), results.colourControl]) {
      expect(rows.model.accuracy).toBe(100);
      expect(rows.modelAtEqualCompute.accuracy).toBe(0);
      expect(rows.untrained.accuracy).toBe(50);
      expect(rows.autoencoder.accuracy).toBe(100);
    }
    expect(results.rawMacro).toBe(50);
    for (const violation of [...properties, 'colour-change'] as const) {
      const count = violation === 'colour-change' ? 3 * pairs : pairs;
      const { possible, impossible, visible } = await violationPairs({
        violation,
        split,
        seed: 1,
        count,
        workers: 0,
      });
      const rows = violation === 'colour-change' ? results.colourControl : results.perProperty[violation];
      const counted = visible.reduce((sum, value) => sum + value, 0);
      expect(rows.model.interval).toEqual(wilsonInterval(counted, counted).map((bound) => 100 * bound));
      // The pixel rows, from the definition: mean squared first or second differences over frames 3 … 15.
      const energy = (bytes: Uint8Array, clip: number, order: 1 | 2): number => {
        const size = 64 * 64 * 3;
        let total = 0;
        for (let t = 3; t < 16; t++)
          for (let i = 0; i < size; i++) {
            const at = (back: number): number => bytes[(clip * 16 + t - back) * size + i];
            total += order === 1 ? (at(0) - at(1)) ** 2 : (at(0) - 2 * at(1) + at(2)) ** 2;
          }
        return total / (13 * size);
      };
      for (const [order, row] of [
        [1, rows.pixelDifference],
        [2, rows.secondDifference],
      ] as const) {
        let right = 0;
        for (let pair = 0; pair < count; pair++) {
          if (!visible[pair]) continue;
          const [calm, wild] = [
            energy(possible.observations, pair, order),
            energy(impossible.observations, pair, order),
          ];
          right += wild > calm ? 1 : wild === calm ? 0.5 : 0;
        }
        expect(row.accuracy).toBeCloseTo((100 * right) / counted, 9);
      }
      expect(pixelSurprise(possible, 'first')[0]).toBeCloseTo(energy(possible.observations, 0, 1), 3);
    }
    const macro = (kind: 'pixelDifference' | 'secondDifference'): number => {
      const of = (name: (typeof properties)[number]): number => results.perProperty[name][kind].accuracy;
      const seven = properties.filter((name) => !name.startsWith('permanence')).map(of);
      const permanence = (of('permanence-visible') + of('permanence-occluded')) / 2;
      return (seven.reduce((sum, value) => sum + value, 0) + permanence) / 8;
    };
    expect(results.macro.pixelDifference.accuracy).toBeCloseTo(macro('pixelDifference'), 9);
    expect(results.macro.secondDifference.accuracy).toBeCloseTo(macro('secondDifference'), 9);
  });
});

describe('counterfactuals', () => {
  it('are matched and measured as the definitions say', async () => {
    const model = WorldModel.create('tiny', {
      observation: { kind: 'image', height: 64, width: 64, channels: 3 },
      action: { size: 2 },
      frameRate: 15,
    });
    const count = 5;
    const found = await evaluateCounterfactuals(model, { split, seed: 3, count });
    const { one, another } = await counterfactualPairs({ split, seed: 3, count, workers: 1 });
    const floats = async (of: { data(): Promise<unknown> }): Promise<Float32Array> => (await of.data()) as Float32Array;
    const [inA, inB] = [model.tensors(one), model.tensors(another)];
    const [zA, zB] = [await floats(await model.encode(inA[0])), await floats(await model.encode(inB[0]))];
    const [pA, pB] = [
      await floats((await model.rollout(...inA)).embeddings),
      await floats((await model.rollout(...inB)).embeddings),
    ];
    const D = 64;
    const norm = (of: (d: number) => number): number =>
      Math.sqrt(Array.from({ length: D }, (_, d) => of(d) ** 2).reduce((a, b) => a + b));
    let [matched, counted, error, effect] = [0, 0, 0, 0];
    for (let pair = 0; pair < count; pair++) {
      const last = (pair * 16 + 15) * 12;
      if (Math.hypot(one.states[last] - another.states[last], one.states[last + 1] - another.states[last + 1]) <= 0.3)
        continue;
      counted++;
      let [own, other] = [0, 0];
      for (let k = 0; k < 12; k++) {
        const p = (pair * 12 + k) * D;
        const z = (pair * 16 + 4 + k) * D;
        own += norm((d) => pA[p + d] - zA[z + d]) ** 2 + norm((d) => pB[p + d] - zB[z + d]) ** 2;
        other += norm((d) => pA[p + d] - zB[z + d]) ** 2 + norm((d) => pB[p + d] - zA[z + d]) ** 2;
        error += norm((d) => pA[p + d] - pB[p + d] - zA[z + d] + zB[z + d]);
        effect += norm((d) => zA[z + d] - zB[z + d]);
      }
      if (own < other) matched++;
    }
    expect(counted).toBeGreaterThan(0);
    expect(found.match).toBeCloseTo((100 * matched) / counted, 9);
    expect(found.effectError).toBeCloseTo(error / effect, 5);
    expect([found.noEffect, found.random]).toEqual([1, 50]);
  });
});

describe('evaluatePhysics', () => {
  it('refuses models of other worlds and shares that are none, before any work', async () => {
    for (const [config, got] of [
      [sensorConfig, 'got one of vectors of 3, 2 actions and 3 frames'],
      [pictureConfig, 'got one of 16 × 16 × 3 pixels, 2 actions and 1 frames'],
    ] as const)
      await expect(evaluatePhysics(new WorldModel(config), { split, seed: 0 })).rejects.toMatchObject({
        code: 'ERR_JEPA_CONFIG',
        message: expect.stringContaining(got),
      });
    for (const scale of [0, 1.5, Number.NaN])
      await expect(evaluatePhysics(new WorldModel(sensorConfig), { split, seed: 0, scale })).rejects.toMatchObject({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: `[evaluatePhysics] expected a scale above 0 and at most 1, got ${scale}`,
      });
  });

  it('refuses options of other names', async () => {
    const options = { split, seed: 0, scales: 0.1 } as never;
    await expect(evaluatePhysics(new WorldModel(sensorConfig), options)).rejects.toThrow(/did you mean 'scale'/);
  });

  it('ends without anybody watching', async () => {
    const { model, training, dataset } = physicsTraining({ preset: 'tiny', seed: 0, clips: 4, workers: 1 });
    await training.finish(await dataset.statisticsBatches(2));
    const { results } = await evaluatePhysics(model, { split, seed: 0, scale: 0.01, autoencoderSteps: 200 });
    expect(results.rivals.autoencoderSteps).toBe(2);
    // The model's rows by hand: which of two clips surprises it more, in eight pairs of each law.
    const shares: Record<string, number> = {};
    for (const violation of properties) {
      const found = await violationPairs({ violation, split, seed: 0, count: 8, workers: 0 });
      const [calm, wild] = [
        (await model.surprise(...model.tensors(found.possible))).normalised,
        (await model.surprise(...model.tensors(found.impossible))).normalised,
      ];
      let [right, counted] = [0, 0];
      for (let pair = 0; pair < 8; pair++) {
        if (!found.visible[pair]) continue;
        counted++;
        right += wild[pair] > calm[pair] ? 1 : wild[pair] === calm[pair] ? 0.5 : 0;
      }
      shares[violation] = (100 * right) / counted;
      expect(results.violations.perProperty[violation].model.accuracy).toBeCloseTo(shares[violation], 9);
    }
    const { 'permanence-visible': seen, 'permanence-occluded': hidden, ...others } = shares;
    const total = Object.values(others).reduce((sum, value) => sum + value, (seen + hidden) / 2);
    expect(results.violations.macro.model.accuracy).toBeCloseTo(total / 8, 9);
  }, 120_000);
});
