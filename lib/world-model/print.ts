/** What `console.log` and `util.inspect` of Node.js ask an object for. */
const inspected = Symbol.for('nodejs.util.inspect.custom');

type Inspect = (depth: number, options: object, inspect: (value: unknown, options: object) => string) => string;

/** More numbers than these are told by their count. */
const mostNumbers = 8;

/** The same object, which prints long arrays as `Float32Array(64)`. A copy of it prints as any object does. */
export function printedShortly<T extends object>(value: T): T {
  const print: Inspect = (_, options, inspect) => {
    const entries = Object.entries(value).map(([name, entry]) => [name, isLong(entry) ? named(entry) : entry]);
    return inspect(Object.fromEntries(entries), options);
  };
  return Object.defineProperty(value, inspected, { value: print });
}

const isLong = (value: unknown): value is Float32Array => value instanceof Float32Array && value.length > mostNumbers;

const named = ({ length }: Float32Array): object => ({ [inspected]: () => `Float32Array(${length})` });
