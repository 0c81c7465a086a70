import { expect, it } from 'vitest';
import { evaluatePldmTwoRoom, pldmTwoRoomModel, trainPldmTwoRoom } from '#lib/plan/index.js';
import { PldmTwoRoom } from '#lib/worlds/pldm-two-room/environment.js';
import { pldmEpisodes } from '#lib/worlds/pldm-two-room/episodes.js';
import { Random } from '#lib/worlds/random.js';
import { sample } from '#lib/worlds/space.js';

/** Wilson's bounds in percent, from the roots of (p − k/n)² = z²·p(1 − p)/n. */
function wilson(k: number, n: number): unknown[] {
  const z2 = 1.959963984540054 ** 2;
  const root = Math.sqrt(z2 * (z2 + (4 * k * (n - k)) / n));
  return [-1, 1].map((sign) => expect.closeTo((100 * (2 * k + z2 + sign * root)) / (2 * (n + z2)), 9));
}

it('is planned in beside random actions, imitation and the simulator', async () => {
  const model = pldmTwoRoomModel(1);
  const options = { seed: 1, split: 'validation', episodes: 2, oracleEpisodes: 1, distanceSteps: 2 } as const;
  const { planMilliseconds, first, ...rows } = await evaluatePldmTwoRoom(model, { ...options, imitationSteps: 2 });
  // The protocol by hand: 200 steps an episode, a plan for each five, evenly drawn actions that are the same in every evaluation.
  const world = new PldmTwoRoom();
  const episodes = pldmEpisodes({ split: 'validation', seed: 1, count: 2 });
  const reachedByChance = episodes.filter(({ reset }, episode) => {
    world.reset(reset);
    return Array.from({ length: 40 }, (_, block) => new Random(1, `random actions ${episode} ${block}`)).some(
      (random) =>
        Array.from({ length: 5 }, () => sample(world.actionSpace, random) as Float32Array).some(
          (action) => world.step(action).terminated,
        ),
    );
  }).length;
  const reachedByPlan = [...first].filter((step) => step > 0).length;
  expect(first.length).toBe(2);
  expect(first.every((step) => step === -1 || (step >= 1 && step <= 200))).toBe(true);
  const plans = [...first].map((step) => (step === -1 ? 40 : Math.ceil(step / 5)));
  expect(planMilliseconds.length).toBe(plans[0] + plans[1]);
  for (const [row, reached, of] of [
    ['random', reachedByChance, 2],
    ['model', reachedByPlan, 2],
    ['imitation', (rows.imitation.accuracy / 100) * 2, 2],
    ['straight', (rows.straight.accuracy / 100) * 2, 2],
    ['oracle', rows.oracle.accuracy / 100, 1],
  ] as const) {
    expect(Array.from({ length: of + 1 }, (_, count) => count)).toContain(reached);
    expect(rows[row]).toEqual({ accuracy: (100 * reached) / of, interval: wilson(reached, of) });
  }
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
