import { expect } from 'vitest';
import type { Module } from '#lib/nn/module.js';
import { PhiloxStream } from '#lib/nn/philox.js';
import { mul, sum } from '#lib/ops/index.js';
import { compile, type Tensor, tensor, type Variable, valueAndGrad, variable } from '#lib/tensor/index.js';

/** Float64 values by name: the layer's parameters and buffers under their names on disk, and the inputs. */
export type Values = Record<string, Float64Array>;

export interface LayerCase {
  readonly module?: Module;
  /** Shapes of the inputs, filled with normal numbers, or their values. */
  readonly inputs: Record<
    string,
    readonly number[] | { readonly shape: readonly number[]; readonly data: readonly number[] }
  >;
  readonly forward: (inputs: Record<string, Tensor>) => Tensor;
  /** The same in plain float64 loops: all elements of the output, row-major. */
  readonly reference: (values: Values) => ArrayLike<number>;
  /** Largest error relative to the largest element; float32 rounding over the few hundred terms of these cases. */
  readonly tolerance?: number;
}

/** Compares a layer's output with the reference, and the gradients of Σ output·cotangent with central differences of the reference. */
export async function checkLayer({ module, inputs, forward, reference, tolerance = 2e-5 }: LayerCase): Promise<void> {
  const given: Record<string, Variable> = {};
  for (const [name, input] of Object.entries(inputs)) {
    const [shape, data] =
      'shape' in input ? [input.shape, Float32Array.from(input.data)] : [input, normals(`input ${name}`, size(input))];
    given[name] = variable(data, { shape, name });
  }
  const learnt = module?.namedParameters() ?? new Map<string, Variable>();
  const all = new Map([...learnt, ...(module?.buffers() ?? []), ...Object.entries(given)]);
  const values: Values = {};
  for (const [name, variable] of all) values[name] = Float64Array.from(await variable.read());

  const expected = Float64Array.from(reference(values));
  const cotangent = normals('cotangent', expected.length);
  const differentiable = new Map([...learnt, ...Object.entries(given)]);
  const program = compile(() => {
    const { value, gradients } = valueAndGrad(() => {
      const y = forward(given);
      return { loss: sum(mul(y, tensor(cotangent, { shape: y.shape }))), y };
    }, differentiable.values());
    return {
      y: value.y,
      gradients: Object.fromEntries(
        [...differentiable].flatMap(([name, of]) => (gradients.has(of) ? [[name, gradients.get(of) as Tensor]] : [])),
      ),
    };
  });
  const result = await program();
  close('output', await result.y.data(), expected, tolerance);

  const objective = (): number =>
    Float64Array.from(reference(values)).reduce((total, value, index) => total + value * cotangent[index], 0);
  for (const name of differentiable.keys()) {
    const gradient = result.gradients[name];
    expect(gradient, `gradient of ${name}`).toBeDefined();
    const numeric = values[name].map((value, index, array) => {
      const h = 1e-5;
      array[index] = value + h;
      const above = objective();
      array[index] = value - h;
      const below = objective();
      array[index] = value;
      return (above - below) / (2 * h);
    });
    close(`gradient of ${name}`, await gradient.data(), numeric, 5 * tolerance);
  }
}

/** max|a − b| ≤ tolerance·max(|b|, 1e-3). */
export function close(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length, what).toBe(expected.length);
  let error = 0;
  let scale = 1e-3;
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Number.isNaN(actual[i]) ? Number.POSITIVE_INFINITY : Math.abs(actual[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  expect(error / scale, what).toBeLessThanOrEqual(tolerance);
}

export function normals(stream: string, count: number): Float32Array {
  const random = new PhiloxStream(11, stream);
  return Float32Array.from({ length: count }, () => random.normal());
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** [rows, inner] · [columns, inner]ᵀ + bias, in float64. */
export function affine(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  inner: number,
): Float64Array {
  const columns = weight.length / inner;
  const rows = x.length / inner;
  const y = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let total = bias ? bias[column] : 0;
      for (let k = 0; k < inner; k++) total += x[row * inner + k] * weight[column * inner + k];
      y[row * columns + column] = total;
    }
  }
  return y;
}
