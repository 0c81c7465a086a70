import { log } from './arithmetic.js';

/** FNV-1a, 32 bits: a number that stands for a text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Random numbers of a world: mulberry32, a function of `seed` and `stream` alone. Independent decisions draw from streams of their
 * own, so that one more colour does not move a ball.
 * @example
 * const random = new Random(1, 'positions');
 * const place = [random.uniform(-1, 1), random.normal()];
 */
export class Random {
  #state: number;
  #spare: number | undefined;

  constructor(seed: number, stream = '') {
    this.#state = (seed ^ (stream === '' ? 0 : hashText(stream))) | 0;
  }

  /** 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** [low, high), by default [0, 1). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 4294967296);
  }

  /** 0 … count − 1 */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** −1 or 1 */
  sign(): number {
    return this.chance(0.5) ? -1 : 1;
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    for (;;) {
      const u = this.uniform(-1, 1);
      const v = this.uniform(-1, 1);
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * log(s)) / s);
      this.#spare = v * scale;
      return u * scale;
    }
  }
}
