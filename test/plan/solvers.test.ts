// What holds for every search: it finds the best plan of a small world, within bounds, and stops when it is told to.
import { describe, expect, it } from 'vitest';
import { abs, concat, reshape, sub, sum } from '#lib/ops/index.js';
import {
  AugmentedLagrangianSolver,
  CategoricalSolver,
  CemSolver,
  type Constraints,
  choicesOf,
  distanceAlongHorizon,
  distanceAtEnd,
  GradientSolver,
  IcemSolver,
  MppiSolver,
  PredictiveSamplingSolver,
  type Problem,
  ProjectedGradientSolver,
  type Round,
} from '#lib/plan/index.js';
import { Search } from '#lib/plan/search.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { close } from '../nn/check-layer.js';
import { cliff, falling, grid, point } from './toy.js';

const rows = (...values: number[][]): Tensor => tensor(values);
const problem = (start = [0, 0], goal = [0.8, 0], call = 0): Problem<{ place: Tensor }> => ({
  state: { place: rows(start) },
  goal: rows(goal),
  call,
});
/** The actions of a plan are this much in all, at most. */
const effort = (limit: number): Constraints => ({
  count: 1,
  excess: (_, __, actions) => reshape(sub(sum(abs(actions), { axes: [1, 2] }), limit), [-1, 1]),
});

/** Time is up after so many rounds. */
function endedAfter(rounds: number): Pick<Problem, 'until' | 'onRound'> {
  const time = new AbortController();
  return { until: time.signal, onRound: ({ index }) => index === rounds - 1 && time.abort() };
}

const horizon = 4;
const solvers = {
  cem: () =>
    new CemSolver(point, distanceAlongHorizon, {
      horizon,
      numSamples: 200,
      numElites: 20,
      iterations: 10,
      stdFloor: 0,
    }),
  icem: () =>
    new IcemSolver(point, distanceAlongHorizon, {
      horizon,
      numSamples: 200,
      numElites: 20,
      iterations: 10,
      noiseBeta: 1,
      answer: 'best',
    }),
  mppi: () =>
    new MppiSolver(point, distanceAlongHorizon, {
      horizon,
      numSamples: 400,
      iterations: 30,
      std: 0.3,
      temperature: 0.02,
    }),
  predictive: () =>
    new PredictiveSamplingSolver(point, distanceAlongHorizon, { horizon, numSamples: 300, iterations: 40, std: 0.2 }),
  gradient: () => new GradientSolver(point, distanceAlongHorizon, { horizon, iterations: 80, learningRate: 0.05 }),
};
const names = Object.keys(solvers) as (keyof typeof solvers)[];

describe.each(names)('%s', (name) => {
  it('finds the best plan: full speed to the goal, then rest', async () => {
    const solver = solvers[name]();
    const { actions, cost, complete, rounds, history } = await solver.solve(problem());
    // Steps of at most 0.5: 0.5 and 0.8 are reached; the sum of the distances is 0.3 and no plan has less.
    expect(cost).toBeGreaterThanOrEqual(0.3 - 1e-6);
    expect(cost).toBeLessThan(0.45); // plans drawn at random cost about 4
    close('plan', [actions[0], actions[2]], [1, 0.6], 0.2);
    expect(actions.every((value) => Math.abs(value) <= 1)).toBe(true);
    expect(complete).toBe(true);
    expect(history.length).toBe(rounds);
    solver.dispose();
  });

  it('gives the same plan round by round, and tells of each round', async () => {
    const solver = solvers[name]();
    const rounds: Round[] = [];
    const whole = await solver.solve(problem());
    const watched = await solver.solve({ ...problem(), onRound: (round) => rounds.push(round) });
    expect(watched).toEqual(whole);
    expect(rounds.map(({ index }) => index)).toEqual([...whole.history.keys()]);
    const [first] = rounds;
    expect(first.plans.shape).toEqual([1, first.costs.shape[1], horizon, 2]);
    expect(Math.min(...((await first.costs.data()) as Float32Array))).toBe(whole.history[0]);
  });

  it('plans for several worlds at once as for each alone', async () => {
    const solver = solvers[name]();
    const start = [
      [0, 0],
      [0.5, -0.5],
    ];
    const goal = [
      [0.8, 0],
      [-0.4, 0.3],
    ];
    const both = await solver.solve({ state: { place: rows(...start) }, goal: rows(...goal), call: 0 });
    const alone = await solver.solve(problem(start[0], goal[0]));
    close('first', both.actions.subarray(0, 2 * horizon), alone.actions, 1e-5);
    expect(both.costs.length).toBe(2);
    expect(both.cost).toBeCloseTo((both.costs[0] + both.costs[1]) / 2, 6);
    let [x, y] = start[1];
    let cost = 0;
    for (let step = 0; step < horizon; step++) {
      x += both.actions[2 * horizon + 2 * step] / 2;
      y += both.actions[2 * horizon + 2 * step + 1] / 2;
      cost += Math.hypot(x + 0.4, y - 0.3);
    }
    expect(both.costs[1]).toBeCloseTo(cost, 5);
  });

  it('returns a plan when time is up, and what it was given when no round is over', async () => {
    const solver = solvers[name]();
    const some = await solver.solve({ ...problem(), ...endedAfter(2) });
    expect(some).toMatchObject({ rounds: 2, complete: false });
    let [x, y, cost] = [0, 0, 0];
    for (let step = 0; step < horizon; step++) {
      x += some.actions[2 * step] / 2;
      y += some.actions[2 * step + 1] / 2;
      cost += Math.hypot(x - 0.8, y);
    }
    expect(some.cost).toBeCloseTo(cost, 5);
    const warmStart = Float32Array.of(0.25, -0.5, 7, 0);
    const none = await solver.solve({ ...problem(), warmStart, until: AbortSignal.abort() });
    expect(none).toMatchObject({ rounds: 0, complete: false, cost: Number.NaN });
    expect([...none.actions]).toEqual([0.25, -0.5, 1, 0, 0, 0, 0, 0]);
    await expect(
      solver.solve({ ...problem(), until: AbortSignal.abort(), signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });

  it('starts after the actions that are under way', async () => {
    const solver = solvers[name]();
    const later = await solver.solve({ ...problem(), pending: Float32Array.of(0.5, 0, 0.5, 0.2) });
    const there = await solver.solve(problem([0.5, 0.1]));
    close('plan', later.actions, there.actions, 1e-5);
  });
});

describe('a search that time ends', () => {
  const [near, far] = [
    [0.5, 0.75],
    [-0.5, -1],
  ];

  it('returns the cheapest plan so far, of each world its own', async () => {
    const solver = new Search({ dynamics: point, objective: distanceAtEnd }, falling);
    // The plan of the first round leads to (0.5, 0.5), that of the second to (−0.5, −0.5).
    const one = await solver.solve({ ...problem([0, 0], near), ...endedAfter(2) });
    expect(one).toMatchObject({ rounds: 2, complete: false, cost: 0.25 });
    expect([...one.actions]).toEqual([1, 1]);
    const start = { place: rows([0, 0], [0, 0]) };
    const two = await solver.solve({ state: start, goal: rows(far, near), call: 0, ...endedAfter(2) });
    expect([...two.actions]).toEqual([-1, -1, 1, 1]);
    expect([...two.costs]).toEqual([0.5, 0.25]);
  });

  it('returns the plan that violates constraints least, and the cheapest of those that violate none', async () => {
    const limited = async (limit: number, ...goals: number[][]) => {
      const constraints: Constraints = {
        count: 2,
        excess: (_, __, actions) => {
          const sums = reshape(sum(actions, { axes: [1, 2] }), [-1, 1]);
          return concat([sub(sums, 9), sub(sums, limit)], 1);
        },
      };
      const solver = new Search({ dynamics: point, objective: distanceAtEnd, constraints }, falling);
      const state = { place: rows(...goals.map(() => [0, 0])) };
      return solver.solve({ state, goal: rows(...goals), call: 0, ...endedAfter(2) });
    };
    const tight = await limited(-3, near, far);
    expect([...tight.actions]).toEqual([-1, -1, -1, -1]);
    expect([...(tight.excess as Float32Array)]).toEqual([-11, 1, -11, 1]);
    expect([...(await limited(9, near, far)).actions]).toEqual([1, 1, -1, -1]);
  });
});

describe('a world that goes astray', () => {
  const options = { horizon: 3, numSamples: 200, iterations: 6, seed: 3 };
  const lines = { state: { place: rows([0]) }, goal: rows([1.5]), call: 0 };
  it.each([
    ['cem', new CemSolver(cliff, distanceAtEnd, { ...options, stdFloor: 0 })],
    ['icem', new IcemSolver(cliff, distanceAtEnd, options)],
    ['mppi', new MppiSolver(cliff, distanceAtEnd, { ...options, temperature: 0.1 })],
    ['predictive', new PredictiveSamplingSolver(cliff, distanceAtEnd, options)],
    ['gradient', new GradientSolver(cliff, distanceAtEnd, { ...options, optimiser: 'sgd', learningRate: 0.01 })],
  ])('%s keeps to plans whose cost is a number', async (_, solver) => {
    const { actions, cost } = await solver.solve(lines);
    expect(cost).toBeGreaterThanOrEqual(0.5 - 1e-6);
    expect(cost).toBeLessThan(1.5);
    expect(actions.reduce((place, action) => place + action, 0)).toBeLessThanOrEqual(1 + 1e-6);
  });

  it('says so where no plan has one', async () => {
    const solver = new CemSolver(cliff, distanceAtEnd, options);
    expect((await solver.solve({ ...lines, state: { place: rows([9]) } })).cost).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('choices', () => {
  const task = { state: { place: rows([0, 0]) }, goal: rows([2, -1]), call: 0 };
  it.each([
    ['categorical', new CategoricalSolver(grid, distanceAtEnd, { horizon: 3, numSamples: 100, iterations: 8 })],
    ['projected', new ProjectedGradientSolver(grid, distanceAtEnd, { horizon: 3, numSamples: 32, learningRate: 0.2 })],
  ])('%s steps to the goal: twice right, once down', async (_, solver) => {
    const solution = await solver.solve(task);
    expect([...choicesOf(solution, 4)].sort()).toEqual([0, 0, 3]);
    expect(solution.cost).toBeCloseTo(0, 5);
    expect(await solver.solve({ ...task, onRound: () => {} })).toEqual(solution);
  });

  it('takes several choices an action', async () => {
    const solver = new CategoricalSolver(
      { ...grid, actionSize: 8, step: (state, action) => grid.step(grid.step(state, first(action)), second(action)) },
      distanceAtEnd,
      { horizon: 2, categories: 4, numSamples: 200, iterations: 10 },
    );
    const solution = await solver.solve({ ...task, goal: rows([3, 1]) });
    expect([...choicesOf(solution, 4)].sort()).toEqual([0, 0, 0, 2]);
    expect(() => new CategoricalSolver(grid, distanceAtEnd, { categories: 3 })).toThrow(
      '[CategoricalSolver] expected categories to divide the action size 4, got 3',
    );
  });
  const first = (action: Tensor): Tensor => action.slice(1, 0, 4);
  const second = (action: Tensor): Tensor => action.slice(1, 4, 8);
});

describe('constraints', () => {
  const settings = { horizon: 3, iterations: 200, innerIterations: 20, learningRate: 0.02 };
  it('are kept: as near as the effort allows', async () => {
    const solver = new AugmentedLagrangianSolver(point, distanceAtEnd, effort(1), settings);
    const { excess, cost, actions } = await solver.solve(problem([0, 0], [1, 0]));
    // Half of an action of 1 in all: 0.5 of the way.
    expect(excess?.[0]).toBeLessThan(0.05);
    expect(cost).toBeGreaterThan(0.5 - 0.025 - 1e-6);
    expect(cost).toBeLessThan(0.6);
    expect(excess?.[0]).toBeCloseTo(actions.reduce((total, value) => total + Math.abs(value), 0) - 1, 5);
  });

  it('are kept where time ends the search before its last round', async () => {
    const solver = new AugmentedLagrangianSolver(point, distanceAtEnd, effort(1), settings);
    const { excess, cost, rounds } = await solver.solve({ ...problem([0, 0], [1, 0]), ...endedAfter(199) });
    expect(rounds).toBe(199);
    expect(excess?.[0]).toBeLessThan(0.05);
    expect(cost).toBeLessThan(0.6);
  });

  it('that hold anyway change nothing, and several are told apart', async () => {
    const two: Constraints = {
      count: 2,
      excess: (...args) => concat([effort(9).excess(...args), effort(1).excess(...args)], 1),
    };
    const loose = await new AugmentedLagrangianSolver(point, distanceAtEnd, effort(9), settings).solve(problem());
    expect(loose.cost).toBeLessThan(0.02);
    const both = await new AugmentedLagrangianSolver(point, distanceAtEnd, two, settings).solve(problem());
    expect((both.excess as Float32Array)[1] - (both.excess as Float32Array)[0]).toBeCloseTo(8, 5);
  });
});

it.each([
  [
    () => new IcemSolver(point, distanceAtEnd, { noiseBeta: -1 }),
    '[IcemSolver] expected noiseBeta to be 0 or more, got -1',
  ],
  [
    () => new IcemSolver(point, distanceAtEnd, { numElites: 4, keepElites: 5 }),
    '[IcemSolver] expected keepElites at most 4, of numElites and numSamples − 1, got 5',
  ],
  [
    () => new IcemSolver(point, distanceAtEnd, { momentum: 2 }),
    '[IcemSolver] expected momentum to be from 0 to 1, got 2',
  ],
  [
    () => new MppiSolver(point, distanceAtEnd, { temperature: 0 }),
    '[MppiSolver] expected temperature to be above 0, got 0',
  ],
  [
    () =>
      new MppiSolver(point, distanceAtEnd, {
        bounds: [
          [0, 0, 0],
          [1, 2],
        ],
      }),
    'expected bounds to be [smallest, largest], numbers or arrays of 2',
  ],
  [
    () => new GradientSolver(point, distanceAtEnd, { optimiser: 'lion' as never }),
    "expected optimiser 'sgd', 'adam' or 'adamw', got 'lion'",
  ],
  [() => new GradientSolver(point, distanceAtEnd, { clipNorm: -1 }), 'expected clipNorm to be above 0, got -1'],
  [
    () => new AugmentedLagrangianSolver(point, distanceAtEnd, effort(1), { iterations: 30 }),
    'expected iterations a multiple of innerIterations 20, got 30',
  ],
])('refuses options without meaning: %#', (make, message) => {
  expect(make).toThrow(message);
});

it('bounds each number of an action of its own', async () => {
  const solver = new CemSolver(point, distanceAtEnd, {
    bounds: [
      [-1, 0.2],
      [0, 0.4],
    ],
  });
  const { actions } = await solver.solve(problem([0, 0], [5, -5]));
  for (let step = 0; step < 5; step++) {
    expect(actions[2 * step]).toBeLessThanOrEqual(0);
    expect(actions[2 * step + 1]).toBeGreaterThanOrEqual(Math.fround(0.2));
    expect(actions[2 * step + 1]).toBeLessThanOrEqual(Math.fround(0.4));
  }
});

it('refuses states, pending actions and noise of other sizes', async () => {
  const solver = new CemSolver(point, distanceAtEnd);
  await expect(solver.solve({ ...problem(), goal: rows([1, 1], [2, 2]) })).rejects.toMatchObject({
    code: 'ERR_JEPA_SHAPE',
    message: '[CemSolver] expected a row of state.place for each of 2 goals [2, 2], got [1, 2]',
  });
  await expect(solver.solve({ ...problem(), pending: new Float32Array(3) })).rejects.toThrow(
    '[CemSolver] expected pending actions [steps, 2], got 3 values',
  );
  await expect(solver.solve({ ...problem(), noise: {} })).rejects.toThrow(
    '[CemSolver] expected noise.round of shape [1, 63, 5, 2] for a round, got none',
  );
});
