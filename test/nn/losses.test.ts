import { describe, expect, it } from 'vitest';
import { Linear } from '#lib/nn/linear.js';
import {
  barlowTwins,
  binaryCrossEntropy,
  cosine,
  covarianceLoss,
  crossEntropy,
  hinge as hingeLoss,
  infoNCE,
  inverseDynamics,
  l1,
  marginRanking,
  mse,
  rankingLoss,
  sigmoidFocal,
  sigreg,
  sigregCollapsed,
  sigregExpected,
  sigregNull,
  sigregStatistic,
  smoothL1,
  tripletMargin,
  varianceLoss,
  vicreg,
} from '#lib/nn/losses/index.js';
import { compile, scalar, type Tensor, tensor } from '#lib/tensor/index.js';
import { affine, checkLayer, normals } from './check-layer.js';

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const rows = (x: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: x.length / width }, (_, r) => Array.from({ length: width }, (_, i) => x[r * width + i]));
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, i) => total + value * b[i], 0);
const norm = (a: readonly number[]): number => Math.sqrt(dot(a, a));
const negativeLogSoftmax = (logits: readonly number[]): number[] => {
  const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
  return logits.map((value) => total - value);
};

describe('losses equal plain float64 loops, gradients too', () => {
  const signs = tensor([1, -1, -1, 1, 1, -1]);
  const sign = [1, -1, -1, 1, 1, -1];

  it('margin ranking and hinge', async () => {
    const inputs = { a: [6], b: [6] };
    for (const margin of [0, 0.5])
      await checkLayer({
        inputs,
        forward: ({ a, b }) => marginRanking(a, b, signs, { margin }),
        reference: ({ a, b }) => [mean(a.map((value, i) => Math.max(0, margin - sign[i] * (value - b[i]))))],
      });
    await checkLayer({
      inputs: { x: [6] },
      forward: ({ x }) => hingeLoss(x, signs, { reduction: 'none' }),
      reference: ({ x }) => x.map((value, i) => Math.max(0, 1 - sign[i] * value)),
    });
    expect(() => hingeLoss(tensor([1, 2]), signs)).toThrow('[hinge] expected x, sign of the same shape, got [2], [6]');
  });

  it('triplet margin', async () => {
    await checkLayer({
      inputs: { a: [4, 3], p: [4, 3], n: [4, 3] },
      forward: ({ a, p, n }) => tripletMargin(a, p, n, { margin: 2 }),
      reference: ({ a, p, n }) => {
        const distances = (x: Float64Array): number[] =>
          rows(a, 3).map((row, r) => norm(row.map((value, i) => value - x[3 * r + i] + 1e-6)));
        const [near, far] = [distances(p), distances(n)];
        return [mean(near.map((distance, r) => Math.max(0, distance - far[r] + 2)))];
      },
    });
  });

  it('Barlow Twins', async () => {
    await checkLayer({
      inputs: { a: [6, 3], b: [6, 3] },
      forward: ({ a, b }) => barlowTwins(a, b, { lambda: 0.1 }),
      reference: ({ a, b }) => {
        const columns = (x: Float64Array): number[][] =>
          [0, 1, 2].map((k) => {
            const column = rows(x, 3).map((row) => row[k]);
            const middle = mean(column);
            const spread = Math.sqrt(mean(column.map((value) => (value - middle) ** 2)) + 1e-5);
            return column.map((value) => (value - middle) / spread);
          });
        const [u, v] = [columns(a), columns(b)];
        const terms = u.flatMap((x, i) =>
          v.map((y, j) => (i === j ? (dot(x, y) / 6 - 1) ** 2 : 0.1 * (dot(x, y) / 6) ** 2)),
        );
        return [mean(terms) * 9];
      },
    });
    expect(() => barlowTwins(tensor([[1, 2]]), tensor([[1, 2]]))).toThrow('two views [N, D] with N at least 2');
  });

  it('binary cross-entropy and focal loss, far logits too', async () => {
    const target = [1, 0, 0, 1, 1, 0];
    const right = (x: number, i: number): number => 1 / (1 + Math.exp(target[i] === 1 ? -x : x));
    await checkLayer({
      inputs: { x: [6] },
      forward: ({ x }) => binaryCrossEntropy(x, tensor(target), { reduction: 'none' }),
      reference: ({ x }) => x.map((value, i) => -Math.log(right(value, i))),
    });
    await checkLayer({
      inputs: { x: [6] },
      forward: ({ x }) => sigmoidFocal(x, tensor(target)),
      reference: ({ x }) => [
        mean(
          x.map((value, i) => {
            const p = right(value, i);
            return -(target[i] === 1 ? 0.25 : 0.75) * (1 - p) ** 2 * Math.log(p);
          }),
        ),
      ],
    });
    const far = await binaryCrossEntropy(tensor([1e4, -1e4]), tensor([0, 0]), { reduction: 'none' }).toArray();
    expect(far).toEqual([1e4, 0]);
    expect(() => binaryCrossEntropy(tensor([1]), signs)).toThrow(
      'logits and target of the same shape, got [1] and [6]',
    );
  });

  const inputs = { x: [4, 5], target: [4, 5] };

  it.each([
    [0.5, 0.1],
    [0, 1],
  ])('the ranking loss with margin %d and temperature %d', async (margin, temperature) => {
    const target = Array.from({ length: 20 }, (_, i) => ((7 * i) % 5) / 3 + (i % 5 === 2 ? 0 : 0.01 * i));
    target[3] = target[1]; // a tie is no pair
    await checkLayer({
      inputs: { x: [4, 5] },
      forward: ({ x }) => rankingLoss(x, tensor(target, { shape: [4, 5] }), { margin, temperature }),
      reference: ({ x }) => {
        let [total, pairs] = [0, 0];
        for (let row = 0; row < 4; row++)
          for (let i = 5 * row; i < 5 * row + 5; i++)
            for (let j = 5 * row; j < 5 * row + 5; j++) {
              if (Math.fround(target[i]) >= Math.fround(target[j])) continue;
              pairs++;
              total +=
                temperature * Math.log1p(Math.exp((x[i] - x[j] + margin * (target[j] - target[i])) / temperature));
            }
        return [total / pairs];
      },
      tolerance: 5e-5,
    });
  });

  it('the ranking loss is finite for scores far apart, and 0 without a pair', async () => {
    const far = rankingLoss(tensor([[1e4, -1e4]]), tensor([[0, 1]]));
    expect(await far.item()).toBeCloseTo(2e4 + 0.5, 1);
    expect(await rankingLoss(tensor([[1, 2]]), tensor([[3, 3]])).item()).toBe(0);
    expect(() => rankingLoss(tensor([[1, 2]]), tensor([3, 3]))).toThrow(
      /same shape \[\.\.\., K\], got \[1, 2\] and \[2\]/,
    );
    expect(() => rankingLoss(tensor([[1, 2]]), tensor([[3, 3]]), { temperature: 0 })).toThrow(/got 0.5 and 0/);
  });

  it.each(['mean', 'sum', 'none'] as const)('mse, l1 and smooth L1, reduction %s', async (reduction) => {
    const reduced = (values: Float64Array): Float64Array =>
      reduction === 'none'
        ? values
        : Float64Array.of(reduction === 'mean' ? mean(values) : mean(values) * values.length);
    await checkLayer({
      inputs,
      forward: ({ x, target }) => mse(x, target, { reduction }),
      reference: ({ x, target }) => reduced(x.map((value, i) => (value - target[i]) ** 2)),
    });
    await checkLayer({
      inputs,
      forward: ({ x, target }) => l1(x, target, { reduction }),
      reference: ({ x, target }) => reduced(x.map((value, i) => Math.abs(value - target[i]))),
    });
    for (const beta of [0.5, 1, 0]) {
      const smooth = (d: number): number => (d < beta ? (d * d) / (2 * beta) : d - beta / 2);
      await checkLayer({
        inputs,
        forward: ({ x, target }) => smoothL1(x, target, { reduction, beta }),
        reference: ({ x, target }) => reduced(x.map((value, i) => smooth(Math.abs(value - target[i])))),
      });
    }
  });

  it('cosine', async () => {
    await checkLayer({
      inputs: { a: [2, 3, 5], b: [2, 3, 5] },
      forward: ({ a, b }) => cosine(a, b),
      reference: ({ a, b }) => [
        mean(rows(a, 5).map((row, i) => 1 - dot(row, rows(b, 5)[i]) / (norm(row) * norm(rows(b, 5)[i])))),
      ],
    });
    const zero = tensor(new Float32Array(4), { shape: [2, 2] });
    expect(await cosine(zero, zero).item()).toBe(1);
  });

  it.each([0, 0.1])('cross-entropy, label smoothing %s, an ignored row', async (labelSmoothing) => {
    const labels = [2, 0, -100, 6, 3];
    await checkLayer({
      inputs: { logits: [5, 7] },
      forward: ({ logits }) => crossEntropy(logits, tensor(Int32Array.from(labels)), { labelSmoothing }),
      reference: ({ logits }) => {
        const losses = rows(logits, 7).flatMap((row, i) => {
          const each = negativeLogSoftmax(row);
          return labels[i] < 0 ? [] : [(1 - labelSmoothing) * each[labels[i]] + labelSmoothing * mean(each)];
        });
        return [mean(losses)];
      },
    });
  });

  it.each([7, -1, -99])('cross-entropy refuses label %s of 7 classes', async (label) => {
    const logits = tensor(new Float32Array(14), { shape: [2, 7] });
    const loss = crossEntropy(logits, tensor(Int32Array.from([3, label])), { ignoreIndex: -100 });
    await expect(loss.item()).rejects.toMatchObject({ code: 'ERR_JEPA_INDEX_RANGE' });
  });

  it.each([
    [false, 6],
    [true, 4],
  ])('InfoNCE, symmetric %s, %i keys', async (symmetric, keys) => {
    await checkLayer({
      inputs: { a: [4, 5], b: [keys, 5] },
      tolerance: 5e-5,
      forward: ({ a, b }) => infoNCE(a, b, { temperature: 0.2, symmetric }),
      reference: ({ a, b }) => {
        const [queries, others] = [rows(a, 5), rows(b, 5)];
        const similarity = (p: number[], q: number[]): number => dot(p, q) / (norm(p) * norm(q)) / 0.2;
        const oneWay = (from: number[][], to: number[][]): number =>
          mean(from.map((row, i) => negativeLogSoftmax(to.map((other) => similarity(row, other)))[i]));
        return [symmetric ? (oneWay(queries, others) + oneWay(others, queries)) / 2 : oneWay(queries, others)];
      },
    });
  });

  const centred = (z: ArrayLike<number>, width: number): number[][] => {
    const all = rows(z, width);
    return all.map((row) => row.map((value, i) => value - mean(all.map((other) => other[i]))));
  };
  const hinge = (z: ArrayLike<number>, width: number): number => {
    const c = centred(z, width);
    return mean(
      Array.from({ length: width }, (_, i) =>
        Math.max(0, 1 - Math.sqrt(c.reduce((total, row) => total + row[i] ** 2, 0) / (c.length - 1) + 1e-4)),
      ),
    );
  };
  const offDiagonal = (z: ArrayLike<number>, width: number): number => {
    const c = centred(z, width);
    let total = 0;
    for (let i = 0; i < width; i++)
      for (let j = 0; j < width; j++)
        if (i !== j) total += (c.reduce((sum, row) => sum + row[i] * row[j], 0) / (c.length - 1)) ** 2;
    return total;
  };

  it('VICReg and its terms', async () => {
    await checkLayer({
      inputs: { z: [6, 4] },
      forward: ({ z }) => varianceLoss(z),
      reference: ({ z }) => [hinge(z, 4)],
    });
    await checkLayer({
      inputs: { z: [6, 4] },
      forward: ({ z }) => covarianceLoss(z),
      reference: ({ z }) => [offDiagonal(z, 4) / 4],
    });
    await checkLayer({
      inputs: { z: [6, 4] },
      forward: ({ z }) => covarianceLoss(z, { normalisation: 'd(d-1)' }),
      reference: ({ z }) => [offDiagonal(z, 4) / 12],
    });
    for (const style of ['code', 'paper'] as const) {
      await checkLayer({
        inputs: { a: [6, 4], b: [6, 4] },
        forward: ({ a, b }) => vicreg(a, b, { style }).loss,
        reference: ({ a, b }) => {
          const squared = mean(a.map((value, i) => (value - b[i]) ** 2));
          const variance = hinge(a, 4) + hinge(b, 4);
          const covariance = (offDiagonal(a, 4) + offDiagonal(b, 4)) / 4;
          return [
            style === 'paper'
              ? 25 * 4 * squared + 25 * variance + covariance
              : 25 * squared + 12.5 * variance + covariance,
          ];
        },
      });
    }
    expect(await varianceLoss(tensor(new Float32Array(12), { shape: [3, 4] })).item()).toBeCloseTo(0.99, 6); // collapsed: γ − √ε
  });

  it.each([2, 3])('inverse dynamics from %i frames', async (frames) => {
    const head = new Linear(frames * 3, 2, { name: 'head' });
    await checkLayer({
      module: head,
      inputs: { z: [2, 5, 3], actions: [2, 5, 2] },
      forward: ({ z, actions }) => inverseDynamics(z, actions, head, { frames }),
      reference: (v) => {
        const errors: number[] = [];
        for (let b = 0; b < 2; b++)
          for (let t = 0; t + frames <= 5; t++) {
            const told = affine(v.z.subarray((b * 5 + t) * 3, (b * 5 + t + frames) * 3), v.weight, v.bias, frames * 3);
            for (let i = 0; i < 2; i++) errors.push((told[i] - v.actions[(b * 5 + t + frames - 2) * 2 + i]) ** 2);
          }
        return [mean(errors)];
      },
    });
  });
});

describe('SIGReg', () => {
  const unitColumns = (stream: string, width: number, count: number): Tensor => {
    const data = normals(stream, width * count);
    for (let j = 0; j < count; j++) {
      const length = Math.sqrt(
        Array.from({ length: width }, (_, i) => data[i * count + j] ** 2).reduce((a, b) => a + b),
      );
      for (let i = 0; i < width; i++) data[i * count + j] /= length;
    }
    return tensor(data, { shape: [width, count] });
  };

  it.each([17, 9])('equals the formula in float64, gradient too, %i knots', async (knots) => {
    const [groups, samples, width, count] = [2, 7, 4, 3];
    const directions = unitColumns('directions', width, count);
    const a = await directions.data();
    await checkLayer({
      inputs: { z: [groups, samples, width] },
      tolerance: 3e-5,
      forward: ({ z }) => sigreg(z, { directions, knots }),
      reference: ({ z }) => {
        const spacing = 3 / (knots - 1);
        const statistics: number[] = [];
        for (let g = 0; g < groups; g++)
          for (let j = 0; j < count; j++) {
            const s = Array.from({ length: samples }, (_, n) =>
              Array.from({ length: width }, (_, i) => z[(g * samples + n) * width + i] * a[i * count + j]).reduce(
                (p, q) => p + q,
              ),
            );
            let total = 0;
            for (let k = 0; k < knots; k++) {
              const t = k * spacing;
              const phi = Math.exp((-t * t) / 2);
              total +=
                (k === 0 || k === knots - 1 ? spacing : 2 * spacing) *
                phi *
                ((mean(s.map((value) => Math.cos(t * value))) - phi) ** 2 +
                  mean(s.map((value) => Math.sin(t * value))) ** 2);
            }
            statistics.push(samples * total);
          }
        return [mean(statistics)];
      },
    });
  });

  it('is near its null for normal samples and .40·N for collapsed ones', async () => {
    expect(sigregNull).toBeCloseTo(1.053, 2);
    expect(sigregExpected(33, 3)).toBeCloseTo(sigregNull, 2);
    expect(sigregCollapsed(100)).toBeCloseTo(40.2, 0);
    const healthy = tensor(normals('healthy', 8 * 32 * 16), { shape: [8, 32, 16] });
    expect(
      Math.abs((await sigreg(healthy, { directions: 64, seed: 1, step: 0 }).item()) / sigregNull - 1),
    ).toBeLessThan(0.25);
    const collapsed = await sigreg(tensor(new Float32Array(8 * 32 * 16), { shape: [8, 32, 16] }), {
      directions: 4,
    }).item();
    expect(collapsed / sigregCollapsed(32)).toBeCloseTo(1, 5);
  });

  it('draws unit directions anew each step, by its stream, without compiling again', async () => {
    const z = tensor(normals('z', 2 * 6 * 5), { shape: [2, 6, 5] });
    const program = compile((step: Tensor) => ({
      a: sigregStatistic(z, { directions: 3, seed: 1, step, stream: 'a' }),
      b: sigregStatistic(z, { directions: 3, seed: 1, step, stream: 'b' }),
    }));
    const at = async (step: number) => {
      const { a, b } = await program(scalar(step, 'int32'));
      return { a: [...(await a.data())], b: [...(await b.data())] };
    };
    const [first, second, again] = [await at(0), await at(1), await at(0)];
    expect(first.a).toHaveLength(6);
    expect(first).toEqual(again);
    expect(first.a).not.toEqual(second.a);
    expect(first.a).not.toEqual(first.b);
  });

  it('refuses directions of another width', () => {
    expect(() => sigreg(tensor(normals('z', 12), { shape: [3, 4] }), { directions: unitColumns('d', 3, 2) })).toThrow(
      '[sigreg] expected directions of shape [4, M] (last axis of z [3, 4]), got [3, 2]',
    );
    expect(() => sigreg(tensor(normals('z', 12), { shape: [3, 4] }), { direction: 3 } as object)).toThrow(
      "did you mean 'directions'?",
    );
  });
});
