import { JepaError, shown } from '../errors.js';
import { cholesky, solveLower, solveLowerTransposed } from '../world-model/cholesky.js';
import { checkFinite, invalid, rowsOf } from './expect.js';

/** A linear map with intercept. */
export interface LinearFit {
  /** [inputs, outputs] */
  readonly weight: Float64Array;
  /** [outputs] */
  readonly intercept: Float64Array;
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Ridge regression with an unpenalised intercept: minimises ‖Y − XW − b‖² + alpha·‖W‖², by Cholesky in float64.
 * @param x [rows, inputs]   @param y [rows, outputs]
 * @throws JepaError ERR_JEPA_SHAPE for sides of unequal rows, or none, ERR_JEPA_INVALID_ARGUMENT for numbers that are not finite
 * @example
 * const fit = fitRidge([0, 1, 2], [1, 3, 5], 1, 1, 0); // y = 2x + 1
 * [...predictLinear(fit, [10])]; // [21]
 */
export function fitRidge(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  inputs: number,
  outputs: number,
  alpha: number,
): LinearFit {
  const rows = rowsOf('fitRidge', x, inputs);
  const others = rowsOf('fitRidge', y, outputs);
  if (others !== rows)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[fitRidge] expected a row of y for each of ${rows} rows of x, got ${others}`,
    );
  if (!(alpha >= 0 && Number.isFinite(alpha))) throw invalid('fitRidge', 'alpha to be 0 or more', shown(alpha));
  checkFinite('fitRidge', x);
  checkFinite('fitRidge', y);
  const meanX = columnMeans(x, inputs);
  const meanY = columnMeans(y, outputs);
  const gram = new Float64Array(inputs * inputs);
  const cross = new Float64Array(inputs * outputs);
  const row = new Float64Array(inputs);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inputs; i++) row[i] = x[r * inputs + i] - meanX[i];
    for (let i = 0; i < inputs; i++) {
      const value = row[i];
      for (let j = 0; j <= i; j++) gram[i * inputs + j] += value * row[j];
      for (let k = 0; k < outputs; k++) cross[i * outputs + k] += value * (y[r * outputs + k] - meanY[k]);
    }
  }
  for (let i = 0; i < inputs; i++) gram[i * inputs + i] += alpha;
  const factor = cholesky(gram, inputs, 1e-13); // inputs that do not vary get no weight
  const weight = cross;
  solveLower(factor, inputs, weight, outputs);
  solveLowerTransposed(factor, inputs, weight, outputs);
  const intercept = Float64Array.from({ length: outputs }, (_, k) => {
    let value = meanY[k];
    for (let i = 0; i < inputs; i++) value -= meanX[i] * weight[i * outputs + k];
    return value;
  });
  return { weight, intercept, inputs, outputs };
}

/**
 * What a fit by {@link fitRidge} predicts, row by row.
 * @param x [rows, inputs]   @returns [rows, outputs]
 * @throws JepaError ERR_JEPA_SHAPE
 * @example
 * const fit = fitRidge([0, 1, 2], [1, 3, 5], 1, 1, 0);
 * [...predictLinear(fit, [10, 20])]; // [21, 41]
 */
export function predictLinear({ weight, intercept, inputs, outputs }: LinearFit, x: ArrayLike<number>): Float64Array {
  const rows = rowsOf('predictLinear', x, inputs);
  const result = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < outputs; k++) {
      let value = intercept[k];
      for (let i = 0; i < inputs; i++) value += x[r * inputs + i] * weight[i * outputs + k];
      result[r * outputs + k] = value;
    }
  }
  return result;
}

function columnMeans(values: ArrayLike<number>, width: number): Float64Array {
  const means = new Float64Array(width);
  for (let i = 0; i < values.length; i++) means[i % width] += values[i];
  const rows = values.length / width;
  return means.map((sum) => sum / rows);
}
