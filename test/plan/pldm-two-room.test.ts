import { expect, it } from 'vitest';
import { evaluatePldmTwoRoom, pldmTwoRoomModel, trainPldmTwoRoom } from '#lib/plan/index.js';

it('is planned in beside random actions, imitation and the simulator', async () => {
  const model = pldmTwoRoomModel(1);
  const options = { seed: 1, split: 'validation', episodes: 2, oracleEpisodes: 1, distanceSteps: 2 } as const;
  const { planMilliseconds, first, ...rows } = await evaluatePldmTwoRoom(model, { ...options, imitationSteps: 2 });
  expect(planMilliseconds.length).toBeGreaterThan(0);
  for (const row of ['random', 'imitation', 'model', 'oracle', 'straight'] as const)
    expect([0, 50, 100]).toContain(rows[row].accuracy);
  expect(first.length).toBe(2);
  await expect(evaluatePldmTwoRoom(model, { ...options, episodes: 0 })).rejects.toThrow(/episodes to be a positive/);
  await expect(evaluatePldmTwoRoom(model, { ...options, pairs: 3 } as never)).rejects.toThrow(/got 'pairs'/);
});

it('has a model that learns from wanderers', async () => {
  const losses: number[] = [];
  await trainPldmTwoRoom(1, {
    steps: 12,
    onEvent: (event) => event.type === 'step' && losses.push(event.metrics.loss),
  });
  expect(losses.at(-1)).toBeLessThan(losses[0]);
  await expect(trainPldmTwoRoom(1, { steps: 2, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_JEPA_ABORTED',
  });
});
