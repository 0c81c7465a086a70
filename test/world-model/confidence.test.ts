import { describe, expect, it } from 'vitest';
import { reliability } from '#lib/eval/index.js';
import { bestProbabilities, fitTemperature } from '#lib/world-model/index.js';
import { Random } from '#lib/worlds/random.js';

/** Choices whose best candidate is drawn from softmax(−cost/τ): what a judge of temperature τ would be right about. */
function drawn(temperature: number, count: number): { predicted: number[]; truth: number[] }[] {
  const random = new Random(4, 'choices');
  return Array.from({ length: count }, () => {
    const predicted = Array.from({ length: 5 }, () => random.uniform(0, 2));
    const weights = predicted.map((cost) => Math.exp(-cost / temperature));
    const drawn = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
    const upTo = (i: number): number => weights.slice(0, i + 1).reduce((sum, weight) => sum + weight, 0);
    const best = weights.findIndex((_, i) => drawn < upTo(i));
    return { predicted, truth: predicted.map((_, i) => (i === best ? 0 : 1)) };
  });
}

describe('bestProbabilities', () => {
  it('is softmax of −cost/τ, far from overflow', () => {
    const costs = [0.1, 0.4, 0.3];
    const weights = costs.map((cost) => Math.exp(-cost / 0.2));
    const total = weights.reduce((sum, weight) => sum + weight);
    for (const [i, p] of bestProbabilities(costs, 0.2).entries()) expect(p).toBeCloseTo(weights[i] / total, 14);
    expect([...bestProbabilities([1e6, 1e6 + 1], 1e-3)]).toEqual([1, 0]);
    for (const temperature of [0, -1, Number.NaN])
      expect(() => bestProbabilities(costs, temperature)).toThrow(`a temperature above 0, got ${temperature}`);
  });
});

describe('fitTemperature', () => {
  it.each([0.05, 0.3, 4])('finds the most likely temperature: %d', (temperature) => {
    const choices = drawn(temperature, 3000);
    const loss = (tau: number): number =>
      choices.reduce((sum, { predicted, truth }) => {
        const all = predicted.reduce((total, cost) => total + Math.exp(-cost / tau), 0);
        return sum + predicted[truth.indexOf(0)] / tau + Math.log(all);
      }, 0);
    const found = fitTemperature(choices);
    expect(Math.abs(Math.log(found / temperature))).toBeLessThan(0.2);
    for (const factor of [0.99, 1.01]) expect(loss(found)).toBeLessThanOrEqual(loss(found * factor));
  });

  it('gives confidences that are what they say', () => {
    const temperature = fitTemperature(drawn(0.3, 1000));
    const fresh = drawn(0.3, 4000).slice(1000);
    const sure = fresh.map(({ predicted }) => Math.max(...bestProbabilities(predicted, temperature)));
    const right = fresh.map(({ predicted, truth }) => truth[predicted.indexOf(Math.min(...predicted))] === 0);
    expect(reliability(sure, right).calibrationError).toBeLessThan(0.04);
    const boastful = fresh.map(({ predicted }) => Math.max(...bestProbabilities(predicted, temperature / 10)));
    expect(reliability(boastful, right).calibrationError).toBeGreaterThan(0.1);
  });

  it('knows nothing better than 1 where all look alike, and refuses nothing at all', () => {
    expect(fitTemperature([{ predicted: [2, 2], truth: [0, 1] }])).toBe(1);
    expect(() => fitTemperature([])).toThrow('at least one choice, got none');
  });
});

describe('reliability', () => {
  it('weighs the gaps of bins', () => {
    const { accuracy, confidence, calibrationError, brier } = reliability([0.95, 0.92, 0.15, 1], [1, 0, true, 1], 10);
    expect(accuracy).toBe(0.75);
    expect(confidence).toBeCloseTo(3.02 / 4, 12);
    expect(calibrationError).toBeCloseTo((Math.abs(2 - 2.87) + Math.abs(1 - 0.15)) / 4, 12); // 1 shares the last bin
    expect(brier).toBeCloseTo((0.05 ** 2 + 0.92 ** 2 + 0.85 ** 2) / 4, 12);
    expect(() => reliability([1.1], [1])).toThrow('confidences from 0 to 1, got 1.1');
    expect(() => reliability([], [])).toThrow('at least one, got 0 and 0');
  });
});
