// Control by planning again and again: when it plans, what it hands out, and what it does when something is wrong.
import { describe, expect, it, vi } from 'vitest';
import {
  CemSolver,
  Controller,
  type ControllerOptions,
  distanceAlongHorizon,
  distanceAtEnd,
  type Problem,
  RecedingHorizon,
  type Round,
  type Solution,
  type Solver,
} from '#lib/plan/index.js';
import { Search } from '#lib/plan/search.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { falling, point } from './toy.js';

type State = { place: Tensor };
const state: State = { place: tensor([[0, 0]]) };
const goal = tensor([[1, 1]]);
const plan = Float32Array.of(1, 2, 3, 4, 5, 6);

/** A solver that has its answer ready and remembers what it was asked. */
class Ready implements Solver<State> {
  readonly horizon = 3;
  readonly actionSize = 2;
  readonly asked: Problem<State>[] = [];
  answer: Partial<Solution> = {};
  async solve(problem: Problem<State>): Promise<Solution> {
    this.asked.push(problem);
    if (problem.until?.aborted)
      return this.#solution({ rounds: 0, complete: false, costs: Float32Array.of(Number.NaN) });
    return this.#solution(this.answer);
  }
  #solution(answer: Partial<Solution>): Solution {
    const costs = Float32Array.of(0.5);
    return { actions: plan, cost: 0.5, costs, history: costs, rounds: 1, complete: true, ...answer };
  }
  dispose(): void {}
}

async function acted(options: ControllerOptions, times: number): Promise<{ solver: Ready; actions: number[][] }> {
  const solver = new Ready();
  const controller = new Controller(solver, options);
  const actions: number[][] = [];
  for (let time = 0; time < times; time++) actions.push([...(await controller.act(state, goal)).action]);
  return { solver, actions };
}

describe('Controller', () => {
  it('carries out one action, then plans from the rest', async () => {
    const { solver, actions } = await acted({}, 3);
    expect(actions).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(solver.asked.map(({ warmStart, call }) => [warmStart && [...warmStart], call])).toEqual([
      [undefined, 0],
      [[3, 4, 5, 6], 1],
      [[3, 4, 5, 6], 2],
    ]);
  });

  it('acts once at a time: what another call would hand out is not known yet', async () => {
    const controller = new Controller(new Ready());
    const first = controller.act(state, goal);
    await expect(controller.act(state, goal)).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringContaining(
        '[Controller] expected one act at a time, got another while the last one is under way',
      ),
    });
    expect([...(await first).action]).toEqual([1, 2]);
    expect((await controller.act(state, goal)).plan?.actions).toHaveLength(6); // and goes on, after a failure too
    await expect(
      controller.act(
        state,
        tensor([
          [1, 1],
          [2, 2],
        ]),
      ),
    ).rejects.toThrow(/a goal for each world/);
    await controller.act(state, goal);
  });

  it('carries out several, a simple one at a time, in the units of the world', async () => {
    const { solver, actions } = await acted({ replanEvery: 2, repeat: 2, actionMean: [10], actionStd: [2] }, 5);
    expect(actions).toEqual([[12], [14], [16], [18], [12]]);
    expect(solver.asked.length).toBe(2);
    expect([...(solver.asked[1].warmStart as Float32Array)]).toEqual([5, 6]);
    expect((await acted({ warmStart: false }, 2)).solver.asked[1].warmStart).toBeUndefined();
  });

  it('tells the search of the actions that are under way: at first the safe one', async () => {
    const { solver } = await acted({ latency: 2, safeAction: [7, 8] }, 4);
    expect(solver.asked.map(({ pending }) => [...(pending as Float32Array)])).toEqual([
      [7, 8, 7, 8],
      [7, 8, 1, 2],
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ]);
    expect((await acted({}, 1)).solver.asked[0].pending).toBeUndefined();
  });

  it('arrives and stays where actions happen late', async () => {
    const solver = new CemSolver(point, distanceAlongHorizon, {
      horizon: 4,
      numSamples: 100,
      stdFloor: 0,
      iterations: 8,
    });
    const far = async (latency: number): Promise<number> => {
      const controller = new Controller(solver, { latency });
      let place = [0, 0];
      const queue: Float32Array[] = [new Float32Array(2), new Float32Array(2)]; // the world takes two steps to obey
      let total = 0;
      for (let time = 0; time < 10; time++) {
        const { action } = await controller.act({ place: tensor([place]) }, goal);
        queue.push(action);
        const [x, y] = queue.shift() as Float32Array;
        place = [place[0] + x / 2, place[1] + y / 2];
        if (time > 4) total += Math.hypot(place[0] - 1, place[1] - 1);
      }
      return total;
    };
    expect(await far(2)).toBeLessThan(0.6);
    expect(await far(0)).toBeGreaterThan(1); // told of none, it pushes on and swings
  });

  it('refuses options without meaning', () => {
    const refused =
      (options: ControllerOptions): (() => unknown) =>
      () =>
        new Controller(new Ready(), options);
    expect(refused({ replanEvery: 4 })).toThrow('[Controller] expected replanEvery at most the horizon 3, got 4');
    expect(refused({ repeat: 3 })).toThrow('[Controller] expected repeat to divide the action size 2, got 3');
    expect(refused({ latency: 0.5 })).toThrow('[Controller] expected latency to be a positive integer, got 0.5');
    expect(refused({ actionStd: [1, 0] })).toThrow('[Controller] expected actionStd other than 0, got [1,0]');
    expect(refused({ safeAction: [1] })).toThrow('[Controller] expected safeAction to be 2 finite numbers, got [1]');
    expect(refused({ maxage: 3 } as never)).toThrow("did you mean 'maxAge'?");
    expect(refused({ budget: -1 })).toThrow('[RecedingHorizon] expected budget to be 0 or more, got -1');
  });
});

describe('RecedingHorizon', () => {
  const safe = [0.5, -0.5];
  const stopped = { status: 'stopped', actions: Float32Array.of(...safe, ...safe, ...safe), rounds: 0 };

  it('stops safely at what is no number, and plans again when the world is back', async () => {
    const planning = new RecedingHorizon(new Ready(), { safeAction: safe });
    const lost = { state: { place: tensor([[0, Number.NaN]]) }, goal };
    expect(await planning.plan({ state, goal })).toMatchObject({ status: 'complete', actions: plan });
    expect(await planning.plan(lost)).toMatchObject({ ...stopped, reason: 'the observation is not finite' });
    expect(planning.rest(0)).toBeUndefined();
    expect(await planning.plan({ state, goal })).toMatchObject({ status: 'complete' });
  });

  it('stops safely where no plan has a finite cost', async () => {
    const solver = new Ready();
    const planning = new RecedingHorizon(solver, { safeAction: safe });
    solver.answer = { costs: Float32Array.of(Number.POSITIVE_INFINITY) };
    expect(await planning.plan({ state, goal })).toMatchObject({ ...stopped, reason: 'no plan has a finite cost' });
  });

  it('stops safely at stale observations, before and after the search', async () => {
    const solver = new Ready();
    const planning = new RecedingHorizon(solver, { safeAction: safe, maxAge: 1000 });
    const ago = (milliseconds: number): { observedAt: number } => ({ observedAt: performance.now() - milliseconds });
    expect(await planning.plan({ state, goal }, ago(1001))).toMatchObject({
      ...stopped,
      reason: 'the observation is stale',
    });
    expect(solver.asked.length).toBe(0);
    expect(await planning.plan({ state, goal }, ago(-60_000))).toMatchObject({ status: 'complete' });
    const aged = planning.plan(async () => {
      await new Promise((done) => setTimeout(done, 30));
      return { state, goal };
    }, ago(980));
    expect(await aged).toMatchObject({ ...stopped, reason: 'the observation was stale when its plan was ready' });
    await expect(planning.plan({ state, goal })).rejects.toThrow(
      '[RecedingHorizon] expected observedAt, the time of the observation, where there is a maxAge, got undefined',
    );
  });

  it('goes on with the last plan while there is no time, and stops when it is used up', async () => {
    const solver = new Ready();
    const planning = new RecedingHorizon(solver, { safeAction: safe });
    const late = { until: AbortSignal.abort() };
    expect(await planning.plan({ state, goal }, late)).toMatchObject({
      ...stopped,
      reason: 'there was no time for a first round, and no earlier plan',
    });
    await planning.plan({ state, goal });
    expect(await planning.plan({ state, goal }, late)).toMatchObject({
      status: 'deadline',
      actions: Float32Array.of(3, 4, 5, 6, ...safe),
    });
    const again = await planning.plan({ state, goal }, { ...late, executed: 1 });
    expect(again).toMatchObject({ status: 'deadline', actions: Float32Array.of(5, 6, ...safe, ...safe) });
    expect(await planning.plan({ state, goal }, late)).toMatchObject({ status: 'stopped' });
  });

  it('takes the best plan so far of a search that its budget ends', async () => {
    const planning = new RecedingHorizon(new Search({ dynamics: point, objective: distanceAtEnd }, falling), {
      budget: 16.7,
    });
    const budget = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(budget.signal);
    try {
      const onRound = ({ index }: Round): void => {
        if (index === 1) budget.abort();
      };
      const first = { status: 'deadline', rounds: 2, cost: 0.25, actions: Float32Array.of(1, 1) };
      expect(await planning.plan({ state, goal: tensor([[0.5, 0.75]]) }, { onRound })).toMatchObject(first);
      expect(timeout.mock.calls).toEqual([[17]]);
    } finally {
      timeout.mockRestore();
    }
  });

  it('takes budgets of parts of milliseconds, and refuses those that timers do not know', async () => {
    const short = await new RecedingHorizon(new Ready(), { budget: 0.5 }).plan({ state, goal });
    expect(['complete', 'stopped']).toContain(short.status);
    const longest = new RecedingHorizon(new Ready(), { budget: 2 ** 31 - 1 });
    expect(await longest.plan({ state, goal })).toMatchObject({ status: 'complete' });
    expect(() => new RecedingHorizon(new Ready(), { budget: 2 ** 31 - 0.5 })).toThrow(
      'expected budget to be at most 2147483647 milliseconds, or Infinity for no limit, got 2147483647.5',
    );
  });

  it('refuses another number of worlds than its plan is for, until it is reset', async () => {
    const places = (count: number): { state: State; goal: Tensor } => ({
      state: { place: tensor(new Float32Array(2 * count), { shape: [count, 2] }) },
      goal: tensor(new Float32Array(2 * count).fill(1), { shape: [count, 2] }),
    });
    const solver = new CemSolver(point, distanceAlongHorizon, { horizon: 4, iterations: 1 });
    const planning = new RecedingHorizon(solver);
    await planning.plan(places(4));
    // What is left, two actions for each of 4 worlds, is as many numbers as four for each of 2.
    await expect(planning.plan(places(2), { executed: 2 })).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: expect.stringContaining('[RecedingHorizon] expected a goal for each world of the last plan, 4, got 2'),
      help: ['call reset() for other worlds'],
    });
    planning.reset();
    expect(await planning.plan(places(2))).toMatchObject({ status: 'complete' });

    const controller = new Controller(solver, { replanEvery: 2, latency: 1 });
    const [one, three] = [places(1), places(3)];
    await controller.act(one.state, one.goal);
    await expect(controller.act(three.state, three.goal)).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      help: ['call reset() for other worlds'],
    });
    controller.reset();
    expect((await controller.act(three.state, three.goal)).action.every(Number.isFinite)).toBe(true);
  });

  it('stops each of several worlds whose first observation is stale', async () => {
    const controller = new Controller(new Ready(), { maxAge: 1000, safeAction: safe });
    const places = tensor([
      [0, 0],
      [1, 0],
    ]);
    const { action } = await controller.act({ place: places }, places, { observedAt: performance.now() - 1001 });
    expect([...action]).toEqual([...safe, ...safe]);
  });

  it('ends observing too when time is up; an abort is an error', async () => {
    const planning = new RecedingHorizon(new Ready(), { budget: 0, safeAction: safe });
    const never = (signal: AbortSignal | undefined): Promise<never> =>
      new CemSolver(point, distanceAlongHorizon, { iterations: 100_000 })
        .solve({ state, goal, call: 0, signal, onRound: () => {} })
        .then(() => Promise.reject(new Error('it should have been stopped')));
    expect(await planning.plan(never)).toMatchObject(stopped);
    const signal = AbortSignal.abort();
    await expect(planning.plan(never, { signal })).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });

  it('plans for several worlds', async () => {
    const solver = new CemSolver(point, distanceAlongHorizon, { horizon: 3 });
    const controller = new Controller(solver, { replanEvery: 3 });
    const both = {
      place: tensor([
        [0, 0],
        [1, 0],
      ]),
    };
    const goals = tensor([
      [1, 0],
      [0, 0],
    ]);
    const { action, plan: made } = await controller.act(both, goals);
    expect([...action]).toEqual([0, 1, 6, 7].map((i) => made?.actions[i]));
    expect([...(await controller.act(both, goals)).action]).toEqual([2, 3, 8, 9].map((i) => made?.actions[i]));
    expect(controller.rest.length).toBe(2 * 1 * 2);
  });
});
