import { expect, test } from 'vitest';
import { forceStatistics } from '#lib/world-model/physics-training.js';
import { physicsTrainingBatch } from '#lib/worlds/physics/training.js';

test('the model’s standardisation is near the forces it trains on', async () => {
  const forces: [number[], number[]] = [[], []];
  for (let index = 0; index < 60; index++) {
    const { actions } = await physicsTrainingBatch({ seed: 3 }, index);
    for (const [k, force] of actions.entries()) forces[k % 2].push(force);
  }
  for (const [channel, values] of forces.entries()) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean - forceStatistics.mean[channel])).toBeLessThan(0.06);
    expect(Math.abs(std - forceStatistics.std[channel])).toBeLessThan(0.08);
  }
});
