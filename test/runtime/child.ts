import { spawn } from 'node:child_process';

const root = new URL('../../', import.meta.url).pathname;

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Beginning of most programs below: a step long enough that something can happen while it runs. */
export const prelude = `
  import { full, matmul, sum } from '#lib/ops/index.js';
  import { assign, compile, scalar, tensor, variable } from '#lib/tensor/index.js';
  import { memory, describeMachine } from '#lib/tensor/machine.js';
  /** n products of 256 × 256 matrices in a row: about a millisecond each. */
  const work = (n) => compile((x) => {
    let y = x;
    for (let i = 0; i < n; i++) y = matmul(y, x);
    return sum(y);
  });
  const square = tensor(new Float32Array(65536).fill(1 / 256), { shape: [256, 256] });
`;

/** Runs a module in a process of its own, in which `#lib` is this library. */
export function runModule(
  source: string,
  { env = {}, flags = [] }: { readonly env?: Record<string, string>; readonly flags?: readonly string[] } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, '--input-type=module', '-'], {
      cwd: root,
      env: { ...process.env, JEPA_THREADS: '', JEPA_CPU: '', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
    child.stdin.end(source);
  });
}
