import { afterAll, describe, expect, it } from 'vitest';
import {
  distanceAlongHorizon,
  evaluatePlanning,
  type GoalEpisode,
  type Objective,
  pendulum,
  planGoalEpisodes,
  playGoalEpisodes,
  pushT,
  recordEpisodes,
  type Seen,
  WorldModel,
} from '#lib/index.js';

const blockSteps = 2;
const { Pendulum, pendulumEpisodes } = pendulum;
const config = WorldModel.create('tiny', {
  observation: { kind: 'image', height: 32, width: 32, channels: 3 },
  action: { size: blockSteps, mean: [0.5, 0.5], std: [3, 3] },
  frameRate: 10,
  contextFrames: 2,
}).config;
const model = new WorldModel({
  ...config,
  encoder: { ...config.encoder, hidden: 16 } as typeof config.encoder,
  predictor: { kind: 'recurrent', stateSize: 16, hidden: 16 },
});
afterAll(() => model.dispose());
const pixels = async ({ frames }: Seen) => Array.from((await frames.data()) as Uint8Array);

describe('playGoalEpisodes', () => {
  it('shows the last frames and the actions between them, what happened before included', async () => {
    const before = Float32Array.of(1, 2, 3, 4, 5); // the first one fills no block
    const episode: GoalEpisode = { reset: { options: { state: [2, 0], goal: 0 } }, before, budget: 4 };
    const twin = new Pendulum({ torque: 6 });
    const pictures = [twin.reset(episode.reset).observation];
    for (const torque of [...before, 6, -6, 0.5, 0.25]) pictures.push(twin.step(Float32Array.of(torque)).observation);
    const shown: number[][] = [];
    const taken: (readonly number[])[] = [];
    const decided = [
      [9, -9], // brought within the motor's bounds
      [0.5, 0.25],
    ];
    const first = await playGoalEpisodes(
      new Pendulum({ torque: 6 }),
      [episode],
      async (seen) => {
        shown.push(await pixels(seen));
        taken.push(Array.from((await seen.actions?.data()) as Float32Array));
        expect(seen.frames.shape).toEqual([2, 32, 32, 3]);
        expect(await seen.goal.data()).toEqual(twin.goalObservation());
        return decided[seen.block];
      },
      2,
      { blockSteps },
    );
    const pair = (a: number, b: number) => [...pictures[a], ...pictures[b]];
    expect(first).toEqual(Int32Array.of(-1));
    expect(taken).toEqual([
      [4, 5],
      [6, -6],
    ]);
    expect(shown.map((both) => both.join() === pair(3, 5).join())).toEqual([true, false]);
    expect(shown[1].join()).toBe(pair(5, 7).join());
  });

  it('begins at rest where nothing happened before, and ends with the success', async () => {
    const goal = Math.PI / 2; // held by 5 N·m against gravity
    const episode: GoalEpisode = {
      reset: { options: { state: [goal, 0], goal } },
      before: new Float32Array(0),
      budget: 11,
    };
    let blocks = 0;
    const first = await playGoalEpisodes(
      new Pendulum({ torque: 6 }),
      [episode, { ...episode, budget: 9 }],
      async (seen) => {
        blocks++;
        expect(await seen.actions?.data()).toEqual(new Float32Array(2).fill(seen.block === 0 ? 0 : -5));
        return [-5, -5];
      },
      2,
      { blockSteps },
    );
    expect(first).toEqual(Int32Array.of(10, -1)); // ten steps within 15°: not in nine
    expect(blocks).toBe(10);
  });
});

describe('planGoalEpisodes and evaluatePlanning', () => {
  const episodes = pendulumEpisodes({ task: 'hold', split: 'validation', seed: 1, count: 2 }).map((episode) => ({
    ...episode,
    budget: 8,
  }));
  const planner = { horizon: 3, numSamples: 8, numElites: 2, iterations: 1, bounds: [-6, 6] } as const;

  it('plans as often as it is told, the same again', async () => {
    const made = async (replanEvery: number) => {
      const states: string[] = [];
      const { planMilliseconds } = await planGoalEpisodes(model, new Pendulum({ torque: 6 }), episodes, {
        blockSteps,
        planner,
        replanEvery,
        onStep: (_, { state }) => states.push(String(state)),
      });
      return { plans: planMilliseconds.length, states };
    };
    const every = await made(1);
    expect(every.plans).toBe(8);
    expect(await made(1)).toEqual(every);
    expect((await made(Number.POSITIVE_INFINITY)).plans).toBe(2);
    await expect(made(4)).rejects.toThrow('[planGoalEpisodes] expected replanEvery from 1 to 3, or Infinity, got 4');
  });

  it('makes plans a block shorter each time', async () => {
    const horizons: number[] = [];
    const objective: Objective = {
      cost: (trajectory, ...rest) => {
        horizons.push(trajectory.length);
        return distanceAlongHorizon.cost(trajectory, ...rest);
      },
    };
    const play = (leastHorizon: number, replanEvery = 1) =>
      planGoalEpisodes(model, new Pendulum({ torque: 6 }), episodes, {
        blockSteps,
        planner: { ...planner, objective },
        leastHorizon,
        replanEvery,
      });
    const { planMilliseconds } = await play(2);
    expect(planMilliseconds.length).toBe(8);
    expect([...new Set(horizons)]).toEqual([3, 2]);
    for (const [least, every, sentence] of [
      [4, 1, 'leastHorizon from 1 to 3, got 4'],
      [0, 1, 'leastHorizon from 1 to 3, got 0'],
      [1, 2, 'replanEvery from 1 to 1, or Infinity, got 2'],
    ] as const)
      await expect(play(least, every)).rejects.toThrow(`[planGoalEpisodes] expected ${sentence}`);
  });

  it.each([
    [{ blockSteps, replan: 2 }, "got 'replan'"],
    [{ blockSteps: 0 }, '[planGoalEpisodes] expected blockSteps to be a positive integer, got 0'],
    [{}, '[planGoalEpisodes] expected blockSteps to be a positive integer, got undefined'],
  ])('refuse %j', async (options, sentence) => {
    const play = planGoalEpisodes(model, new Pendulum({ torque: 6 }), episodes, { planner, ...options } as never);
    await expect(play).rejects.toThrow(sentence);
  });

  it('puts the planner between random actions and the true simulator', async () => {
    const world = new Pendulum({ torque: 6 });
    const task = { world, blockSteps, planner: { ...planner, horizon: 6, bounds: [-6, 6] } as const };
    const held = pendulumEpisodes({ task: 'hold', split: 'validation', seed: 1, count: 3 });
    const recordings = await recordEpisodes(world, { episodes: 4, frames: 24, seed: 1 });
    const options = { seed: 3, recordings, clipFrames: 4, imitationSteps: 3 };
    const rows = await evaluatePlanning(model, { ...task, episodes: held }, options);
    expect(rows.random.accuracy).toBe(0);
    expect(rows.oracle.accuracy).toBe(100);
    expect(rows.oracle.interval[0]).toBeCloseTo(43.85, 1); // Wilson's of 3 of 3: 3 / (3 + 1.96²)
    expect(rows.first.length).toBe(3);
    expect(rows.model.accuracy).toBeCloseTo((100 * rows.first.filter((step) => step >= 0).length) / 3, 9);
    expect(rows.planMilliseconds.length).toBeGreaterThanOrEqual(3);
    const wrong = evaluatePlanning(model, { ...task, episodes: held }, { ...options, imitationSteps: 0 });
    await expect(wrong).rejects.toThrow('[trainImitation] expected steps to be a positive integer, got 0');
  });
});

describe('episodes of Push-T', () => {
  it('begin where a recording was, not yet at the goal, the same for a seed and others for another', async () => {
    const world = new pushT.PushT();
    const episodes = pushT.pushTEpisodes({ split: 'validation', seed: 2, count: 3 });
    expect(episodes).toEqual(pushT.pushTEpisodes({ split: 'validation', seed: 2, count: 3 }));
    const others = pushT.pushTEpisodes({ split: 'test', seed: 2, count: 3 });
    expect(others.map(({ reset }) => reset)).not.toEqual(episodes.map(({ reset }) => reset));
    const recorded = await pushT.recordPushes({ seed: 2, count: 2, imageSize: 48 });
    expect(recorded.lengths).toEqual([81, 81]);
    const signal = AbortSignal.abort();
    await expect(pushT.recordPushes({ seed: 2, count: 1, signal })).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
    expect(((await recorded.observe(1, 3, 2, 5)) as Uint8Array).length).toBe(2 * 48 * 48 * 3);
    for (const { reset, before } of episodes) {
      world.reset(reset);
      expect(before.length).toBeGreaterThanOrEqual(20);
      let last = world.step(before.slice(0, 2));
      for (let at = 2; at < before.length; at += 2) last = world.step(before.slice(at, at + 2));
      expect(last.terminated).toBe(false);
      expect(last.info?.goal).toEqual(reset.options?.goal);
    }
  });
});
