import { checkPositive } from '../data/check.js';
import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { maximum, minimum } from '../ops/index.js';
import { type Tensor, tensor } from '../tensor/index.js';

/** Smallest and largest value of an action: of all its numbers, of each, or of each of every action of a plan (equal where nothing is to choose). */
export type Bounds = readonly [low: number | readonly number[], high: number | readonly number[]];

/** What all searches are told. */
export interface SearchOptions {
  /** Actions of a plan (default 5). */
  readonly horizon?: number;
  /** Plans tried in a round. */
  readonly numSamples?: number;
  /** Rounds. */
  readonly iterations?: number;
  readonly seed?: number;
}

export interface BoundedOptions extends SearchOptions {
  /** Smallest and largest value of an action, or of each of its numbers (default [−1, 1]); null for none. */
  readonly bounds?: Bounds | null;
  /** Standard deviation of the noise that plans are drawn with at first (default 1). */
  readonly std?: number;
}

/** What searches do unless they are told otherwise; each of them says what it does differently. */
export const searchDefaults = { horizon: 5, numSamples: 64, iterations: 5, seed: 0 };
export const boundedDefaults = { ...searchDefaults, std: 1, bounds: [-1, 1] as Bounds | null };

/** Options over defaults, checked: every number by its name. */
export function settingsOf<Defaults extends Required<SearchOptions>, Given extends SearchOptions>(
  solver: string,
  defaults: Defaults,
  options: Given,
): Defaults & Given {
  checkOptions(solver, options, Object.keys(defaults));
  const settings = withDefaults(defaults, options);
  const { horizon, numSamples, iterations } = settings;
  expectWhole(solver, { horizon, numSamples, iterations });
  if (!Number.isSafeInteger(settings.seed)) refuse(solver, 'seed to be an integer', settings.seed);
  return settings;
}

export function refuse(solver: string, expected: string, got: unknown): never {
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${solver}] expected ${expected}, got ${String(got)}`);
}

export function expectWhole(solver: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) checkPositive(solver, name, value);
}

export function expectPositive(solver: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value > 0 && Number.isFinite(value))) refuse(solver, `${name} to be above 0`, value);
}

export function expectFromZero(solver: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value >= 0 && Number.isFinite(value))) refuse(solver, `${name} to be 0 or more`, value);
}

export function expectFraction(solver: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value >= 0 && value <= 1)) refuse(solver, `${name} to be from 0 to 1`, value);
}

export function expectElites(solver: string, numElites: number, numSamples: number, least = 1): void {
  if (!Number.isInteger(numElites) || numElites < least || numElites > numSamples)
    refuse(solver, `numElites between ${least} and numSamples ${numSamples}`, numElites);
}

/** A plan belongs to the worlds it was made for. */
export function expectSameWorlds(solver: string, planned: number, given: number): void {
  if (given !== planned)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[${solver}] expected a goal for each world of the last plan, ${planned}, got ${given}`,
      {
        help: ['call reset() for other worlds'],
      },
    );
}

/** What brings plans [..., W] within their bounds. */
export function boundsOf(solver: string, bounds: Bounds | null, horizon: number, actionSize: number) {
  if (bounds === null) return (plans: Tensor): Tensor => plans;
  const sides = Array.isArray(bounds) && bounds.length === 2 ? bounds.map((side) => [side].flat()) : [];
  const numbers = sides.flat().every((value) => Number.isFinite(value));
  const width = horizon * actionSize;
  if (!numbers || sides.length !== 2 || sides.some(({ length }) => ![1, actionSize, width].includes(length)))
    refuse(
      solver,
      `bounds to be [smallest, largest], numbers or arrays of ${actionSize}, or of ${width} for every action of a plan`,
      JSON.stringify(bounds),
    );
  const [low, high] = sides.map((side) => Float32Array.from({ length: width }, (_, i) => side[i % side.length]));
  if (low.some((value, i) => value > high[i]) || low.every((value, i) => value === high[i]))
    refuse(solver, 'bounds to be [smallest, largest]', JSON.stringify(bounds));
  const single = sides.every(({ length }) => length === 1);
  return (plans: Tensor): Tensor =>
    single ? minimum(maximum(plans, sides[0][0]), sides[1][0]) : minimum(maximum(plans, tensor(low)), tensor(high));
}
