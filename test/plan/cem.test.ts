import { describe, expect, it } from 'vitest';
import { type CemOptions, CemSolver, distanceAlongHorizon, distanceAtEnd } from '#lib/plan/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { close } from '../nn/check-layer.js';
import { blocks, cart, point } from './toy.js';

const row = (...values: number[]): Tensor => tensor(Float32Array.from(values), { shape: [1, values.length] });
const strong: CemOptions = { horizon: 4, numSamples: 400, numElites: 20, iterations: 12, stdFloor: 0.01 };

/** Σ over the horizon of the distance to the goal, for a plan of the point's. */
function costOf(plan: ArrayLike<number>, start: readonly number[], goal: readonly number[]): number {
  let [x, y] = start;
  let total = 0;
  for (let k = 0; k < plan.length; k += 2) {
    x += plan[k] / 2;
    y += plan[k + 1] / 2;
    total += Math.hypot(x - goal[0], y - goal[1]);
  }
  return total;
}

describe('CemSolver', () => {
  it('finds the best plan: full speed to the goal, then rest', async () => {
    const solver = new CemSolver(point, distanceAlongHorizon, strong);
    const { actions, cost, history } = await solver.solve({ state: { place: row(0, 0) }, goal: row(0.8, 0), call: 0 });
    // Steps of at most 0.5: 0.5 and 0.8 are reached; the sum of the distances is 0.3 and no plan has less.
    close(
      'plan',
      [...actions].filter((_, i) => i % 2 === 0),
      [1, 0.6, 0, 0],
      0.08,
    );
    expect(cost).toBeLessThan(0.3 + 0.06);
    expect(cost).toBeGreaterThanOrEqual(0.3 - 1e-6);
    expect(cost).toBeCloseTo(costOf(actions, [0, 0], [0.8, 0]), 5); // the cost of what it returns
    expect(history.length).toBe(12);
    expect(history[11]).toBeLessThan(history[0]);
  });

  it('plans through a state that is more than a place', async () => {
    const solver = new CemSolver(cart, distanceAtEnd, { ...strong, horizon: 3, numSamples: 600 });
    const { actions } = await solver.solve({
      state: { place: row(0), velocity: row(0) },
      goal: row(2.5),
      call: 0,
    });
    const [a, b, c] = actions;
    expect(3 * a + 2 * b + c).toBeCloseTo(2.5, 1);
  });

  it('sums over the horizon: an early arrival is better, which the last state alone cannot see', async () => {
    const problem = { state: { place: row(0, 0) }, goal: row(0.5, 0), call: 1 };
    const early = await new CemSolver(point, distanceAlongHorizon, strong).solve(problem);
    const late = await new CemSolver(point, distanceAtEnd, strong).solve(problem);
    expect(costOf(early.actions, [0, 0], [0.5, 0])).toBeLessThan(0.08);
    expect(late.cost).toBeLessThan(0.05);
    expect(costOf(late.actions, [0, 0], [0.5, 0])).toBeGreaterThan(0.2);
  });

  it('chooses only where the bounds of an action of the plan leave a choice', async () => {
    const bounds = [
      [-1, -1, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0],
    ];
    const solver = new CemSolver(point, distanceAlongHorizon, { horizon: 3, bounds: bounds as never });
    const { actions } = await solver.solve({ state: { place: row(0, 0) }, goal: row(1, 1), call: 0 });
    expect(Array.from(actions.slice(2))).toEqual([0, 0, 0, 0]);
    expect(Math.abs(actions[0])).toBeGreaterThan(0.3);
    solver.dispose();
  });

  it('stays within its bounds, also when they exclude rest or the plan it starts from', async () => {
    const far = { state: { place: row(0, 0) }, goal: row(50, 50), call: 0 };
    for (const bounds of [
      [-0.3, 0.2],
      [0.4, 0.9],
      [-2, -1],
    ] as const) {
      const solver = new CemSolver(point, distanceAlongHorizon, { horizon: 3, bounds });
      for (const warmStart of [undefined, new Float32Array(6).fill(7)]) {
        const { actions, cost } = await solver.solve({ ...far, warmStart });
        for (const value of actions) {
          expect(value).toBeGreaterThanOrEqual(Math.fround(bounds[0]));
          expect(value).toBeLessThanOrEqual(Math.fround(bounds[1]));
        }
        expect(cost / costOf(actions, [0, 0], [50, 50])).toBeCloseTo(1, 5);
      }
    }
  });

  it('is decided by seed, call and problem alone', async () => {
    const problem = { state: { place: row(0.1, 0.2) }, goal: row(0.9, 0.4), call: 3 };
    const plan = async (options: CemOptions, call = 3) =>
      (await new CemSolver(point, distanceAlongHorizon, options).solve({ ...problem, call })).actions;
    const first = await plan({ seed: 5 });
    expect(await plan({ seed: 5 })).toEqual(first);
    expect(await plan({ seed: 6 })).not.toEqual(first);
    expect(await plan({ seed: 5 }, 4)).not.toEqual(first);
    const solver = new CemSolver(point, distanceAlongHorizon, { seed: 5 });
    await solver.solve({ ...problem, call: 9, goal: row(-1, -1) });
    expect((await solver.solve(problem)).actions).toEqual(first); // no memory of what it was asked before
  });

  it('starts from the plan it is given, and never does worse than that', async () => {
    const options = { horizon: 4, numSamples: 4, numElites: 2, iterations: 1, std: 0.01, stdFloor: 0 };
    const solver = new CemSolver(point, distanceAlongHorizon, options);
    const problem = { state: { place: row(0, 0) }, goal: row(0.8, 0), call: 0 };
    const best = Float32Array.of(1, 0, 0.6, 0, 0, 0, 0, 0);
    const warm = await solver.solve({ ...problem, warmStart: best });
    expect(warm.history[0]).toBeLessThanOrEqual(0.3 + 1e-6);
    close('plan', warm.actions, best, 0.02);
    const cold = await solver.solve(problem);
    expect(cold.cost).toBeGreaterThan(3);
  });

  it('draws blocks of simple actions that share their noise', async () => {
    // With all noise shared, both simple actions of a block are equal after one iteration; with none, they differ.
    const options = { horizon: 2, repeat: 2, iterations: 1, seed: 1 };
    const problem = { state: { place: row(0, 0) }, goal: row(3, -1), call: 0 };
    const shared = await new CemSolver(blocks, distanceAlongHorizon, { ...options, sharedNoise: 1 }).solve(problem);
    for (const at of [0, 1, 4, 5]) expect(shared.actions[at]).toBe(shared.actions[at + 2]);
    const own = await new CemSolver(blocks, distanceAlongHorizon, options).solve(problem);
    expect(own.actions[0]).not.toBe(own.actions[2]);
  });

  it('stops at its signal', async () => {
    const solver = new CemSolver(point, distanceAlongHorizon);
    await expect(
      solver.solve({ state: { place: row(0, 0) }, goal: row(1, 1), call: 0, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ERR_JEPA_ABORTED' });
  });

  it.each([
    [{ horizon: 0 }, 'expected horizon to be a positive integer, got 0'],
    [{ iterations: 1.5 }, 'expected iterations to be a positive integer, got 1.5'],
    [{ numElites: 1 }, 'expected numElites between 2 and numSamples 64, got 1'],
    [{ numElites: 65 }, 'expected numElites between 2 and numSamples 64, got 65'],
    [{ repeat: 3 }, 'expected repeat to divide the action size 2, got 3'],
    [{ bounds: [1, -1] }, 'expected bounds to be [smallest, largest], got [1,-1]'],
    [
      { bounds: [0, Number.NaN] },
      'expected bounds to be [smallest, largest], numbers or arrays of 2, or of 10 for every action of a plan, got [0,null]',
    ],
    [{ std: 0 }, 'expected std to be above 0, got 0'],
    [{ stdFloor: -1 }, 'expected stdFloor to be 0 or more, got -1'],
    [{ sharedNoise: 1.5 }, 'expected sharedNoise to be from 0 to 1, got 1.5'],
    [{ seed: 0.5 }, 'expected seed to be an integer, got 0.5'],
  ])('refuses %j', (options, message) => {
    expect(() => new CemSolver(point, distanceAlongHorizon, options as CemOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT', message: `[CemSolver] ${message}` }),
    );
  });

  it('refuses misspelled options and plans of another size', async () => {
    expect(() => new CemSolver(point, distanceAlongHorizon, { samples: 3, numSample: 3 } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_JEPA_UNKNOWN_OPTION' }),
    );
    const solver = new CemSolver(point, distanceAlongHorizon);
    await expect(
      solver.solve({ state: { place: row(0, 0) }, goal: row(1, 1), call: 0, warmStart: new Float32Array(5) }),
    ).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: '[CemSolver] expected a plan [5, 2] to start from, or one with fewer actions, got 5 values',
    });
  });
});
