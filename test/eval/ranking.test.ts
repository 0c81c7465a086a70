import { describe, expect, it } from 'vitest';
import { embedTrainingClips } from '#lib/eval/embedded.js';
import { eliteSpearman, evaluateActionRanking, pairwiseAuc, rankingScores, topRegret } from '#lib/eval/index.js';
import { WorldModel } from '#lib/world-model/index.js';
import { candidateForcePlans } from '#lib/worlds/physics/evaluation.js';
import { Random } from '#lib/worlds/random.js';
import { sensorConfig } from '../world-model/small.js';

const draw = (stream: string, count: number): number[] => {
  const random = new Random(5, stream);
  return Array.from({ length: count }, () => random.uniform());
};

/** Kendall's τ-a: signs of all pairs. (τ + 1) / 2 is the share of pairs ordered rightly. */
function kendall(a: readonly number[], b: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < i; j++) total += Math.sign(a[i] - a[j]) * Math.sign(b[i] - b[j]);
  return total / ((a.length * (a.length - 1)) / 2);
}

/** Spearman without ties: 1 − 6 Σ d² / (n (n² − 1)). */
function spearmanOfDistinct(a: readonly number[], b: readonly number[]): number {
  const rank = (values: readonly number[], value: number): number => values.filter((other) => other < value).length;
  const n = a.length;
  const squares = a.reduce((sum, value, i) => sum + (rank(a, value) - rank(b, b[i])) ** 2, 0);
  return 1 - (6 * squares) / (n * (n * n - 1));
}

describe('pairwiseAuc', () => {
  it('looks only at pairs that truly differ', () => {
    const truth = [0, 0.04, 0.2, 0.5];
    // Pairs farther apart than 0.05: (0, 2) (0, 3) (1, 2) (1, 3) (2, 3).
    expect(pairwiseAuc([1, 2, 3, 4], truth, 0.05)).toBe(1);
    expect(pairwiseAuc([2, 1, 3, 4], truth, 0.05)).toBe(1); // 4 cm do not count
    expect(pairwiseAuc([1, 2, 4, 3], truth, 0.05)).toBe(4 / 5);
    expect(pairwiseAuc([4, 3, 2, 1], truth, 0.05)).toBe(0);
    expect(pairwiseAuc([1, 2], [0, 0.01], 0.05)).toBeNaN();
  });

  it('counts ties one half', () => {
    expect(pairwiseAuc([7, 7, 7, 7], [0, 0.04, 0.2, 0.5])).toBe(0.5);
    expect(pairwiseAuc([1, 1, 2], [0, 1, 2])).toBe(5 / 6);
  });

  it.each([2, 9, 40])("is Kendall's τ on another scale for %i candidates", (count) => {
    const [predicted, truth] = [draw('predicted', count), draw('truth', count)];
    expect(pairwiseAuc(predicted, truth)).toBeCloseTo((kendall(predicted, truth) + 1) / 2, 12);
  });
});

describe('topRegret', () => {
  it('is what the choice costs beyond the best one', () => {
    expect(topRegret([3, 1, 2], [0.2, 0.9, 0.4])).toBeCloseTo(0.7, 12);
    expect(topRegret([1, 3, 2], [0.2, 0.9, 0.4])).toBe(0);
    expect(topRegret([1, 1, 2], [0.2, 0.9, 0.4])).toBeCloseTo(0.35, 12); // either of the two
    expect(topRegret([5], [9])).toBe(0);
  });
});

describe('eliteSpearman', () => {
  it('correlates among those that look best only', () => {
    const [predicted, truth] = [draw('p', 20), draw('t', 20)];
    const elites = Array.from(predicted.keys())
      .sort((i, j) => predicted[i] - predicted[j])
      .slice(0, 7);
    const expected = spearmanOfDistinct(
      elites.map((i) => predicted[i]),
      elites.map((i) => truth[i]),
    );
    expect(eliteSpearman(predicted, truth, 7)).toBeCloseTo(expected, 12);
    expect(eliteSpearman(predicted, truth, 20)).toBeCloseTo(spearmanOfDistinct(predicted, truth), 12);
    // The worst candidates may stand as they like.
    const shuffled = truth.map((value, i) => (elites.includes(i) ? value : 100 - value));
    expect(eliteSpearman(predicted, shuffled, 7)).toBeCloseTo(expected, 12);
  });

  it('takes the earlier of equals, and knows no order where nothing varies', () => {
    expect(eliteSpearman([0, 1, 1, 1], [5, 6, 1, 2], 2)).toBe(1);
    expect(eliteSpearman([1, 1, 1], [1, 2, 3], 2)).toBeNaN();
  });
});

describe('rankingScores', () => {
  it('averages over choices; regret is a ratio of sums', () => {
    const choices = [
      { predicted: [1, 2, 3, 4], truth: [0, 1, 2, 3] },
      { predicted: [2, 1, 4, 3], truth: [0, 4, 6, 6.01] },
    ];
    const scores = rankingScores(choices, { margin: 0.05 });
    expect(scores.auc).toBeCloseTo((1 + 4 / 5) / 2, 12);
    expect(scores.regretCost).toBeCloseTo((0 + 4) / 2, 12);
    expect(scores.regret).toBeCloseTo(4 / (1.5 + 16.01 / 4), 12);
    expect(scores.spearman).toBeCloseTo((1 + 0.6) / 2, 12);
    expect(scores.eliteSpearman).toBeCloseTo((1 - 1) / 2, 12);
  });

  it('leaves out choices without a pair, but not their regret', () => {
    const { auc, regretCost } = rankingScores(
      [
        { predicted: [2, 1], truth: [0, 0.01] },
        { predicted: [1, 2], truth: [0, 1] },
      ],
      { margin: 0.05 },
    );
    expect([auc, regretCost]).toEqual([1, 0.005]);
  });

  it.each([
    [() => pairwiseAuc([1, 2], [1]), 'as many true as predicted costs, at least one, got 1 and 2'],
    [() => topRegret([], []), 'as many true as predicted costs, at least one, got 0 and 0'],
    [() => topRegret([Number.NaN, 1], [0, 1]), 'finite numbers, got NaN at position 0'],
    [() => pairwiseAuc([1, 2], [1, 2], -1), 'a margin of 0 or more, got -1'],
    [() => eliteSpearman([1, 2, 3], [1, 2, 3], 1), '2 to 3 elites, got 1'],
    [() => eliteSpearman([1, 2, 3], [1, 2, 3], 4), '2 to 3 elites, got 4'],
    [() => rankingScores([]), 'at least one choice, got none'],
  ])('refuses what has no order: case %#', (call, got) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT' }));
    expect(call).toThrow(got);
  });
});

describe('evaluateActionRanking', () => {
  it('judges plans by the simulator and orders them by pictures alone', async () => {
    const model = WorldModel.create('tiny', {
      observation: { kind: 'image', height: 64, width: 64, channels: 3 },
      action: { size: 2 },
      frameRate: 15,
    });
    const [split, seed, starts] = ['validation', 3, 3] as const;
    const { clips, costs } = await candidateForcePlans({ split, seed, count: starts, workers: 0 });
    const [observations, actions] = model.tensors(clips);
    const z = (await (await model.encode(observations)).data()) as Float32Array;
    const { embeddings } = await model.rollout(observations, actions);
    const imagined = (await embeddings.data()) as Float32Array;
    const D = 64;
    const shares: number[] = [];
    for (let start = 0; start < starts; start++) {
      const goal = start % 8;
      const place = (plan: number): number => ((start * 8 + plan) * 16 + 15) * 12;
      const truth = Array.from({ length: 8 }, (_, plan) => {
        const apart = (at: number): number =>
          Math.hypot(
            clips.states[place(plan) + at] - clips.states[place(goal) + at],
            clips.states[place(plan) + at + 1] - clips.states[place(goal) + at + 1],
          );
        return apart(0) + 0.5 * apart(5) * clips.states[place(goal) + 9];
      });
      for (const [plan, cost] of truth.entries()) expect(costs[(start * 8 + plan) * 8 + goal]).toBeCloseTo(cost, 5);
      const distance = Array.from({ length: 8 }, (_, plan) => {
        let total = 0;
        for (let d = 0; d < D; d++)
          total += (imagined[((start * 8 + plan) * 12 + 11) * D + d] - z[((start * 8 + goal) * 16 + 15) * D + d]) ** 2;
        return total;
      });
      let [right, pairs] = [0, 0];
      for (let i = 0; i < 8; i++)
        for (let j = 0; j < i; j++) {
          if (Math.abs(truth[i] - truth[j]) <= 0.05) continue;
          pairs++;
          if (distance[i] < distance[j] === truth[i] < truth[j]) right++;
        }
      shares.push(right / pairs);
    }
    const demonstrations = await embedTrainingClips(model, seed, 40);
    const found = await evaluateActionRanking(model, { split, seed, starts, demonstrations });
    expect(found.auc).toBeCloseTo(shares.reduce((sum, share) => sum + share) / starts, 9);
    expect(Object.keys(found.scorers)).toEqual(['random', 'imitation', 'latent', 'critic']);
    expect([found.scorers.latent?.auc, found.scorers.critic?.auc]).toEqual([found.auc, found.aucCritic]);
    expect(found.pixel).toBeNaN();
  }, 120_000);

  it('refuses models of other worlds', async () => {
    await expect(
      evaluateActionRanking(new WorldModel(sensorConfig), { split: 'validation', seed: 0 }),
    ).rejects.toMatchObject({
      code: 'ERR_JEPA_CONFIG',
      message: expect.stringContaining('[evaluateActionRanking] expected a model of 64 × 64 × 3 pixels'),
    });
  });
});
