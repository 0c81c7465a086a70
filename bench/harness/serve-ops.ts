// jepa's side of the suites of single operations.
import { type Compiled, type Tensor, type Variable, variable } from '#lib/index.js';
import { element } from '../suites/gemm.js';
import { every97th, type OpCheck, opTurnMs } from './ops.js';
import { serve } from './serve.js';

/** An operation that is ready to run. */
export interface PreparedOp {
  readonly program: Compiled<[], unknown>;
  readonly operands: readonly Variable[];
  /** What is compared, once it has run. */
  outputs(): Promise<readonly Float32Array[]>;
}

/** Even numbers in [−1, 1), the same for all contenders. Variables, so that no run copies them. */
export function operand(shape: readonly number[], seed: number): Variable {
  const data = new Float32Array(shape.reduce((size, extent) => size * extent, 1));
  for (let i = 0; i < data.length; i++) data[i] = element(i, seed);
  return variable(data, { shape });
}

/** Runs a program once and has all of its results. */
export async function results(program: Compiled<[], readonly Tensor[]>): Promise<Float32Array[]> {
  return Promise.all((await program()).map(async (tensor) => (await tensor.data()) as Float32Array));
}

export async function serveOps<Request>(prepare: (request: Request) => PreparedOp): Promise<void> {
  let current: PreparedOp | undefined;
  await serve({
    check: async (request: Request): Promise<OpCheck> => {
      current?.program.dispose();
      for (const old of current?.operands ?? []) old.dispose();
      current = prepare(request);
      return { outputs: (await current.outputs()).map(every97th) };
    },
    /** Milliseconds, each a mean of a few repetitions in a row, as the engine's own clock has it. */
    time: async (): Promise<number[]> => {
      const { program } = current as PreparedOp;
      const times: number[] = [];
      const start = performance.now();
      do times.push((await program.profile()).milliseconds);
      while (performance.now() - start < opTurnMs);
      return times;
    },
  });
}
