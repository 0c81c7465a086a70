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

function write(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
