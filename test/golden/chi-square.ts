/** Probability that a χ² of k degrees of freedom exceeds x: Γ(k/2, x/2)/Γ(k/2) (DLMF 8.2.4), by series below its mean and continued fraction above. */
export function chiSquareTail(x: number, k: number): number {
  const a = k / 2;
  const z = x / 2;
  if (z <= 0) return 1;
  const front = Math.exp(a * Math.log(z) - z - logGamma(a));
  if (z < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 10_000 && term > sum * 1e-15; n++) {
      term *= z / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  // Lentz's method on DLMF 8.9.2.
  let b = z + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < 10_000; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * value;
}

/** ln Γ(x) for x > 0: Stirling's series from 10 on, below by Γ(x + 1) = x·Γ(x). */
function logGamma(x: number): number {
  if (x < 10) return logGamma(x + 1) - Math.log(x);
  const r = 1 / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + r * (1 / 12 - (r * r) / 360 + r ** 4 / 1260);
}

/**
 * Probability of a difference like that between two histograms, if both are of one distribution: two-sample χ², neighbouring bins merged until
 * each holds at least 20 of the pooled counts.
 */
export function sameDistribution(a: readonly number[], b: readonly number[]): number {
  const merged: [number, number][] = [];
  let open: [number, number] = [0, 0];
  for (let bin = 0; bin < Math.max(a.length, b.length); bin++) {
    open = [open[0] + (a[bin] ?? 0), open[1] + (b[bin] ?? 0)];
    if (open[0] + open[1] < 20) continue;
    merged.push(open);
    open = [0, 0];
  }
  const last = merged.at(-1);
  if (last) merged[merged.length - 1] = [last[0] + open[0], last[1] + open[1]];
  const total = (index: 0 | 1): number => merged.reduce((sum, bin) => sum + bin[index], 0);
  const [n, m] = [total(0), total(1)];
  const statistic = merged.reduce(
    (sum, [x, y]) => sum + (x * Math.sqrt(m / n) - y * Math.sqrt(n / m)) ** 2 / (x + y),
    0,
  );
  return merged.length < 2 ? 1 : chiSquareTail(statistic, merged.length - 1);
}
