import { JepaError } from '../errors.js';

/**
 * Checks the names of options, so that a misspelled one is an error and not a default.
 * @param name what the options belong to, for the message
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION for a key that does not exist, with the one that was probably meant;
 *   ERR_JEPA_INVALID_ARGUMENT for what is no object
 * @example checkOptions('linear', options, ['bias', 'seed']);
 */
export function checkOptions(name: string, options: object, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const found = options === null ? 'null' : Array.isArray(options) ? 'an array' : typeof options;
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${name}] expected options to be an object, got ${found}`);
  }
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue;
    throw new JepaError(
      'ERR_JEPA_UNKNOWN_OPTION',
      `[${name}] expected options among ${allowed.join(', ') || '(none)'}, got '${key}'`,
      { help: didYouMean(key, allowed) },
    );
  }
}

/**
 * Options over their defaults. A key that is given as undefined is one that was not given, as in a destructuring default; a spread
 * would let it hide the default.
 * @example const settings = withDefaults({ workers: 1, count: Infinity }, options);
 */
export function withDefaults<Defaults extends object, Given extends object>(
  defaults: Defaults,
  given: Given,
): Defaults & Given {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(present) as Given) };
}

/** The candidate that a misspelled name was probably meant to be, if any is near enough. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, name.length / 3);
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least || (distance === least && nearest === undefined)) {
      nearest = candidate;
      least = distance;
    }
  }
  return nearest;
}

/** Help for a name that there is not: the candidate that was probably meant, if any is near enough. */
export function didYouMean(name: unknown, candidates: readonly string[]): string[] {
  const nearest = typeof name === 'string' ? nearestName(name, candidates) : undefined;
  return nearest === undefined ? [] : [`did you mean '${nearest}'?`];
}

/** Levenshtein distance: insertions, deletions and substitutions. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, substituted));
    }
    previous = row;
  }
  return previous[b.length];
}
