import { createInterface } from 'node:readline';

export type Methods = Readonly<Record<string, (params: never) => unknown>>;

/** The contender's side of contender.ts: answers requests in order until its input ends. */
export async function serve(methods: Methods): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { method, params } = JSON.parse(line) as { method: string; params: never };
    try {
      if (!Object.hasOwn(methods, method)) throw new Error(`expected one of ${Object.keys(methods)}, got ${method}`);
      write({ answer: (await methods[method](params)) ?? null });
    } catch (error) {
      write({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.exit(0);
}

/** Milliseconds of repetitions, one after the other, until so many have passed. */
export async function turn(milliseconds: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const start = performance.now();
  do {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  } while (performance.now() - start < milliseconds);
  return times;
}

function write(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
