import { expect, it } from 'vitest';
import { trainingCharts } from '#lib/cli/page/training-charts.js';
import type { TrainingEvent } from '#lib/train/index.js';

const step = (number: number, metrics: Record<string, number>): TrainingEvent => ({
  type: 'step',
  step: number,
  steps: 30,
  metrics: { gradNorm: 1, learningRate: 1, ...metrics } as never,
  samplesPerSecond: 1,
  secondsLeft: 1,
});
const pointsOf = (chart: string): number => /points="([^"]*)"/.exec(chart)?.[1].split(' ').length ?? 0;

it('shows a loss below 0 too, and where the encoder was frozen', () => {
  const { loss } = trainingCharts([
    step(10, { loss: 2, oneStep: 0.1 }),
    step(20, { loss: -0.5, oneStep: 0.05, frozen: 1 }),
    step(30, { loss: -0.7, oneStep: 0, frozen: 1 }),
  ]);
  const [ofLoss, ofTerms] = loss.split('</figure>');
  expect([pointsOf(ofLoss), pointsOf(ofTerms)]).toEqual([3, 2]); // an axis of logarithms has no place for 0
  expect(loss.match(/encoder frozen/g)?.length).toBeGreaterThanOrEqual(3);
  const { loss: before } = trainingCharts([step(10, { loss: 2 }), step(20, { loss: 1 })]);
  expect(before).not.toMatch(/encoder frozen/);
});
