// The short way to a world model: from an environment, recorded episodes, or batches of clips.
import { describe, expect, it, vi } from 'vitest';
import {
  box,
  checkEnvironment,
  clips,
  contains,
  dict,
  discrete,
  type Environment,
  episodeStatistics,
  episodesOf,
  fromIndex,
  Planner,
  recordEpisodes,
  type TrainingEvent,
  tensor,
  WorldModel,
} from '#lib/index.js';
import { Random } from '#lib/worlds/random.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, sensorConfig } from './small.js';

/** A cart on rails: place and speed are seen, the push is the action; over when it leaves the rails. */
class Cart implements Environment<Float32Array, Float32Array> {
  readonly name = 'cart';
  readonly observationSpace = box({ shape: [2], low: -10, high: 10 });
  readonly actionSpace = box({ shape: [1], low: -1, high: 1, names: ['push'], units: ['N'] });
  readonly frameRate = 10;
  #x = 0;
  #v = 0;

  reset({ seed = 0 } = {}): { observation: Float32Array } {
    this.#x = new Random(seed, 'start').uniform(-1, 1);
    this.#v = 0;
    return { observation: Float32Array.of(this.#x, this.#v) };
  }

  step([push]: Float32Array): { observation: Float32Array; terminated: boolean } {
    this.#v = 0.9 * this.#v + 0.2 * push;
    this.#x += this.#v;
    return { observation: Float32Array.of(this.#x, this.#v), terminated: Math.abs(this.#x) > 4 };
  }

  render(): never {
    throw new Error('not drawn');
  }

  close(): void {}
}

const short = { steps: 40, training: { objective: { directions: 16 }, learningRate: 3e-3 } } as const;

describe('WorldModel.fit', () => {
  it('plays an environment and learns what its actions do', async () => {
    const events: TrainingEvent[] = [];
    const world = await WorldModel.fit(new Cart(), {
      ...short,
      predictor: 'transformer',
      record: { episodes: 24, frames: 40 },
      onEvent: (event) => events.push(event),
    });
    expect(world.config).toMatchObject({
      observation: { kind: 'vector', size: 2 },
      action: { size: 1 },
      frameRate: 10,
      predictor: { kind: 'transformer' },
    });
    expect(world.config.action.std[0]).toBeGreaterThan(0.4); // of numbers spread evenly over ±1: .58
    expect(world.config.action.std[0]).toBeLessThan(0.75);
    const losses = events.flatMap((event) => (event.type === 'step' ? [event.metrics.oneStep] : []));
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]);
    expect(events.at(-1)).toMatchObject({ type: 'done', step: 40 });
    // Pushed right and pushed left end in different places.
    const seen = tensor(new Float32Array(8), { shape: [4, 2] });
    const plan = (push: number) => tensor(new Float32Array(9).fill(push), { shape: [9, 1] });
    const { effect } = await world.counterfactual(seen, plan(1), plan(-1));
    const last = ((await effect.data()) as Float32Array).slice(-world.config.embeddingSize);
    expect(last.reduce((sum, value) => sum + value * value, 0) / last.length).toBeGreaterThan(0.05);
  });

  it('repeats itself for a seed', async () => {
    const fitted = async (seed: number): Promise<Float32Array> => {
      const options = { ...short, steps: 3, seed, record: { episodes: 4, frames: 24 } };
      using world = await WorldModel.fit(new Cart(), options);
      return (await world.network.parameters()[0].read()) as Float32Array;
    };
    expect(await fitted(1)).toEqual(await fitted(1));
    expect(await fitted(2)).not.toEqual(await fitted(1));
  });

  it('takes recorded episodes, and batches that come with what they are of', async () => {
    const { observations, actions } = clipsFor(sensorConfig, 1, 60);
    const episodes = episodesOf(
      [
        {
          observations: { dtype: 'float32', shape: [60, 3], data: observations },
          actions: { dtype: 'float32', shape: [60, 2], data: actions },
        },
      ],
      { frameRate: 5 },
    );
    using recorded = await WorldModel.fit(episodes, { ...short, steps: 2, clipFrames: 8, clips: 4, frameSkip: 2 });
    expect(recorded.config).toMatchObject({ action: { size: 4 }, frameRate: 2.5 });
    const batches = fromIndex((index) => clipsFor(sensorConfig, 4, 8, index));
    const { observation, action } = sensorConfig;
    using batched = await WorldModel.fit(batches, { ...short, steps: 2, observation, action, frameRate: 10 });
    expect(batched.config.observation).toEqual(observation);
    expect(batched.network.training).toBe(false);
  });

  it('stops at its signal, and refuses what it cannot learn from', async () => {
    const controller = new AbortController();
    const stopped = WorldModel.fit(new Cart(), {
      ...short,
      record: { episodes: 4, frames: 24 },
      signal: controller.signal,
      onEvent: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
    await expect(WorldModel.fit(new Cart(), { record: { frames: 8 } })).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      help: [expect.stringContaining('record longer episodes, or ask for clips of fewer frames (`clipFrames`')],
    });
    // @ts-expect-error a misspelled option
    await expect(WorldModel.fit(new Cart(), { step: 4 })).rejects.toThrow("did you mean 'steps'?");
    // @ts-expect-error no source
    await expect(WorldModel.fit({})).rejects.toThrow(
      '[WorldModel.fit] expected an environment, recorded episodes or batches of clips, got object',
    );
  });
});

/** The cart, whose place is a bright column of a picture and whose speed is read; nothing else tells the way it goes. */
class FilmedCart implements Environment<{ camera: Uint8Array; speed: Float32Array }, Float32Array> {
  readonly name = 'filmed cart';
  readonly observationSpace = dict({
    camera: box({ shape: [8, 16, 1], low: 0, high: 255, dtype: 'uint8' }),
    speed: box({ shape: [1], low: -10, high: 10, names: ['speed'], units: ['m/s'] }),
  });
  readonly actionSpace = box({ shape: [1], low: -1, high: 1 });
  readonly frameRate = 10;
  #cart = new Cart();

  reset(options = {}) {
    return this.#filmed({ ...this.#cart.reset(options), terminated: false });
  }

  step(action: Float32Array) {
    return this.#filmed(this.#cart.step(action));
  }

  render() {
    return { data: new Uint8Array(128), width: 16, height: 8, channels: 1 };
  }

  close(): void {}

  #filmed({ observation: [x, v], terminated }: ReturnType<Cart['step']>) {
    const camera = new Uint8Array(128);
    for (let row = 0; row < 8; row++) {
      for (let column = 0; column < 16; column++)
        camera[row * 16 + column] = 255 * Math.max(0, 1 - Math.abs(2 * x + 8 - column));
    }
    return { observation: { camera, speed: Float32Array.of(v) }, terminated };
  }
}

describe('an environment that shows several modalities', () => {
  it('keeps its contract, or is told what it breaks', async () => {
    await checkEnvironment(new FilmedCart());
    class Deaf extends FilmedCart {
      override step(action: Float32Array) {
        const { observation, ...rest } = super.step(action);
        return { ...rest, observation: { ...observation, speed: new Float32Array(2) } };
      }
    }
    await expect(checkEnvironment(new Deaf())).rejects.toThrow(
      "the observation of step() to be 'speed': 1 elements (shape [1]), got 2",
    );
    expect(contains(new FilmedCart().observationSpace, { camera: new Uint8Array(128) })).toBe(false);
    expect(() => dict({})).toThrow('[dict] expected spaces by name');
  });

  it('is played, learnt, watched and planned in', async () => {
    const cart = new FilmedCart();
    const episodes = await recordEpisodes(cart, {
      episodes: 24,
      frames: 40,
      policy: ({ speed }, random) => Float32Array.of(random.uniform(-0.8, 0.8) - 0.05 * speed[0]),
    });
    const { observation, action } = await episodeStatistics(episodes);
    expect(observation.modalities).toMatchObject({
      camera: { kind: 'image', height: 8, width: 16, channels: 1 },
      speed: { kind: 'vector', size: 1 },
    });
    expect(action.size).toBe(1);
    const { speed } = await episodes.observe(1, 3, 2, 4);
    const [{ actions, observations }] = [await clips(episodes, { frames: 5 }).get(0)];
    expect([speed.length, actions.length, observations.camera.length, observations.speed.length]).toEqual([
      2, 5, 640, 5,
    ]);

    using world = await WorldModel.fit(episodes, { ...short, steps: 60 });
    expect(world.config).toMatchObject({
      observation: { kind: 'multimodal' },
      encoder: { kind: 'multimodal' },
      frameRate: 10,
    });
    using played = await WorldModel.fit(cart, { ...short, steps: 1, record: { episodes: 2, frames: 20 } });
    expect(Object.keys((played.config.observation as { modalities: object }).modalities)).toEqual(['camera', 'speed']);

    const seen = [cart.reset({ seed: 3 }).observation];
    for (let t = 0; t < 3; t++) seen.push(cart.step(Float32Array.of(0.5)).observation);
    const session = await world.session();
    const first = await session.observe(seen[0]);
    for (let t = 1; t < 4; t++) await session.observe(seen[t], [0.5]);
    expect([session.frames, first.embedding.length]).toEqual([4, 64]);
    const stacked = {
      camera: tensor(Uint8Array.from(seen.flatMap(({ camera }) => [...camera])), { shape: [4, 8, 16, 1] }),
      speed: tensor(Float32Array.from(seen.flatMap(({ speed }) => [...speed])), { shape: [4, 1] }),
    };
    const alone = await world.encode({
      camera: tensor(seen[3].camera, { shape: [1, 1, 8, 16, 1] }),
      speed: tensor(seen[3].speed, { shape: [1, 1, 1] }),
    });
    close('embedding of a frame', await session.state.embedding.data(), await alone.data(), 1e-5);
    await expect(session.observe({ camera: seen[3].camera }, [0])).rejects.toThrow(
      "[session] expected observations of 'camera', 'speed', got none of 'speed'",
    );

    using planner = new Planner(world, { horizon: 3, numSamples: 32, iterations: 2 });
    const taken = tensor(new Float32Array(3).fill(0.5), { shape: [3, 1] });
    const goal = { camera: tensor(seen[0].camera, { shape: [8, 16, 1] }), speed: tensor(seen[0].speed) };
    const { status, actions: plan } = await planner.plan(stacked, goal, { actions: taken });
    expect([status, plan.length]).toEqual(['complete', 3]);
    await expect(planner.plan({ camera: stacked.camera }, goal, { actions: taken })).rejects.toThrow(
      "[Planner] expected observations of 'camera', 'speed', got none of 'speed'",
    );
  });
});

describe('recordEpisodes', () => {
  it('keeps frames and the actions taken at them, to the end of an episode or of its frames', async () => {
    const episodes = await recordEpisodes(new Cart(), { episodes: 3, frames: 30, policy: () => Float32Array.of(1) });
    expect(episodes.frameRate).toBe(10);
    expect(episodes.lengths.every((length) => length > 4 && length < 30)).toBe(true); // pushed off the rails
    const [length] = episodes.lengths;
    const seen = (await episodes.observe(0, 0, length, 1)) as Float32Array;
    for (let t = 1; t < length; t++)
      expect(seen[2 * t + 1]).toBeCloseTo(0.9 * seen[2 * t - 1] + 0.2 * episodes.actions[0][t - 1], 5);
    expect(Math.abs(seen[2 * length - 2])).toBeGreaterThan(4);
  });

  it('keeps a choice among three as three numbers, and refuses one that is none', async () => {
    class Switch extends Cart {
      override readonly actionSpace = discrete(3) as never;
      override step(): { observation: Float32Array; terminated: boolean } {
        return super.step(Float32Array.of(0));
      }
    }
    const options = { episodes: 1, frames: 12 };
    const { actions, actionSize } = await recordEpisodes(new Switch() as unknown as Environment, options);
    expect(actionSize).toBe(3);
    for (let t = 0; t < 12; t++) expect([...actions[0].slice(3 * t, 3 * t + 3)].sort()).toEqual([0, 0, 1]);
    const wrong = recordEpisodes(new Switch() as unknown as Environment, { ...options, policy: () => 3 });
    await expect(wrong).rejects.toThrow('[recordEpisodes] expected an action: an integer from 0 to 2, got 3');
  });

  it('refuses observations of another form than the space says', async () => {
    class Wide extends Cart {
      override reset(): { observation: Float32Array } {
        return { observation: new Float32Array(3) };
      }
    }
    await expect(recordEpisodes(new Wide(), { episodes: 1, frames: 12 })).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: expect.stringContaining(
        "[recordEpisodes] expected observations of 'cart' to be 2 elements (shape [2]), got 3",
      ),
    });
    const policy = vi.fn(() => Float32Array.of(1));
    await expect(recordEpisodes(new Wide(), { policy })).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' });
    expect(policy).not.toHaveBeenCalled(); // it was said at the first frame
    class Blind extends FilmedCart {
      override reset() {
        return { observation: { speed: Float32Array.of(0) } } as never;
      }
    }
    await expect(recordEpisodes(new Blind())).rejects.toThrow(
      "[recordEpisodes] expected 'camera' of 'filmed cart' to be a Uint8Array of shape [8,16,1], got undefined",
    );
  });

  it('tells names and units of spaces to the model', async () => {
    const record = { episodes: 2, frames: 20 };
    using one = await WorldModel.fit(new Cart(), { ...short, steps: 1, record, frameSkip: 2, clipFrames: 6 });
    expect(one.config.action).toMatchObject({ names: ['push', 'push'], units: ['N', 'N'] });
    expect(one.config.observation).not.toHaveProperty('names'); // its space has none
    using several = await WorldModel.fit(new FilmedCart(), { ...short, steps: 1, record });
    expect(several.config.observation).toMatchObject({
      modalities: { camera: { kind: 'image' }, speed: { names: ['speed'], units: ['m/s'] } },
    });
    class Choice extends Cart {
      override readonly actionSpace = discrete(2, ['left', 'right']) as never;
      override step() {
        return super.step(Float32Array.of(0));
      }
    }
    const { action } = await episodeStatistics(await recordEpisodes(new Choice(), record));
    expect(action.names).toEqual(['left', 'right']);
    expect(action).not.toHaveProperty('units');
    class Table extends Cart {
      override readonly observationSpace = box({ shape: [1, 2], low: -10, high: 10, names: ['x', 'v'] });
    }
    const { observation } = await episodeStatistics(await recordEpisodes(new Table(), record));
    expect(observation).toMatchObject({ size: 2, names: ['x', 'v'] });
  });
});
