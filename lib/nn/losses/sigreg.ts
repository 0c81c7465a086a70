import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import {
  add,
  cast,
  cos,
  matmul,
  mean,
  mul,
  normal,
  rsqrt,
  sin,
  square,
  sub,
  sum,
  sumOfSquares,
} from '../../ops/index.js';
import { stopGradient, type Tensor } from '../../tensor/index.js';

export interface SigregOptions {
  /** How many random directions M (default 64), or the directions themselves: [D, M] with unit columns. */
  readonly directions?: number | Tensor;
  /** Points t_k, evenly spaced with both ends (default 17). */
  readonly knots?: number;
  /** First and last point; the first must be 0 (default [0, 3]). */
  readonly range?: readonly [0, number];
  /** Key of the directions: seed, training step, and a name for this use of the statistic. */
  readonly seed?: number | Tensor;
  readonly step?: number | Tensor;
  readonly stream?: string;
}

interface Knot {
  readonly t: number;
  /** exp(−t²/2): characteristic function of the standard normal, and window. */
  readonly phi: number;
  /** Trapezoidal weight over [−last, last] by symmetry, times the window. */
  readonly weight: number;
}

function quadrature(knots = 17, last = 3): Knot[] {
  const spacing = last / (knots - 1);
  return Array.from({ length: knots }, (_, k) => {
    const t = k * spacing;
    const phi = Math.exp(-t * t * 0.5);
    return { t, phi, weight: (k === 0 || k === knots - 1 ? spacing : 2 * spacing) * phi };
  });
}

/**
 * SIGReg of N collapsed samples (all 0): N·Σ w_k (1 − φ_k)², about .40·N.
 * @example Math.round(100 * sigregCollapsed(1)); // 40
 */
export function sigregCollapsed(samples: number, knots = 17, last = 3): number {
  return samples * quadrature(knots, last).reduce((total, { phi, weight }) => total + weight * (1 - phi) ** 2, 0);
}

/**
 * Expected SIGReg of standard normal samples, whatever their number: Σ w_k (1 − φ_k²), about 1.05 with the default knots.
 * @example Math.round(100 * sigregExpected()); // 105
 */
export function sigregExpected(knots = 17, last = 3): number {
  return quadrature(knots, last).reduce((total, { phi, weight }) => total + weight * (1 - phi * phi), 0);
}

/** {@link sigregExpected} with the default knots: what a healthy representation shows. */
export const sigregNull = sigregExpected();

/**
 * SIGReg (Balestriero & LeCun 2025, LeJEPA): are the embeddings standard normal? Along each of M random directions a, with
 * s_n = z_n·a, the Epps–Pulley statistic T = N·Σ_k w_k [(mean_n cos t_k s_n − φ_k)² + (mean_n sin t_k s_n)²], mean over
 * directions and groups. Convention of LeJEPA and LeWM: factor N, window exp(−t²/2), t in [0, 3]. EB-JEPA's "BCS" has no
 * factor N and other points, so its coefficients do not carry over. Always computed in float32.
 *
 * Means are over the second to last axis only: put samples there and time steps, or views, before it.
 * @param z [..., N, D], for example [T, B, D]
 * @returns scalar; about {@link sigregNull} when healthy, {@link sigregCollapsed}(N) when collapsed
 * @example
 * const z = normal([16, 256, 64], { seed: 1 }); // 16 frames of 256 clips
 * const loss = sigreg(z, { directions: 64, seed: 1, step: 0, stream: 'sigreg' }); // about sigregNull, since z is normal
 */
export function sigreg(z: Tensor, options: SigregOptions = {}): Tensor {
  return mean(sigregStatistic(z, options));
}

/** The statistic T of every group and direction: [..., N, D] → [..., M]. */
export function sigregStatistic(z: Tensor, options: SigregOptions = {}): Tensor {
  checkOptions('sigreg', options, ['directions', 'knots', 'range', 'seed', 'step', 'stream']);
  if (z.rank < 2)
    throw new JepaError('ERR_JEPA_SHAPE', `[sigreg] expected z of shape [..., N, D], got [${z.shape.join(', ')}]`);
  const { knots = 17, range = [0, 3] } = options;
  const projected = matmul(cast(z, 'float32'), directionsOf(z, options), { precision: 'float32' }); // [..., N, M]
  const over = { axes: [-2], keepDims: true };
  const terms: Tensor[] = [];
  for (const { t, phi, weight } of quadrature(knots, range[1]).slice(1)) {
    // at t = 0 nothing can differ
    const angle = mul(projected, t);
    const real = sub(mean(cos(angle), over), phi);
    const imaginary = mean(sin(angle), over);
    terms.push(mul(add(square(real), square(imaginary)), weight));
  }
  const samples = z.shape[z.rank - 2];
  return sum(
    mul(
      terms.reduce((total, term) => add(total, term)),
      samples,
    ),
    { axes: [-2] },
  );
}

/** Unit columns [D, M], drawn for this step or as given. */
function directionsOf(z: Tensor, { directions = 64, seed = 0, step = 0, stream = 'sigreg' }: SigregOptions): Tensor {
  const width = z.shape[z.rank - 1];
  if (typeof directions !== 'number') {
    if (directions.shape[0] !== width)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[sigreg] expected directions of shape [${width}, M] (last axis of z [${z.shape.join(', ')}]), got [${directions.shape.join(', ')}]`,
      );
    return directions;
  }
  const drawn = normal([width, directions], { seed, step, stream });
  return stopGradient(mul(drawn, rsqrt(sumOfSquares(drawn, { axes: [0], keepDims: true }))));
}
