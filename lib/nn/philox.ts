import { streamKey } from '../ops/random.js';

/**
 * Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011) on the host: key = seed, counter = (block, 0, stream), four words a block.
 * The same numbers on every machine and in every order of construction; only integer arithmetic.
 */
export class PhiloxStream {
  readonly #key: readonly [number, number];
  readonly #stream: readonly [number, number];
  #block = 0;
  #words: number[] = [];

  /** @param stream any string; its 64-bit FNV-1a hash selects the stream */
  constructor(seed: number, stream: string) {
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
    const key = streamKey(stream);
    this.#stream = [Number(key & 0xffffffffn), Number(key >> 32n)];
  }

  /** The next 32 random bits. */
  word(): number {
    if (this.#words.length === 0) this.#words = philox4x32([this.#block++, 0, ...this.#stream], this.#key).reverse();
    return this.#words.pop() as number;
  }

  /** Uniform in [0, 1): multiples of 2⁻²⁴, exact in float32. */
  uniform(): number {
    return (this.word() >>> 8) * 2 ** -24;
  }

  /** Standard normal: the inverse of the distribution function at a uniform number of 32 bits strictly inside (0, 1). */
  normal(): number {
    return inverseNormal((this.word() + 0.5) * 2 ** -32);
  }
}

/**
 * Philox4x32-10: four counter words and two key words, each from 0 to 2³² − 1, to four random words. Word i of {@link randomBits} with seed s,
 * step t and a stream's 64-bit FNV-1a hash h is word i mod 4 of the counter [⌊i/4⌋, t, h mod 2³², ⌊h/2³²⌋] under the key [s, 0].
 * @example philox4x32([0, 0, 0, 0], [0, 0]); // [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
 */
export function philox4x32(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0);
    const [high1, low1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** High and low word of a 32 × 32 bit product; the partial products stay below 2⁵³. */
function multiply(a: number, b: number): [number, number] {
  const upper = a * (b >>> 16);
  const lower = a * (b & 0xffff);
  const middle = upper + Math.floor(lower / 0x10000);
  return [Math.floor(middle / 0x10000) >>> 0, Math.imul(a, b) >>> 0];
}

// Coefficients of Wichura 1988, AS 241 (PPND16), relative error about 1e-16, highest power first: |p − ½| ≤ .425, and beyond down to e⁻²⁵.
const centre = [
  [
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
    1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  ],
  [
    5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
    687.1870074920579083, 42.313330701600911252, 1,
  ],
];
const outside = [
  [
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  ],
  [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
  ],
];
/** Φ⁻¹(p) for p in [2⁻³³, 1 − 2⁻³³]. Only + − × ÷ √, which IEEE 754 rounds alike everywhere, so that initial weights are the same in every engine. */
export function inverseNormal(p: number): number {
  const ratio = ([numerator, denominator]: readonly (readonly number[])[], r: number): number =>
    horner(numerator, r) / horner(denominator, r);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(centre, 0.180625 - q * q);
  const r = Math.sqrt(-logarithm(q < 0 ? p : 1 - p));
  return Math.sign(q) * ratio(outside, r - 1.6);
}

/** ln x = e·ln 2 + 2·artanh((m − 1)/(m + 1)) with x = m·2^e and m in [√½, √2); the series to s²³ leaves 1e-17. */
function logarithm(x: number): number {
  let mantissa = x;
  let exponent = 0;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  let series = 0;
  for (let power = 23; power >= 1; power -= 2) series = series * s * s + 1 / power;
  return exponent * Math.LN2 + 2 * s * series;
}

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0);
}
