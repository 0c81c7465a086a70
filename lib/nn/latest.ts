import type { Tensor, Variable } from '../tensor/index.js';
import { currentTrace } from '../tensor/trace.js';

/** The value that this program has given a variable so far, or the one it started with. Reading the variable itself gives always the latter. */
export function latest(variable: Variable): Tensor {
  return currentTrace()?.assignments.get(variable) ?? variable;
}
