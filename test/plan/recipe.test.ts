import { describe, expect, it } from 'vitest';
import { bucketRecipe, evaluateRecipe, pendulumRecipe, pushTRecipe, trainRecipe } from '#lib/plan/index.js';

const shares = { accuracy: expect.any(Number), interval: [expect.any(Number), expect.any(Number)] };
const planned = { model: shares, oracle: shares };

describe.each([
  ['push-t', pushTRecipe, 2],
  ['pendulum', pendulumRecipe, 2],
  ['bucket', bucketRecipe, 1],
] as const)('the recipe of %s', (name, recipe, horizon) => {
  it('trains a model, plans with it, and puts rows beside it', async () => {
    expect(recipe.name).toBe(name);
    const losses: number[] = [];
    const model = await trainRecipe(recipe, {
      seed: 1,
      steps: 3,
      recordings: 24,
      onEvent: (event) => event.type === 'step' && losses.push(event.metrics.loss),
    });
    expect(losses.length > 0 && losses.every(Number.isFinite)).toBe(true);
    const { observation, action } = model.config;
    expect(observation).toMatchObject({ height: recipe.imageSize, width: recipe.imageSize });
    expect(action.size).toBe(recipe.actionSize);
    const short = {
      ...recipe,
      task: async (options: Parameters<typeof recipe.task>[0]) => {
        const task = await recipe.task(options);
        const episodes = task.episodes.map((episode) => ({ ...episode, budget: 2 * task.blockSteps }));
        return { ...task, episodes, planner: { ...task.planner, horizon, numSamples: 16 } };
      },
    };
    const options = { seed: 1, split: 'validation', episodes: 1, recordings: 24, imitationSteps: 2 } as const;
    const { rows, replanning } = await evaluateRecipe(short, model, { ...options, replanning: true });
    expect(rows).toMatchObject({ ...planned, random: shares, imitation: shares });
    expect(rows.first.length).toBe(1);
    expect(replanning).toMatchObject({ every: { model: rows.model, oracle: rows.oracle }, never: planned });
    if (horizon > 1) expect(replanning?.everySecond).toMatchObject(planned);
    else expect(replanning).not.toHaveProperty('everySecond');
    model.dispose();
  });
});

it('says what is wrong with its options', async () => {
  const wrong = { seed: 1, epochs: 3 } as never;
  await expect(trainRecipe(pendulumRecipe, wrong)).rejects.toThrow(/\[trainRecipe\] .*got 'epochs'/);
  await expect(trainRecipe(pendulumRecipe, { seed: 1, steps: 0 })).rejects.toThrow(/steps to be a positive integer/);
});
