import { describe, expect, it, vi } from 'vitest';
import {
  CemSolver,
  distanceAtEnd,
  evaluateReplanning,
  evaluateTwoRoom,
  GradientSolver,
  latentDynamics,
  Planner,
  ProjectedGradientSolver,
  planEpisodes,
  trainTwoRoom,
  twoRoomModel,
} from '#lib/plan/index.js';
import { policyEpisodes, walkEpisodes } from '#lib/plan/two-room-episodes.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { memory } from '#lib/tensor/machine.js';
import { goalPairs, standStill } from '#lib/worlds/two-room/protocol.js';
import { close } from '../nn/check-layer.js';
import { clipsFor, pictureConfig, sensorConfig, shaken, transformerConfig } from '../world-model/small.js';

describe('Planner', () => {
  const options = { horizon: 3, numSamples: 32, iterations: 3, seed: 4 };
  const picture = (seed: number): Tensor =>
    tensor(clipsFor(pictureConfig, 1, 1, seed).observations as Uint8Array, { shape: [16, 16, 3] });

  it.each([{}, { precision: 'bfloat16' }, { quantize: 'int8' }] as const)(
    'plans in the units of the world, at the cost that the model imagines in its precision: %j',
    async (inference) => {
      const model = await shaken({ ...sensorConfig, contextFrames: 1 }, inference);
      const planner = new Planner(model, { ...options, bounds: [-0.5, 2], objective: distanceAtEnd });
      const frame = tensor(Float32Array.of(0.1, 0.2, 0.3), { shape: [3] });
      const goal = tensor(Float32Array.of(-0.4, 0.9, 0), { shape: [3] });
      const { actions, cost } = await planner.plan(frame, goal);
      expect(actions.length).toBe(3 * 2);
      // The predictor takes the action at each frame, so the plan's three actions and the frame give three embeddings.
      const clip = tensor(await frame.data(), { shape: [1, 1, 3] });
      const padded = Float32Array.from({ length: 8 }, (_, i) => actions[i] ?? 0);
      const { embeddings } = await model.rollout(clip, tensor(padded, { shape: [1, 4, 2] }), { context: 1 });
      const future = (await embeddings.data()) as Float32Array;
      const wanted = (await (
        await model.encode(tensor(await goal.data(), { shape: [1, 1, 3] }))
      ).data()) as Float32Array;
      const distance = Math.sqrt(wanted.reduce((sum, value, d) => sum + (future[2 * 6 + d] - value) ** 2, 0));
      close('cost', [cost], [distance], 1e-4);
    },
  );

  it('repeats itself after a reset, and goes on from its plan otherwise', async () => {
    const planner = new Planner(await shaken(pictureConfig), options);
    const [frame, goal] = [picture(1), picture(2)];
    const first = await planner.plan(frame, goal);
    const second = await planner.plan(frame, goal);
    expect(second.actions).not.toEqual(first.actions); // warm start and another call
    planner.reset();
    expect((await planner.plan(frame, goal)).actions).toEqual(first.actions);
    expect((await planner.plan(frame, goal)).actions).toEqual(second.actions);
    planner.reset(7);
    expect((await planner.plan(frame, goal)).actions).not.toEqual(first.actions);
  });

  it('sees a goal that is given anew', async () => {
    const planner = new Planner(await shaken(pictureConfig), options);
    const one = await planner.plan(picture(1), picture(2));
    planner.reset();
    const other = await planner.plan(picture(1), picture(3));
    expect(other.cost).not.toBe(one.cost);
  });

  it.each([
    ['a GRU', sensorConfig],
    ['a transformer', { ...sensorConfig, predictor: transformerConfig.predictor }],
  ])('remembers the frames and actions before the last: another past, another plan, with %s', async (_, config) => {
    const model = await shaken(config);
    const planner = new Planner(model, { ...options, objective: distanceAtEnd });
    const goal = tensor(Float32Array.of(-0.4, 0.9, 0), { shape: [3] });
    const frames = tensor(Float32Array.of(0.3, -0.2, 0.5, 0.1, 0.4, -0.3, 0.1, 0.2, 0.3), { shape: [3, 3] });
    const taken = tensor(Float32Array.of(0.5, -0.5, 0.25, 1), { shape: [2, 2] });
    const { actions, cost } = await planner.plan(frames, goal, { actions: taken });
    // The same future, imagined by the model from these frames: actions taken, the plan, and one that nothing follows.
    const all = Float32Array.of(...((await taken.data()) as Float32Array), ...actions, 0, 0);
    const clip = tensor(await frames.data(), { shape: [1, 3, 3] });
    const { embeddings } = await model.rollout(clip, tensor(all, { shape: [1, 6, 2] }));
    const future = (await embeddings.data()) as Float32Array;
    const wanted = (await (await model.encode(tensor(await goal.data(), { shape: [1, 1, 3] }))).data()) as Float32Array;
    const distance = Math.sqrt(wanted.reduce((sum, value, d) => sum + (future[2 * 6 + d] - value) ** 2, 0));
    close('cost', [cost], [distance], 1e-4);
    planner.reset();
    const other = tensor(Float32Array.of(-0.5, 0.5, 1, -1), { shape: [2, 2] });
    expect((await planner.plan(frames, goal, { actions: other })).cost).not.toBe(cost);
    planner.dispose();
    model.dispose();
  });

  it('refuses too few frames for its memory, and frames without the actions between them', async () => {
    const planner = new Planner(await shaken(sensorConfig), options);
    const goal = tensor(new Float32Array(3), { shape: [3] });
    await expect(planner.plan(goal, goal)).rejects.toMatchObject({
      code: 'ERR_JEPA_CONFIG',
      message:
        '[Planner] expected the last 3 frames [T, …] and options.actions [T − 1, 2] for a model with contextFrames 3, got 1 of shape [3]',
    });
    const frames = tensor(new Float32Array(9), { shape: [3, 3] });
    await expect(planner.plan(frames, goal)).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: '[Planner] expected options.actions [2, 2], those between 3 frames, got none',
    });
    await expect(
      planner.plan(frames, goal, { actions: tensor(new Float32Array(6), { shape: [3, 2] }) }),
    ).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE', message: expect.stringContaining('got [3, 2]') });
    for (const [seen, wanted, actions] of [
      [new Float32Array(9), goal, undefined],
      [frames, new Float32Array(3), undefined],
      [frames, goal, new Float32Array(4)],
    ])
      await expect(planner.plan(seen as never, wanted as never, { actions: actions as never })).rejects.toMatchObject({
        code: 'ERR_JEPA_INVALID_ARGUMENT',
        message: expect.stringContaining('goal and actions as tensors, got Float32Array'),
      });
    await expect(planner.plan(frames, goal, { action: goal } as never)).rejects.toMatchObject({
      code: 'ERR_JEPA_UNKNOWN_OPTION',
      message: expect.stringMatching(/did you mean 'actions'/),
    });
  });

  it('imagines in the precision of the model, but descends in float32', async () => {
    const config = { ...sensorConfig, contextFrames: 1 };
    const [exact, rounded] = [await shaken(config), await shaken(config, { quantize: 'int8' })];
    const [memory, embedding, goal] = [exact.network.predictor.initialState(1).shape[1], 6, 6].map((size, row) =>
      tensor(
        Float32Array.from({ length: size }, (_, i) => Math.sin(i + row)),
        { shape: [1, size] },
      ),
    );
    const costs = (Solver: typeof CemSolver | typeof GradientSolver | typeof ProjectedGradientSolver) =>
      Promise.all(
        [exact, rounded].map(async (model) => {
          using solver = new Solver(latentDynamics(model), distanceAtEnd, options);
          return (await solver.solve({ state: { memory, embedding }, goal, call: 0 })).cost;
        }),
      );
    const [cost, roundedCost] = await costs(CemSolver);
    expect(roundedCost).not.toBe(cost);
    expect(Math.abs(roundedCost / cost - 1)).toBeLessThan(0.05);
    for (const Solver of [GradientSolver, ProjectedGradientSolver]) {
      const [descended, same] = await costs(Solver);
      expect(same).toBe(descended);
    }
  });

  it('searches by the method that is named, with its options', async () => {
    const model = await shaken({ ...sensorConfig, contextFrames: 1 });
    const [frame, goal] = [new Float32Array(3), Float32Array.of(1, 0, -1)].map((data) => tensor(data, { shape: [3] }));
    const plans = [
      new Planner(model, options),
      new Planner(model, { ...options, method: 'icem', noiseBeta: 1 }),
      new Planner(model, { ...options, method: 'mppi', temperature: 0.1 }),
      new Planner(model, { ...options, method: 'predictive-sampling' }),
      new Planner(model, { ...options, method: 'gradient', learningRate: 0.2 }),
    ].map(async (planner) => (await planner.plan(frame, goal)).actions);
    expect(new Set((await Promise.all(plans)).map((actions) => actions.join())).size).toBe(plans.length);
    expect(() => new Planner(model, { method: 'astar' } as never)).toThrow(
      "[Planner] expected method among cem, icem, mppi, predictive-sampling, gradient, got 'astar'",
    );
    expect(() => new Planner(model, { method: 'gradient', temperature: 1 } as never)).toThrow('[GradientSolver]');
  });

  it('plans from where actions under way lead, and stops safely at a sensor that is no number', async () => {
    const model = await shaken({ ...sensorConfig, contextFrames: 1 });
    const planner = new Planner(model, { ...options, latency: 2, safeAction: [0.5, 0.25], objective: distanceAtEnd });
    const [frame, goal] = [new Float32Array(3), Float32Array.of(1, 0, -1)].map((data) => tensor(data, { shape: [3] }));
    const under = Float32Array.of(0.5, -0.5, 1, 0.25);
    const { actions, cost } = await planner.plan(frame, goal, { pending: tensor(under, { shape: [2, 2] }) });
    const all = Float32Array.of(...under, ...actions, 0, 0);
    const { embeddings } = await model.rollout(frame.reshape([1, 1, 3]), tensor(all, { shape: [1, 6, 2] }), {
      context: 1,
    });
    const future = (await embeddings.data()) as Float32Array;
    const wanted = (await (await model.encode(goal.reshape([1, 1, 3]))).data()) as Float32Array;
    const distance = Math.sqrt(wanted.reduce((sum, value, d) => sum + (future[4 * 6 + d] - value) ** 2, 0));
    close('cost', [cost], [distance], 1e-4);
    await expect(planner.plan(frame, goal)).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: '[Planner] expected options.pending [2, 2], the actions sent that are still under way, got none',
    });
    const broken = tensor(Float32Array.of(0, Number.NaN, 0), { shape: [3] });
    expect(await planner.plan(broken, goal, { pending: tensor(under, { shape: [2, 2] }) })).toMatchObject({
      status: 'stopped',
      reason: 'the observation is not finite',
      actions: Float32Array.of(0.5, 0.25, 0.5, 0.25, 0.5, 0.25),
    });
  });

  it('refuses what it cannot plan with', async () => {
    const planner = new Planner(await shaken(pictureConfig), options);
    const small = tensor(new Uint8Array(27), { shape: [3, 3, 3] });
    await expect(planner.plan(small, picture(1))).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' });
    await expect(planner.plan(picture(0), picture(1), { executed: -1 })).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: '[RecedingHorizon] expected executed to be a non-negative integer, got -1',
    });
    expect(() => new Planner(planner.model, { horizont: 3 } as never)).toThrow(/did you mean 'horizon'/);
  });
});

describe('Two-Room', () => {
  it('is planned from pictures alone: the same pictures, the same plans', async () => {
    const model = twoRoomModel(3);
    const pairs = goalPairs({ split: 'validation', seed: 1, count: 2 });
    const walk = async () => {
      const walked: number[] = [];
      const { first } = await planEpisodes(model, pairs, 5, { onPosition: (_, x, y) => walked.push(x, y) });
      return { first, walked };
    };
    const once = await walk();
    expect(await walk()).toEqual(once);
    expect(once.walked.length).toBeGreaterThan(0);
  });

  it('reports rates, floors and ceiling in percent', async () => {
    const asked: Tensor[] = [];
    const over: number[][] = [];
    const results = await evaluateTwoRoom(twoRoomModel(0), {
      waypoints: { next: async (_, goal) => asked[asked.push(goal) - 1] },
      seed: 2,
      split: 'validation',
      ownPairs: 3,
      hardPairs: 2,
      published: false,
      onEpisode: (count, all) => over.push([count, all]),
    });
    expect(results.twoRoom.episodes).toBe(3);
    expect(results.twoRoomHard.episodes).toBe(2);
    expect(new Set(asked).size).toBe(5); // both protocols go by waypoints
    expect(results.twoRoomHard.straight).toBe(results.twoRoomHard.success); // which were the goals themselves
    for (const rate of [results.twoRoom.success, results.twoRoom.random, results.twoRoom.oracle])
      expect([0, 100 / 3, 200 / 3, 100].some((value) => Math.abs(value - rate) < 1e-9)).toBe(true);
    expect(over).toEqual([1, 2, 3, 4, 5, 6, 7].map((count) => [count, 7]));
    expect(results.twoRoom.planMilliseconds.p50).toBeLessThanOrEqual(results.twoRoom.planMilliseconds.p95);
  });

  it.each([
    [{ ownPairs: 0, published: false }, 'ownPairs to be a whole number from 1, got 0'],
    [{ hardPairs: 0 }, 'hardPairs to be a whole number from 1, got 0'],
    [{ ownPair: 3 }, "got 'ownPair'"],
  ])('%j is refused', async (options, message) => {
    await expect(evaluateTwoRoom(twoRoomModel(0), { seed: 2, split: 'validation', ...options })).rejects.toThrow(
      message,
    );
  });

  it('is planned for anew as often as is said, and rests when a single plan is used up', async () => {
    const model = twoRoomModel(3);
    const pairs = goalPairs({ split: 'validation', seed: 1, count: 2 });
    const plans = async (replanEvery: number) => {
      const walks: number[][] = [[], []];
      const { first, planMilliseconds } = await planEpisodes(model, pairs, 5, {
        replanEvery,
        onPosition: (episode, x) => walks[episode].push(x),
      });
      const blocks = walks.map((walk) => Math.ceil(walk.length / 5));
      return { walks, first, made: planMilliseconds.length, blocks };
    };
    const second = await plans(2);
    expect(second.made).toBe(second.blocks.reduce((total, count) => total + Math.ceil(count / 2), 0));
    const never = await plans(Number.POSITIVE_INFINITY);
    expect(never.made).toBe(2);
    for (const walk of never.walks) expect(new Set(walk.slice(25)).size).toBeLessThanOrEqual(1);
    await expect(plans(6)).rejects.toThrow('[planGoalEpisodes] expected replanEvery from 1 to 5, or Infinity, got 6');
  });

  it('gives rates by how often it replans, beside imitation', async () => {
    const model = twoRoomModel(0);
    const results = await evaluateReplanning(model, {
      seed: 2,
      split: 'validation',
      pairs: 3,
      imitationSteps: 3,
    });
    expect(results.episodes).toBe(3);
    const rates = [results.random, results.imitation, ...[results.cem, results.oracle].flatMap(Object.values)];
    expect(rates.length).toBe(8);
    // Now the model's own variables have their memory; that of who imitates goes with it, finished or stopped.
    const held = memory().variableBytes;
    const options = { seed: 2, split: 'validation', pairs: 3, signal: AbortSignal.abort() } as const;
    await expect(evaluateReplanning(model, options)).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
    await evaluateReplanning(model, { seed: 3, split: 'validation', pairs: 1, imitationSteps: 1 });
    expect(memory().variableBytes).toBeLessThanOrEqual(held); // models of other tests may be collected meanwhile
    for (const rate of rates)
      expect([0, 1, 2, 3].some((count) => Math.abs((100 * count) / 3 - rate) < 1e-9)).toBe(true);
  });

  it('is stopped between two episodes by its signal, whoever decides', async () => {
    const pairs = goalPairs({ split: 'validation', seed: 1, count: 3 });
    const decided = async (play: (stop: AbortController, seen: Set<number>) => Promise<unknown>): Promise<number[]> => {
      const seen = new Set<number>();
      await expect(play(new AbortController(), seen)).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
      return [...seen];
    };
    const walked = await decided((stop, seen) =>
      walkEpisodes(
        pairs,
        ({ episode }) => {
          seen.add(episode);
          stop.abort();
          return new Float32Array(10);
        },
        stop.signal,
      ),
    );
    expect(walked).toEqual([0]);
    const policy = await decided((stop, seen) =>
      policyEpisodes(
        'test',
        pairs,
        (context) => {
          if (!seen.has(context.row)) setImmediate(() => stop.abort()); // as a timer would: between two turns
          seen.add(context.row);
          standStill(context);
        },
        stop.signal,
      ),
    );
    expect(policy).toEqual([0]);
  });

  it('is stopped by its signal too where nothing but the rows of the simulator is left', async () => {
    const stop = new AbortController();
    const { dispose } = Planner.prototype;
    let planners = 0;
    const disposed = vi.spyOn(Planner.prototype, 'dispose').mockImplementation(function (this: Planner) {
      dispose.call(this);
      if (++planners === 3) stop.abort(); // every, everySecond, never
    });
    const options = { seed: 2, split: 'validation', signal: stop.signal } as const;
    const replanning = evaluateReplanning(twoRoomModel(0), { ...options, pairs: 1, imitationSteps: 1 });
    await expect(replanning).rejects.toThrow('[evaluateReplanning] stopped by its signal');
    disposed.mockRestore();
    const later = new AbortController();
    const evaluation = evaluateTwoRoom(twoRoomModel(0), {
      ...options,
      signal: later.signal,
      waypoints: { next: async (_, goal) => goal },
      ownPairs: 1,
      hardPairs: 1,
      published: false,
      onEpisode: (over, all) => over === all && later.abort(),
    });
    await expect(evaluation).rejects.toThrow('[evaluateTwoRoom] stopped by its signal');
  });

  it('training that is stopped leaves no half-trained model', async () => {
    const controller = new AbortController();
    await expect(
      trainTwoRoom(0, {
        steps: 30,
        signal: controller.signal,
        onEvent: (event) => event.type === 'step' && controller.abort(),
      }),
    ).rejects.toMatchObject({
      code: 'ERR_JEPA_ABORTED',
      message: expect.stringMatching(/stopped by its signal at step \d+ of 30/),
    });
  });
});
