import { JepaError } from '../errors.js';
import { type Variable, variable } from '../tensor/index.js';
import { PhiloxStream } from './philox.js';

/** What an initialiser knows of a parameter: its shape, how many inputs each output sums over, and its own random numbers. */
export interface Draw {
  readonly shape: readonly number[];
  readonly fanIn: number;
  readonly random: PhiloxStream;
}

/** Gives a parameter its first value: the elements, row-major. */
export type Initialiser = (draw: Draw) => Float32Array;

/** Initial weights by name; `truncatedNormal` is that of the JEPA and ViT codes (std .02, cut at ±2, biases 0). */
export type InitialiserName = 'kaimingUniform' | 'truncatedNormal' | 'zeros';

/** All elements 0. */
export const zeros: Initialiser = ({ shape }) => new Float32Array(count(shape));
/** All elements 1. */
export const ones: Initialiser = ({ shape }) => new Float32Array(count(shape)).fill(1);

/** Uniform in [−bound, bound). @example const layer = new Linear(8, 8, { initialiser: initialise.uniform(0.1) }); */
export function uniform(bound: number): Initialiser {
  return ({ shape, random }) => Float32Array.from({ length: count(shape) }, () => (2 * random.uniform() - 1) * bound);
}

/** He et al. 2015 with PyTorch's a = √5: gain √(2/(1 + a²)) = √⅓, so uniform within ±gain·√3/√fanIn = ±1/√fanIn. */
export const kaimingUniform: Initialiser = (draw) => uniform(1 / Math.sqrt(draw.fanIn))(draw);

/**
 * Normal with this standard deviation and mean.
 * @example const layer = new Linear(8, 8, { initialiser: initialise.normal(0.02) });
 */
export function normal(std = 1, mean = 0): Initialiser {
  return ({ shape, random }) => Float32Array.from({ length: count(shape) }, () => mean + std * random.normal());
}

/**
 * Normal with mean 0, drawn again outside [low, high]: limits in the parameter's unit, not in standard deviations, as in PyTorch.
 * @example const layer = new Linear(8, 8, { initialiser: initialise.truncatedNormal(0.02) });
 */
export function truncatedNormal(std = 0.02, low = -2, high = 2): Initialiser {
  return ({ shape, random }) =>
    Float32Array.from({ length: count(shape) }, () => {
      for (;;) {
        const value = std * random.normal();
        if (value >= low && value <= high) return value;
      }
    });
}

/**
 * `initialiser`, every element multiplied by `factor`.
 * @example const layer = new Linear(8, 8, { initialiser: initialise.scaled(initialise.kaimingUniform, 0.5) });
 */
export function scaled(initialiser: Initialiser, factor: number): Initialiser {
  return (draw) => initialiser(draw).map((value) => value * factor);
}

const named: Record<InitialiserName, { readonly weight: Initialiser; readonly bias: Initialiser }> = {
  kaimingUniform: { weight: kaimingUniform, bias: kaimingUniform },
  truncatedNormal: { weight: truncatedNormal(), bias: zeros },
  zeros: { weight: zeros, bias: zeros },
};

/** Weight and bias initialisers that an `initialiser` option stands for; a function initialises weights, biases become 0. */
export function initialisers(option: InitialiserName | Initialiser): {
  readonly weight: Initialiser;
  readonly bias: Initialiser;
} {
  return typeof option === 'function' ? { weight: option, bias: zeros } : named[option];
}

/** Options of every layer that draws initial weights. */
export interface SeedOptions {
  /** Same seed and name, same weights, whatever else is constructed (default 0). */
  readonly seed?: number;
  /** Path of the layer in the model; keys its random stream. Without one, unnamed layers are counted in the order of construction. */
  readonly name?: string;
}

let unnamed = 0;

/** The layer's own path, or a fresh one for a layer that was not given any. */
export function layerName(name: string | undefined, kind: string): string {
  return name ?? `${kind}#${unnamed++}`;
}

/**
 * A named float32 parameter with its first value drawn from the stream of (seed, name).
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT if a size is no positive integer
 */
export function parameter(
  name: string,
  shape: readonly number[],
  initialiser: Initialiser,
  { seed = 0, fanIn = 1 }: { readonly seed?: number; readonly fanIn?: number } = {},
): Variable {
  if (!shape.every((extent) => Number.isInteger(extent) && extent > 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${name}] expected sizes that are positive integers, got ${JSON.stringify(shape)}`,
    );
  return variable(initialiser({ shape, fanIn, random: new PhiloxStream(seed, name) }), { name, shape });
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
