import { add, div, matmul, mul, permute, reshape, sqrt, variance } from '../ops/index.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { Draw } from './method.js';
import { expectFraction, expectWhole, refuse } from './settings.js';

/** How the numbers of an action are drawn. */
export interface BlockOptions {
  /** An action is this many simple ones in a row (default 1), which share `sharedNoise` of their variance (default 0). */
  readonly repeat?: number;
  readonly sharedNoise?: number;
}

export const blockDefaults = { repeat: 1, sharedNoise: 0 };

export function expectBlocks(
  solver: string,
  { repeat, sharedNoise }: Required<BlockOptions>,
  actionSize: number,
): void {
  expectWhole(solver, { repeat });
  if (actionSize % repeat !== 0) refuse(solver, `repeat to divide the action size ${actionSize}`, repeat);
  expectFraction(solver, { sharedNoise });
}

/** Shape of what a round draws: plans of `horizon` actions for B problems. */
export interface NoiseShape {
  readonly problems: number;
  readonly plans: number;
  readonly horizon: number;
  readonly actionSize: number;
}

/** Standard normal noise [B, plans, W], drawn as `round` [B, plans, horizon, actionSize] and `shared` [B, plans, horizon, actionSize/repeat]. */
export function whiteNoise(
  draw: Draw,
  { problems, plans, horizon, actionSize }: NoiseShape,
  { repeat, sharedNoise }: Required<BlockOptions>,
): Tensor {
  const flat = [problems, plans, horizon * actionSize];
  const own = draw('round', [problems, plans, horizon, actionSize]);
  if (sharedNoise === 0) return reshape(own, flat);
  const simple = actionSize / repeat;
  const shared = draw('shared', [problems, plans, horizon, simple]);
  const mixed = add(
    mul(reshape(own, [problems, plans, horizon, repeat, simple]), Math.sqrt(1 - sharedNoise)),
    mul(reshape(shared, [problems, plans, horizon, 1, simple]), Math.sqrt(sharedNoise)),
  );
  return reshape(mixed, flat);
}

/**
 * Noise whose power falls as frequency^−beta over a plan's actions (Pinneri et al. 2020, iCEM): white noise, filtered, then divided by
 * its own standard deviation over the plan, so that every action still varies by about 1.
 */
export function colouredNoise(draw: Draw, shape: NoiseShape, beta: number): Tensor {
  const { problems, plans, horizon, actionSize } = shape;
  const white = draw('round', [problems, plans, horizon, actionSize]);
  // One action has no frequencies, and no deviation over time.
  if (beta === 0 || horizon === 1) return reshape(white, [problems, plans, horizon * actionSize]);
  const overTime = reshape(permute(white, [0, 1, 3, 2]), [problems * plans * actionSize, horizon]);
  const coloured = matmul(overTime, tensor(frequencyFilter(horizon, beta), { shape: [horizon, horizon] }));
  const even = div(coloured, sqrt(variance(coloured, { axes: [1], keepDims: true })));
  return reshape(permute(reshape(even, [problems, plans, actionSize, horizon]), [0, 1, 3, 2]), [
    problems,
    plans,
    horizon * actionSize,
  ]);
}

/**
 * irfft ∘ diag(f^(−beta/2)) ∘ rfft of real sequences of length n as one symmetric circulant matrix, f = k/n. The mean (k = 0) is scaled
 * as the lowest frequency is, so that a plan keeps a random direction.
 */
function frequencyFilter(n: number, beta: number): Float32Array {
  const last = Math.floor(n / 2);
  const scale = (k: number): number => (Math.max(k, 1) / n) ** (-beta / 2);
  const lag = Array.from({ length: n }, (_, d) => {
    let sum = scale(0);
    for (let k = 1; k <= last; k++)
      sum += (2 * k === n ? 1 : 2) * scale(k) * Math.cos((2 * Math.PI * ((k * d) % n)) / n);
    return sum / n;
  });
  return Float32Array.from({ length: n * n }, (_, i) => lag[Math.abs(Math.floor(i / n) - (i % n))]);
}
