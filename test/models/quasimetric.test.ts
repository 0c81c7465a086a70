import { describe, expect, it } from 'vitest';
import { Quasimetric } from '#lib/models/quasimetric.js';
import { compile, type Tensor, tensor } from '#lib/tensor/index.js';
import { Random } from '#lib/worlds/random.js';
import { checkLayer } from '../nn/check-layer.js';
import { gelu } from '../nn/reference.js';

describe('Quasimetric', () => {
  it.each([3, 0])(
    'is the sum of a distance and of what one way costs more, gradients too: %i asymmetric',
    async (asymmetric) => {
      const [D, hidden, symmetric] = [3, 5, 2];
      const metric = new Quasimetric({ embeddingSize: D, hidden, symmetric, asymmetric, seed: 4 });
      await metric.standardise(Float32Array.of(1, 2, 3, 3, 6, 3)); // mean 2, 4, 3; variance (1 + 4 + 0)/3
      await checkLayer({
        module: metric,
        inputs: { from: [4, D], to: [4, D] },
        forward: ({ from, to }) => metric.distance(metric.place(from), metric.place(to)),
        reference: (v) => {
          const place = (x: readonly number[]): number[] =>
            [0, 1, 2].reduce<number[]>(
              (values, layer) => {
                const weight = v[`projection.layers.${layer}.weight`];
                const input =
                  layer === 0 ? values.map((x, i) => (x - [2, 4, 3][i]) / Math.sqrt(5 / 3)) : values.map(gelu);
                return Array.from(v[`projection.layers.${layer}.bias`], (b, o) =>
                  input.reduce((sum, value, i) => sum + value * weight[o * input.length + i], b),
                );
              },
              [...x],
            );
          return [0, 1, 2, 3].map((row) => {
            const [a, b] = ['from', 'to'].map((name) => place([...v[name].subarray(row * D, (row + 1) * D)]));
            const apart = a.map((value, i) => value - b[i]);
            const further = Math.max(0, ...apart.slice(symmetric));
            return Math.sqrt(apart.slice(0, symmetric).reduce((sum, d) => sum + d * d, 1e-6)) + further;
          });
        },
        tolerance: 1e-4,
      });
    },
  );

  it('keeps the triangle inequality untrained, and the way back has another length', async () => {
    const metric = new Quasimetric({ embeddingSize: 4, seed: 1 });
    const random = new Random(3, 'places');
    const places = (): Tensor =>
      tensor(
        Float32Array.from({ length: 400 }, () => random.normal()),
        { shape: [100, 4] },
      );
    const distance = compile((a: Tensor, b: Tensor) => metric.distance(metric.place(a), metric.place(b)));
    const between = async (a: Tensor, b: Tensor) => (await (await distance(a, b)).data()) as Float32Array;
    const [a, b, c] = [places(), places(), places()];
    const [ab, bc, ac, ba] = [await between(a, b), await between(b, c), await between(a, c), await between(b, a)];
    expect(ac.every((direct, i) => direct <= ab[i] + bc[i] + 1e-5)).toBe(true);
    expect(ab.some((there, i) => Math.abs(there - ba[i]) > 0.01)).toBe(true);
    expect(Math.max(...(await between(a, a)))).toBeLessThan(0.0011);
  });
});
