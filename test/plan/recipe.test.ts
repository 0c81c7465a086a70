import { describe, expect, it } from 'vitest';
import { bucketRecipe, evaluateRecipe, pendulumRecipe, pushTRecipe, trainRecipe } from '#lib/plan/index.js';

/** Wilson's interval of one episode: its inner bound is z²/(1 + z²) or 1/(1 + z²). */
const share = (reached: boolean): object =>
  reached
    ? { accuracy: 100, interval: [expect.closeTo(20.654931, 5), expect.closeTo(100, 9)] }
    : { accuracy: 0, interval: [expect.closeTo(0, 9), expect.closeTo(79.345069, 5)] };

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
    /** Whether each run of the episode ended at the goal, counted where it happens. */
    const ended: boolean[] = [];
    let blockSteps = 0;
    const short = {
      ...recipe,
      task: async (options: Parameters<typeof recipe.task>[0]) => {
        const task = await recipe.task(options);
        const { world } = task;
        const [reset, step] = [world.reset.bind(world), world.step.bind(world)];
        world.reset = (given) => {
          ended.push(false);
          return reset(given);
        };
        world.step = async (action) => {
          const result = await step(action);
          if (result.terminated) ended[ended.length - 1] = true;
          return result;
        };
        blockSteps = task.blockSteps;
        const episodes = task.episodes.map((episode) => ({ ...episode, budget: 2 * task.blockSteps }));
        return { ...task, episodes, leastHorizon: undefined, planner: { ...task.planner, horizon, numSamples: 16 } };
      },
    };
    const options = { seed: 1, split: 'validation', episodes: 1, recordings: 24, imitationSteps: 2 } as const;
    const { rows, replanning } = await evaluateRecipe(short, model, { ...options, replanning: true });
    // The model goes first, then who it is compared with; rarer plans have a model and an oracle each.
    expect(ended.length).toBe(horizon > 1 ? 8 : 6);
    const [planned, random, imitation, searched] = ended.map(share);
    expect(rows).toMatchObject({ model: planned, random, imitation, oracle: searched });
    expect(rows.first.length).toBe(1);
    expect(rows.first[0] > 0).toBe(ended[0]);
    expect(rows.planMilliseconds.length).toBe(ended[0] ? Math.ceil(rows.first[0] / blockSteps) : 2); // a plan a block
    const pair = (at: number): object => ({ model: share(ended[at]), oracle: share(ended[at + 1]) });
    expect(replanning).toEqual({
      every: { model: planned, oracle: searched },
      ...(horizon > 1 ? { everySecond: pair(4) } : {}),
      never: pair(horizon > 1 ? 6 : 4),
    });
    model.dispose();
  });
});

it('says what is wrong with its options', async () => {
  const wrong = { seed: 1, epochs: 3 } as never;
  await expect(trainRecipe(pendulumRecipe, wrong)).rejects.toThrow(/\[trainRecipe\] .*got 'epochs'/);
  await expect(trainRecipe(pendulumRecipe, { seed: 1, steps: 0 })).rejects.toThrow(/steps to be a positive integer/);
});
