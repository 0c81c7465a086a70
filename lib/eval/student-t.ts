/**
 * Probability that |T| exceeds |t| for Student's T with ν > 0 degrees of freedom: the regularised incomplete beta function
 * I_x(ν/2, ½) at x = ν/(ν + t²) (Abramowitz & Stegun 26.7.1). Relative error below 1e-13,
 * far in the tails too, and 1e-16·ν for very many degrees of freedom.
 */
export function twoSidedP(t: number, degreesOfFreedom: number): number {
  const ratio = Math.abs(t) / Math.sqrt(degreesOfFreedom);
  if (!(ratio < Number.POSITIVE_INFINITY)) return Number.isNaN(ratio) ? Number.NaN : 0;
  const a = degreesOfFreedom / 2;
  const x = 1 / (1 + ratio * ratio);
  // x^a·√(1 − x)/B(a, ½), by logarithms that lose nothing for t near 0 and do not overflow for t far out.
  const logX = ratio < 1e8 ? -Math.log1p(ratio * ratio) : -2 * Math.log(ratio);
  const rest = ratio < 1e8 ? ratio * Math.sqrt(x) : 1;
  const front = (Math.exp(a * logX) * rest * gammaRatio(a)) / Math.sqrt(Math.PI);
  if (x < (a + 1) / (a + 2.5)) return (front * betaFraction(x, a, 0.5)) / a;
  return 1 - (front * betaFraction(rest * rest, 0.5, a)) / 0.5;
}

/** The t beyond which, on both sides together, lies the probability 1 − confidence. */
export function twoSidedQuantile(confidence: number, degreesOfFreedom: number): number {
  let high = 1;
  while (twoSidedP(high, degreesOfFreedom) > 1 - confidence) high *= 2;
  let low = 0;
  // Halving down to neighbouring numbers: at most as many steps as a float64 has bits.
  for (let step = 0; step < 64; step++) {
    const middle = low + (high - low) / 2;
    if (twoSidedP(middle, degreesOfFreedom) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** The continued fraction of I_x(a, b)·a·B(a, b)/(x^a (1 − x)^b) (DLMF 8.17.22), by Lentz's method as modified by Thompson & Barnett. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const guarded = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let numerator = 1;
  let denominator = 1 / guarded(1 - ((a + b) * x) / (a + 1));
  let value = denominator;
  // √max(a, b) steps suffice; the bound only guards the loop.
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let factor = 1;
    for (const coefficient of [even, odd]) {
      denominator = 1 / guarded(1 + coefficient * denominator);
      numerator = guarded(1 + coefficient / numerator);
      factor = numerator * denominator;
      value *= factor;
    }
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  return value;
}

/**
 * Γ(a + ½)/Γ(a). From 16 on by its asymptotic series, whose next term is below 1e-15 there; a smaller a is raised by
 * Γ(a + 1) = a·Γ(a). No logarithm of Γ: for many degrees of freedom their difference would keep few digits.
 */
function gammaRatio(a: number): number {
  let factor = 1;
  let raised = a;
  for (; raised < 16; raised++) factor *= raised / (raised + 0.5);
  const s = 1 / (raised * raised);
  const series = -1 / 8 + s * (1 / 192 + s * (-1 / 640 + s * (17 / 14336 + s * (-31 / 18432 + (s * 691) / 180224))));
  return factor * Math.sqrt(raised) * Math.exp(series / raised);
}
