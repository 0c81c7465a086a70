// Error function in float64: power series near zero, continued fraction in the tail (Abramowitz & Stegun 7.1.6, 7.1.14).

const rootPi = Math.sqrt(Math.PI);

export function erf(x: number): number {
  return Math.abs(x) < 2.5 ? series(x) : Math.sign(x) * (1 - tail(Math.abs(x)));
}

/** 1 − erf(x), without cancellation for positive x. */
export function erfc(x: number): number {
  if (Math.abs(x) < 2.5) return 1 - series(x);
  return x > 0 ? tail(x) : 2 - tail(-x);
}

function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / rootPi) * Math.exp(-x * x) * sum;
}

function tail(x: number): number {
  if (x > 27) return 0;
  let fraction = x;
  for (let n = 120; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / rootPi / fraction;
}

export const gelu = (x: number): number => 0.5 * x * erfc(-x / Math.SQRT2);
export const geluTanh = (x: number): number =>
  // ½(1 + tanh u) = 1/(1 + e^−2u) does not cancel for negative u
  x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
