/**
 * Elementary functions for worlds, made of +, −, ×, ÷ and √ only. IEEE 754 fixes the result of those to the last bit, but not of
 * `Math.sin`, `Math.exp` and their kin, whose bits differ between engines and versions; a world must not.
 */

export const pi = 3.141592653589793;

// π/2 and ln 2 in two parts: a small multiple of the first is exact, so the subtraction loses nothing.
const halfPiHigh = 1.5707963267341256;
const halfPiLow = 6.077100506506192e-11;
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** sin x and cos x for |x| < 10⁴, absolute error below 2⁻⁵². Taylor series on [−π/4, π/4] after reduction by multiples of π/2. */
export function sinCos(x: number): { readonly sin: number; readonly cos: number } {
  const quadrant = Math.floor(x / (pi / 2) + 0.5);
  const r = x - quadrant * halfPiHigh - quadrant * halfPiLow;
  const r2 = r * r;
  let sin = 0;
  for (let n = 17; n > 1; n -= 2) sin = (-r2 / (n * (n - 1))) * (1 + sin);
  sin = r + r * sin;
  let cos = 0;
  for (let n = 18; n > 0; n -= 2) cos = (-r2 / (n * (n - 1))) * (1 + cos);
  cos = 1 + cos;
  switch (((quadrant % 4) + 4) % 4) {
    case 0:
      return { sin, cos };
    case 1:
      return { sin: cos, cos: -sin };
    case 2:
      return { sin: -sin, cos: -cos };
    default:
      return { sin: -cos, cos: sin };
  }
}

const smallestExponent = -1022;
const powersOfTwo = (() => {
  const table = new Float64Array(1023 - smallestExponent + 1);
  table[-smallestExponent] = 1;
  for (let k = 1; k <= 1023; k++) table[k - smallestExponent] = table[k - 1 - smallestExponent] * 2;
  for (let k = -1; k >= smallestExponent; k--) table[k - smallestExponent] = table[k + 1 - smallestExponent] / 2;
  return table;
})();

/** eˣ, relative error below 2⁻⁵¹; 0 below −708. x = k·ln 2 + r, Taylor series in r, times 2ᵏ. */
export function exp(x: number): number {
  if (x < -708) return 0;
  if (x > 709) return Number.POSITIVE_INFINITY;
  const k = Math.floor(x / (ln2High + ln2Low) + 0.5);
  const r = x - k * ln2High - k * ln2Low;
  let sum = 1;
  for (let n = 14; n > 0; n--) sum = 1 + (r / n) * sum;
  return sum * powersOfTwo[k - smallestExponent];
}

/** ln x for finite x > 0, error below 2⁻⁵¹. x = 2ᵏ·m with m in [√½, √2), ln m = 2·artanh((m − 1)/(m + 1)). */
export function log(x: number): number {
  let m = x;
  let k = 0;
  for (; m >= 1.4142135623730951; k++) m /= 2;
  for (; m < 0.7071067811865476; k--) m *= 2;
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let sum = 0;
  for (let n = 23; n > 0; n -= 2) sum = sum * s2 + 1 / n;
  return k * ln2High + (2 * s * sum + k * ln2Low);
}
