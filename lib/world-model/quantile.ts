/** Two definitions, since their uses ask for different things. Both read values in ascending order, at least one. */

/** The smallest of the values that at least a share `part`, above 0, of them does not exceed: a value that occurred (nearest rank). */
export function nearestRankQuantile(ordered: ArrayLike<number>, part: number): number {
  return ordered[Math.max(0, Math.ceil(part * ordered.length) - 1)] ?? Number.NaN;
}

/** Linear interpolation at position part·(n − 1): what bootstrap intervals are usually read by (Hyndman & Fan 1996, type 7). */
export function interpolatedQuantile(ordered: ArrayLike<number>, part: number): number {
  const position = part * (ordered.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ordered.length - 1);
  return ordered[below] + (position - below) * (ordered[above] - ordered[below]);
}
