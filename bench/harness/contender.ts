import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ContenderOptions {
  readonly name: string;
  readonly threads: number;
  readonly command: string;
  readonly arguments: readonly string[];
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A contender in a process of its own, so that no thread pool, allocator or JIT of one disturbs another. It reads requests as lines
 * of JSON and answers each with one line; see serve.ts and peers/serve.py for its side.
 */
export class Contender {
  readonly name: string;
  readonly threads: number;
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #complaints = '';
  #ended: string | undefined;

  constructor({ name, threads, command, arguments: args }: ContenderOptions) {
    this.name = name;
    this.threads = threads;
    this.#child = spawn(command, args, { env: environment(threads), stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#answer(line));
    stderr?.on('data', (chunk: Buffer) => {
      this.#complaints = (this.#complaints + chunk.toString()).slice(-2000);
    });
    this.#child.stdin?.on('error', () => {}); // told by 'exit'
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) => this.#end(`it ended with ${signal ?? `exit code ${code}`}`));
  }

  request<Answer>(method: string, params: object = {}): Promise<Answer> {
    if (this.#ended !== undefined) return Promise.reject(this.#failure(method, this.#ended));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (answer: unknown) => void, reject });
      this.#child.stdin?.write(`${JSON.stringify({ method, params })}\n`);
    });
  }

  /** Lets it finish by itself. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill(), 5000);
    await gone;
    clearTimeout(timer);
  }

  #answer(line: string): void {
    let message: { answer?: unknown; error?: string };
    try {
      message = JSON.parse(line) as typeof message;
    } catch {
      this.#complaints += `${line}\n`; // a library that prints to stdout
      return;
    }
    const next = this.#waiting.shift();
    if (message.error !== undefined) next?.reject(new Error(`${this.name}: ${message.error}`));
    else next?.resolve(message.answer);
  }

  #end(how: string): void {
    this.#ended ??= how;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure('its work', this.#ended));
  }

  #failure(what: string, how: string): Error {
    return new Error(`${this.name}: expected an answer to ${what}, but ${how}\n${this.#complaints.trim()}`);
  }
}

/** Everybody gets the same number of threads, and the libraries choose their own kernels. */
function environment(threads: number): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...inherited } = process.env;
  const count = String(threads);
  return {
    ...inherited,
    JEPA_THREADS: count,
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    PYTHONUNBUFFERED: '1',
  };
}

const settleMs = 10; // a pool that spins after its last call must not take the next contender's core

/** Samples of every contender, who take turns: A B, B A, A B … so that a drift of the machine hits all alike. */
export async function inTurns<Key>(
  contenders: readonly Key[],
  rounds: number,
  sample: (contender: Key) => Promise<readonly number[]>,
): Promise<Map<Key, number[]>> {
  const samples = new Map<Key, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 ? [...contenders].reverse() : contenders) {
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      for (const time of await sample(contender)) samples.get(contender)?.push(time);
    }
  }
  return samples;
}
