// Runs every case in this process, whose SIMD target and threads are fixed by JEPA_CPU and JEPA_THREADS, and prints a Report.
// With the argument 'check' results are compared with the references; else only their bits are told.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { JepaError } from '#lib/errors.js';
import * as ops from '#lib/ops/index.js';
import { elementFrom, newArray, numberFrom } from '#lib/tensor/dtype.js';
import { compile, grad, isFloat, type Passes, Tensor, tensor } from '#lib/tensor/index.js';
import { describeMachine } from '#lib/tensor/machine.js';
import { allPasses, reorderingPasses } from '#lib/tensor/trace.js';
import type { Array64 } from './array.js';
import { groups } from './groups.js';
import { type Given, type Named, noise, type OpCase, type Refusal } from './op-case.js';
import { differs, gradientTolerance } from './tolerance.js';

export interface CaseReport {
  readonly name: string;
  readonly ops: readonly string[];
  /** Of all outputs and gradients. */
  readonly bits: string;
  readonly native: readonly string[];
  readonly problems: readonly string[];
}
export interface Report {
  readonly target: string;
  readonly threads: number;
  readonly cases: readonly CaseReport[];
}

const { ops: nativeOps, target, threads } = describeMachine();
const check = process.argv[2] === 'check';
const dotList = readFileSync(new URL('../../../../native/ops/dot_list.inc', import.meta.url), 'utf8');
const dotOps = [...dotList.matchAll(/^X\((\w+),/gm)].map(([, name]) => name);

const problemsOf = async (run: () => Promise<readonly string[]> | readonly string[]): Promise<readonly string[]> => {
  try {
    return await run();
  } catch (error) {
    return [(error as Error).stack ?? String(error)];
  }
};

function tensorOf({ data, shape, dtype }: Given): Tensor {
  const host = newArray(dtype, data.length);
  for (let i = 0; i < data.length; i++) host[i] = elementFrom(dtype, data[i]);
  return tensor(host, { shape, dtype });
}

const mapValues = <A, B>(record: Named<A>, fn: (value: A, name: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value, name)]));

/** One output is called y. */
const named = <Value>(outputs: Value | Named<Value>, single: (value: unknown) => boolean): Named<Value> =>
  single(outputs) ? { y: outputs as Value } : (outputs as Named<Value>);
const tensors = (outputs: Tensor | Named<Tensor>): Named<Tensor> => named(outputs, (value) => value instanceof Tensor);
const arrays = (outputs: Array64 | Named<Array64>): Named<Array64> =>
  named(outputs, (value) => (value as Array64).data instanceof Float64Array);

/** Weights of the outputs in the scalar that is differentiated. */
function cotangentOf({ gradients }: OpCase, shape: readonly number[]): Tensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return tensor(Float32Array.from(gradients ? new Array<number>(count).fill(1) : noise(count, 77)), { shape });
}

interface Results {
  readonly outputs: Named<Tensor>;
  readonly gradients: Named<Tensor>;
}

function compiled(op: OpCase, passes: Partial<Passes>) {
  const wrt = Object.keys(op.inputs).filter((name) => op.inputs[name].differentiate);
  return compile(
    (inputs: Record<string, Tensor>): Results => {
      const outputs = tensors(op.forward(inputs));
      const floats = Object.values(outputs).filter(({ dtype }) => isFloat(dtype));
      if (wrt.length === 0 || floats.length === 0) return { outputs, gradients: {} };
      const loss = floats.map((y) => ops.sum(ops.mul(y, cotangentOf(op, y.shape)))).reduce((a, b) => ops.add(a, b));
      const found = grad(
        loss,
        wrt.map((name) => inputs[name]),
      );
      return {
        outputs,
        gradients: Object.fromEntries(
          wrt.flatMap((name) => {
            const gradient = found.get(inputs[name]);
            return gradient ? [[name, gradient]] : [];
          }),
        ),
      };
    },
    { name: op.name, passes },
  );
}

const numbers = async (x: Tensor): Promise<Float64Array> =>
  Float64Array.from(await x.data(), (element) => numberFrom(x.dtype, element));

async function bitsOf({ outputs, gradients }: Results): Promise<string> {
  const hash = createHash('sha256');
  for (const part of [outputs, gradients])
    for (const [name, x] of Object.entries(part)) {
      const data = await x.data();
      hash.update(`${name} ${x.dtype} [${x.shape.join()}] `);
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  return hash.digest('hex').slice(0, 20);
}

async function compareOutputs(op: OpCase, outputs: Named<Tensor>): Promise<string[]> {
  const expected = arrays(op.reference(mapValues(op.inputs, ({ shape, data }) => ({ shape, data }))));
  const problems: string[] = [];
  for (const [name, array] of Object.entries(expected)) {
    const shape = outputs[name].shape;
    if (shape.join() !== array.shape.join())
      problems.push(`${name} is [${shape.join()}], expected [${array.shape.join()}]`);
    const problem = differs(op.tolerance, await numbers(outputs[name]), array);
    if (problem) problems.push(`${name}: ${problem}`);
  }
  return problems;
}

/** Central differences of the reference, at up to 24 elements of each input; 1 or 2 where one evaluation is long. */
async function compareGradients(op: OpCase, { outputs, gradients }: Results): Promise<string[]> {
  const floats = Object.keys(outputs).filter((name) => isFloat(outputs[name].dtype));
  if (floats.length === 0) return [];
  const cotangents = new Map<string, ArrayLike<number>>();
  for (const name of floats) cotangents.set(name, await cotangentOf(op, outputs[name].shape).data());
  const values = mapValues(op.inputs, ({ shape, data }) => ({ shape, data: data.slice() }));
  const scalar = (): number => {
    const found = arrays(op.reference(values));
    return floats.reduce((sum, name) => {
      const weights = cotangents.get(name) as ArrayLike<number>;
      return found[name].data.reduce((part, value, i) => part + value * weights[i], sum);
    }, 0);
  };
  const work = Object.values(op.inputs).reduce((sum, { data }) => sum + data.length, 0);
  const problems: string[] = [];
  for (const [name, { differentiate }] of Object.entries(op.inputs)) {
    if (!differentiate) continue;
    if (!gradients[name]) {
      problems.push(`no gradient of ${name}`);
      continue;
    }
    const actual = await numbers(gradients[name]);
    const { data } = values[name];
    const given = op.gradients?.[name];
    const count = Math.min(data.length, given ? data.length : work > 3000 ? (work > 20_000 ? 1 : 2) : 24);
    const scale = Math.max(
      1e-3,
      actual.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    for (let probe = 0; probe < count; probe++) {
      const i = Math.floor(((probe + 0.5) * data.length) / count);
      const expected = given ? given[i] : difference(data, i, scalar);
      const same = Number.isNaN(actual[i]) && Number.isNaN(expected);
      if (!same && !(Math.abs(actual[i] - expected) <= gradientTolerance * scale))
        problems.push(`gradient of ${name}: element ${i} is ${actual[i]}, expected ${expected}`);
    }
  }
  return problems.slice(0, 4);
}

function difference(data: Float64Array, i: number, scalar: () => number): number {
  const h = 1e-5;
  const value = data[i];
  data[i] = value + h;
  const above = scalar();
  data[i] = value - h;
  const below = scalar();
  data[i] = value;
  return (above - below) / (2 * h);
}

/** Without any one of the compiler's rewrites the bits are the same, but for those that change the order of a sum. */
async function comparePasses(
  op: OpCase,
  inputs: Record<string, Tensor>,
  results: Results,
  bits: string,
): Promise<string[]> {
  const problems: string[] = [];
  // The rewrites do not look at sizes: small ones show as much.
  if (Object.values(inputs).some(({ size }) => size > 20_000)) return problems;
  for (const pass of Object.keys(allPasses) as (keyof Passes)[]) {
    const run = compiled(op, { [pass]: false });
    const without = await run(inputs);
    run.dispose();
    if ((await bitsOf(without)) === bits) continue;
    if (!reorderingPasses.includes(pass)) problems.push(`without the pass '${pass}' the bits differ`);
    for (const part of ['outputs', 'gradients'] as const)
      for (const [name, x] of Object.entries(results[part])) {
        const problem = differs('scaled', await numbers(without[part][name]), {
          shape: x.shape,
          data: await numbers(x),
        });
        if (problem) problems.push(`without the pass '${pass}' ${name}: ${problem}`);
      }
  }
  return problems;
}

function nativeOpsOf(text: string): string[] {
  const labels = [...text.matchAll(/^[! ] *\d+ {2}([\w ]+)\(/gm)].map(([, label]) => label);
  return [...new Set(labels.map((label) => (nativeOps.includes(label) ? label : 'elementwise')))];
}

async function runCase(op: OpCase, exports: readonly string[]): Promise<CaseReport> {
  const inputs = mapValues(op.inputs, tensorOf);
  const report = { name: op.name, ops: exports, bits: '', native: [] as string[] };
  const problems = await problemsOf(async () => {
    if (op.eager) {
      const outputs = tensors(op.forward(inputs));
      report.bits = await bitsOf({ outputs, gradients: {} });
      return check ? compareOutputs(op, outputs) : [];
    }
    const run = compiled(op, {});
    if (op.fails) return refused(op.fails, () => run(inputs));
    const results = await run(inputs);
    report.bits = await bitsOf(results);
    if (!check) {
      run.dispose();
      return [];
    }
    report.native = nativeOpsOf((await run.program(inputs)).toString());
    run.dispose();
    // Targets with dot products take every other kernel from avx512, which is checked on its own.
    if (/^avx512_/.test(target) && !report.native.some((name) => dotOps.includes(name))) return [];
    const eager = tensors(op.forward(inputs));
    const outputBits = await bitsOf({ outputs: results.outputs, gradients: {} });
    return [
      ...(await compareOutputs(op, results.outputs)),
      ...(await compareGradients(op, results)),
      ...((await bitsOf({ outputs: eager, gradients: {} })) === outputBits ? [] : ['outside compile the bits differ']),
      ...(await comparePasses(op, inputs, results, report.bits)),
    ];
  });
  return { ...report, problems };
}

async function refused({ code, message }: Omit<Refusal, 'call'>, call: () => unknown): Promise<string[]> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof JepaError)) return [`expected ${code}, got ${(error as Error).stack}`];
    return error.code === code && error.message.startsWith(message)
      ? []
      : [`expected ${code} '${message}', got ${error.code} '${error.message}'`];
  }
  return [`expected ${code} '${message}', got no error`];
}

/** A refusal when the call is made names the line of the caller. */
async function runRefusal(refusal: Refusal, exports: readonly string[]): Promise<CaseReport> {
  const problems = await refused(refusal, () => {
    try {
      return refusal.call();
    } catch (error) {
      if (error instanceof JepaError && !/\n {4}at \S+\.cases\.js:\d+:\d+/.test(error.message))
        throw new Error(`a message without the caller's line: ${error.message}`);
      throw error;
    }
  });
  return { name: `refuses: ${refusal.message}`, ops: exports, bits: '', native: [], problems };
}

const cases: CaseReport[] = [];
for (const group of groups) {
  for (const op of group.cases) cases.push(await runCase(op, group.ops));
  if (check) for (const refusal of group.refusals) cases.push(await runRefusal(refusal, group.ops));
}
const report: Report = { target, threads, cases };
process.stdout.write(JSON.stringify(report));
