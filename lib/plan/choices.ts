import { argmax, cast, equal, reshape } from '../ops/index.js';
import { arange, type Tensor } from '../tensor/index.js';
import type { Solution } from './contract.js';
import { expectWhole, refuse, type SearchOptions } from './settings.js';

export interface ChoiceOptions extends SearchOptions {
  /** Things to choose among: an action is one of them, or several in a row, as ones and zeros (default: the action's size). */
  readonly categories?: number;
}

/** Checks that actions are made of choices, and gives the number of categories. */
export function categoriesOf(solver: string, categories: number | null, actionSize: number): number {
  if (categories === null) return actionSize;
  expectWhole(solver, { categories });
  if (actionSize % categories !== 0) refuse(solver, `categories to divide the action size ${actionSize}`, categories);
  return categories;
}

/** 1 at a number and 0 elsewhere: [...n] to [...n, categories]. */
export function oneHot(numbers: Tensor, categories: number): Tensor {
  return cast(equal(reshape(numbers, [...numbers.shape, 1]), arange(0, categories)), 'float32');
}

/** Each group of `categories` numbers in [B, W] as a choice of its largest. */
export function chosen(weights: Tensor, categories: number): Tensor {
  const [problems, width] = weights.shape;
  const numbers = argmax(reshape(weights, [problems, width / categories, categories]));
  return reshape(oneHot(numbers, categories), weights.shape);
}

/**
 * The numbers of the choices that a plan of ones and zeros makes: [B, horizon, choices of an action].
 * @example const [first] = choicesOf(await solver.solve(problem), 4); // 0, 1, 2 or 3
 */
export function choicesOf({ actions }: Pick<Solution, 'actions'>, categories: number): Int32Array {
  return Int32Array.from({ length: actions.length / categories }, (_, i) =>
    actions.subarray(i * categories, (i + 1) * categories).indexOf(1),
  );
}
