/** Where two values of JSON differ, as sentences; `path` names the part that is compared. */
export function differences(expected: unknown, got: unknown, path = ''): string[] {
  if (isRecord(expected) && isRecord(got)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(got)])];
    return keys.flatMap((key) => differences(expected[key], got[key], path ? `${path}.${key}` : key));
  }
  const [a, b] = [JSON.stringify(expected), JSON.stringify(got)];
  return a === b ? [] : [`expected ${path} ${a ?? 'to be missing'}, got ${b ?? 'none'}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
