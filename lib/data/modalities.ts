import { JepaError } from '../errors.js';

/** A value of the only modality that there is, or one of each of several, by name. */
export type PerModality<T> = T | Readonly<Record<string, T>>;

/** What was seen, in memory: pixels or readings, of several modalities by name. */
export type HostObservations = PerModality<Uint8Array | Float32Array>;

/** What is known of the modalities of a world. */
export type Modalities<Known> =
  | (Known & { readonly kind: 'image' | 'vector' })
  | { readonly kind: 'multimodal'; readonly modalities: Readonly<Record<string, Known>> };

/**
 * Does the same with each modality.
 * @param where what errors begin with   @param of what is known of the modalities   @param given a value, or one of each by name
 * @param each its third argument names the modality in a sentence: `'camera' `, or nothing where there is only one
 * @returns what `each` made, as it was given: one value, or one of each by name in the order of `of`
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for other modalities than there are
 */
export function mapModalities<Known, Given, Made>(
  where: string,
  of: Modalities<Known>,
  given: PerModality<Given>,
  each: (given: Given, known: Known, name: string) => Made,
): PerModality<Made> {
  if (of.kind !== 'multimodal') {
    if (!isRecord(given)) return each(given, of, '');
    throw refusal(
      where,
      'observations of one modality',
      Object.keys(given).length === 0 ? 'an empty object' : `several by name: ${listed(Object.keys(given))}`,
    );
  }
  const names = Object.keys(of.modalities);
  if (!isRecord(given)) throw refusal(where, `observations of ${listed(names)} by name`, 'one without names');
  const missing = names.filter((name) => given[name] === undefined);
  if (missing.length > 0) throw refusal(where, `observations of ${listed(names)}`, `none of ${listed(missing)}`);
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(of.modalities, name));
  if (unknown.length > 0) throw refusal(where, `observations of ${listed(names)}`, `others too: ${listed(unknown)}`);
  return Object.fromEntries(names.map((name) => [name, each(given[name], of.modalities[name], `'${name}' `)]));
}

/** Does the same with what there is, by name where there are several. */
export function mapEach<Given, Made>(
  given: PerModality<Given>,
  each: (given: Given, name?: string) => Made,
): PerModality<Made> {
  if (!isRecord(given)) return each(given);
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, each(value, name)]));
}

/** What there is, in order. */
export function valuesOf<T>(given: PerModality<T>): readonly T[] {
  return isRecord(given) ? Object.values(given) : [given];
}

/** Waits for all. */
export async function allOf<T>(given: PerModality<Promise<T>>): Promise<PerModality<T>> {
  if (!isRecord(given)) return given;
  const values = await Promise.all(Object.values(given));
  return Object.fromEntries(Object.keys(given).map((name, index) => [name, values[index]]));
}

/** Whether there is a value of each of several modalities. */
export function isRecord<T>(given: PerModality<T>): given is Readonly<Record<string, T>> {
  if (typeof given !== 'object' || given === null) return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === Object.prototype || prototype === null;
}

const listed = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function refusal(where: string, expected: string, got: string): JepaError {
  return new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${where}] expected ${expected}, got ${got}`);
}
