import { afterAll, describe, expect, it } from 'vitest';
import { episodesOf, tensor, trainPredictor, WorldModel } from '#lib/index.js';
import { Random } from '#lib/worlds/random.js';
import { refusal, sensorConfig } from './small.js';

/** Three readings that the actions of two frames push about. */
const random = new Random(4, 'recordings');
const episodes = episodesOf(
  [30, 22].map((frames) => {
    const actions = Float32Array.from({ length: frames * 2 }, () => random.uniform(-1, 1));
    const readings = new Float32Array(frames * 3);
    for (let at = 3; at < readings.length; at++)
      readings[at] = 0.9 * readings[at - 3] + (at % 3 < 2 ? actions[2 * (Math.floor(at / 3) - 1) + (at % 3)] : 0.1);
    return {
      observations: { dtype: 'float32', shape: [frames, 3], data: readings },
      actions: { dtype: 'float32', shape: [frames, 2], data: actions },
    } as const;
  }),
  { frameRate: 10 },
);
const world = new WorldModel({
  ...sensorConfig,
  action: { ...sensorConfig.action, size: 4, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] },
});
const options = { steps: 200, learningRate: 1e-2, clips: 8, frameSkip: 2, clipFrames: 6, seed: 1 };
afterAll(() => world.dispose());

describe('trainPredictor', () => {
  it('leaves encoder and heads alone, learns another predictor, the same again', async () => {
    const predictor = { kind: 'recurrent', stateSize: 12, hidden: 8, blocks: 1 } as const;
    const losses: number[] = [];
    const train = () =>
      trainPredictor(world, episodes, {
        ...options,
        predictor,
        onEvent: (event) => event.type === 'step' && losses.push(event.metrics.loss),
      });
    using model = await train();
    expect(model.config).toEqual({ ...world.config, predictor, heads: { ...world.config.heads, variance: 0 } });
    expect(losses.length).toBe(20);
    expect(losses[19]).toBeLessThan(0.5 * losses[0]);
    const [before, after] = [await world.network.stateDict(), await model.network.stateDict()];
    const kept = [...after.keys()].filter((name) => !name.startsWith('predictor.'));
    expect(kept.length).toBeGreaterThan(8);
    for (const name of kept) expect(after.get(name), name).toEqual(before.get(name));
    using again = await train();
    expect(await again.network.stateDict()).toEqual(after);

    // From the context alone, the new predictor errs less than standing still.
    const readings = tensor((await episodes.observe(0, 0, 8, 2)) as Float32Array, { shape: [1, 8, 3] });
    const actions = tensor(episodes.actions[0].slice(0, 32), { shape: [1, 8, 4] });
    const seen = await model.encode(readings);
    const z = (await seen.data()) as Float32Array;
    const imagined = (await (await model.imagine(seen, actions)).embeddings.data()) as Float32Array;
    const { embeddingSize: D, contextFrames } = model.config;
    let [expected, still] = [0, 0];
    for (const [i, value] of imagined.entries()) {
      const came = z[contextFrames * D + i];
      expected += (value - came) ** 2;
      still += (z[(contextFrames - 1) * D + (i % D)] - came) ** 2;
    }
    expect(expected).toBeLessThan(0.5 * still);
  });

  it('keeps the kind of predictor, where none is given', async () => {
    using model = await trainPredictor(world, episodes, { ...options, steps: 1 });
    expect(model.config.predictor).toEqual(world.config.predictor);
  });

  it('refuses what it cannot learn from, and stops by its signal', async () => {
    const refused = (wrong: object) => trainPredictor(world, episodes, { ...options, ...wrong } as never);
    await expect(refused({ epochs: 1 })).rejects.toThrow("got 'epochs'");
    await expect(refused({ clipFrames: 3 })).rejects.toThrow(
      refusal('ERR_JEPA_INVALID_ARGUMENT', 'clipFrames to be above the 3 frames of context, got 3'),
    );
    await expect(refused({ clipFrames: 99 })).rejects.toThrow(refusal('ERR_JEPA_DATASET', 'an episode of at least'));
    await expect(refused({ predictor: { kind: 'recurrent', stateSize: 4, hidden: 4, blocks: -1 } })).rejects.toThrow(
      refusal('ERR_JEPA_CONFIG', 'predictor.blocks to be a whole number, 0 or more, got -1'),
    );
    await expect(refused({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
    const unfinished = new WorldModel(sensorConfig);
    unfinished.network.train();
    await expect(trainPredictor(unfinished, episodes)).rejects.toThrow('expected a model in evaluation mode');
  });
});
