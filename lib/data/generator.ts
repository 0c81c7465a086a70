/**
 * What a worker thread runs: the function `name` exported by `module`, called as `name(options, index)` and returning (a promise of)
 * batch `index`, or undefined after the last one. It should be a pure function of both, so that any worker may compute any batch and a
 * resumed run repeats it.
 */
export interface BatchGenerator {
  /** URL of a JavaScript module, e.g. `new URL('./my-batches.js', import.meta.url)`. */
  readonly module: URL | string;
  readonly name: string;
  /** Plain data. */
  readonly options?: unknown;
}

/** To a worker. */
export interface GeneratorRequest {
  readonly index: number;
}

/** From a worker. */
export type GeneratorReply =
  | { readonly index: number; readonly batch: unknown }
  | {
      readonly index: number;
      readonly error: { readonly message: string; readonly code?: string; readonly stack?: string };
    };

/** The function `name` that a module exports. */
export async function importFunction(
  module: URL | string,
  name: string,
): Promise<(options: unknown, index?: number) => unknown> {
  const exported = ((await import(String(module))) as Record<string, unknown>)[name];
  if (typeof exported === 'function') return exported as (options: unknown, index?: number) => unknown;
  throw new TypeError(`expected ${module} to export a function '${name}', got ${typeof exported}`);
}
