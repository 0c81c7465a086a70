import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exp, log, sinCos } from '#lib/worlds/arithmetic.js';
import { Random } from '#lib/worlds/random.js';

describe('elementary functions', () => {
  it('agree with the engine to the last bits', () => {
    const random = new Random(1);
    for (let i = 0; i < 20000; i++) {
      const x = random.uniform(-10, 10);
      expect(Math.abs(sinCos(x).sin - Math.sin(x))).toBeLessThan(4e-16);
      expect(Math.abs(sinCos(x).cos - Math.cos(x))).toBeLessThan(4e-16);
      expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(5e-16);
      const y = exp(random.uniform(-40, 40));
      expect(Math.abs(log(y) - Math.log(y))).toBeLessThan(5e-16 * Math.max(1, Math.abs(Math.log(y))));
    }
  });

  it('hold at the edges', () => {
    expect(exp(0)).toBe(1);
    expect(exp(-1000)).toBe(0);
    expect(exp(1000)).toBe(Number.POSITIVE_INFINITY);
    expect(log(1)).toBe(0);
    expect(sinCos(0)).toEqual({ sin: 0, cos: 1 });
    expect(Math.abs(exp(-700) / Math.exp(-700) - 1)).toBeLessThan(1e-15);
  });

  it('are the only ones worlds use', () => {
    const forbidden =
      /Math\.(sin|cos|tan|asin|acos|atan2?|sinh|cosh|tanh|exp|expm1|pow|hypot|log\w*|cbrt|random)\b|\bDate\b|\*\*/;
    const folder = new URL('../../lib/worlds/', import.meta.url).pathname;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const code = readFileSync(join(folder, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      expect(code.match(forbidden)?.[0], name).toBeUndefined();
    }
  });
});

describe('Random', () => {
  it('is mulberry32', () => {
    const random = new Random(42);
    expect([random.bits(), random.bits(), random.bits()]).toEqual([2581720956, 1925393290, 3661312704]);
  });

  it('gives streams of their own and normals of mean 0 and variance 1', () => {
    expect(new Random(1, 'a').bits()).not.toBe(new Random(1, 'b').bits());
    const random = new Random(7, 'normal');
    let sum = 0;
    let squares = 0;
    const count = 100000;
    for (let i = 0; i < count; i++) {
      const value = random.normal();
      sum += value;
      squares += value * value;
    }
    expect(Math.abs(sum / count)).toBeLessThan(0.015);
    expect(Math.abs(squares / count - 1)).toBeLessThan(0.02);
  });
});
