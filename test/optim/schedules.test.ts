import { describe, expect, it } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  oneCycle,
  type Schedule,
  warmupConstant,
  warmupCosine,
  warmupLinear,
  warmupStableDecay,
} from '#lib/optim/index.js';

const at = (schedule: Schedule, ...steps: number[]): number[] =>
  steps.map((step) => Number(schedule(step).toPrecision(12)));

describe('schedules', () => {
  it('warm up linearly, then', () => {
    expect(at(warmupCosine({ base: 1, start: 0.2, warmup: 4, total: 12, final: 0.1 }), 0, 2, 4, 8, 12)).toEqual([
      0.2, 0.6, 1, 0.55, 0.1,
    ]);
    expect(at(warmupLinear({ base: 1, warmup: 4, total: 12, final: 0.2 }), 0, 4, 8, 12)).toEqual([0, 1, 0.6, 0.2]);
    expect(at(warmupConstant({ base: 2, warmup: 4 }), 0, 1, 4, 999)).toEqual([0, 0.5, 2, 2]);
    expect(at(warmupStableDecay({ base: 1, warmup: 2, total: 10, decay: 4 }), 1, 2, 6, 8, 10)).toEqual([
      0.5, 1, 1, 0.5, 0,
    ]);
  });

  it('go between two values, up or down', () => {
    expect(at(linearSchedule({ from: 0.996, to: 1, total: 4 }), 0, 1, 4, 5)).toEqual([0.996, 0.997, 1, 1]);
    expect(at(cosineSchedule({ from: 0.04, to: 0.4, total: 10 }), 0, 5, 10)).toEqual([0.04, 0.22, 0.4]);
    expect(at(linearSchedule({ from: 0, to: 0.5, begin: 10, total: 20 }), 0, 10, 15, 20, 25)).toEqual([
      0, 0, 0.25, 0.5, 0.5,
    ]);
    expect(at(cosineSchedule({ from: 0, to: 1, begin: 10, total: 20 }), 5, 10, 15, 20)).toEqual([0, 0, 0.5, 1]);
    expect(at(cosineSchedule({ from: 0.4, to: 0.04, total: 10 }), 0, 5, 10)).toEqual([0.4, 0.22, 0.04]);
    expect(at(constantSchedule(3), 0, 7)).toEqual([3, 3]);
  });

  it('rise and fall in one cycle', () => {
    expect(
      at(oneCycle({ base: 1, total: 21, peak: 0.25, startFactor: 10, finalFactor: 100, shape: 'linear' }), 0, 4.25, 20),
    ).toEqual([0.1, 1, 0.001]);
    expect(at(oneCycle({ base: 1, total: 22, peak: 0.5, startFactor: 2, finalFactor: 1 }), 0, 5, 10, 21)).toEqual([
      0.5, 0.75, 1, 0.5,
    ]);
  });

  it('hold beyond the end, or continue as the references do', () => {
    const options = { base: 1, total: 10, final: 0.1 };
    expect(at(warmupCosine(options), 10, 20)).toEqual([0.1, 0.1]);
    expect(at(warmupCosine({ ...options, beyond: 'continue' }), 15, 20)).toEqual([0.55, 1]); // turns round
    expect(at(warmupLinear({ ...options, beyond: 'continue' }), 20)).toEqual([-0.8]); // goes on below the final value
    expect(at(linearSchedule({ from: 0, to: 1, total: 10, beyond: 'continue' }), 20)).toEqual([2]);
  });

  it('may warm up for longer than they last', () => {
    expect(at(warmupCosine({ base: 1, warmup: 20, total: 10 }), 10)).toEqual([0.5]);
  });

  it('refuse misspelled options and negative lengths', () => {
    expect(() => warmupCosine({ base: 1, total: 3, warmUp: 2 } as never)).toThrow("did you mean 'warmup'?");
    expect(() => warmupCosine({ base: 1, total: -3 })).toThrow(
      '[warmupCosine] expected steps that are not negative, got 0 and -3',
    );
  });
});
