import { JepaError } from '../errors.js';

/** @throws JepaError ERR_JEPA_UNKNOWN_OPTION for a key that does not exist, with the one that was probably meant */
export function checkOptions(name: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue;
    const nearest = allowed.map((candidate) => ({ candidate, distance: editDistance(key.toLowerCase(), candidate.toLowerCase()) })).sort((a, b) => a.distance - b.distance)[0];
    const meant = nearest && nearest.distance <= Math.max(2, key.length / 3) ? [`did you mean '${nearest.candidate}'?`] : [];
    throw new JepaError('ERR_JEPA_UNKNOWN_OPTION', `[${name}] expected options among ${allowed.join(', ')}, got '${key}'`, { help: meant });
  }
}

/** Levenshtein distance: insertions, deletions and substitutions. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) row.push(Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length];
}
