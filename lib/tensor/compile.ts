import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { Addon } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { lower } from './compiler/lower.js';
import { type Profile, Program } from './program.js';
import { synchronous } from './synchronous.js';
import { Tensor } from './tensor.js';
import {
  allPasses,
  isPrecision,
  isQuantization,
  type Passes,
  type Precision,
  type Quantization,
  type Trace,
  withTrace,
} from './trace.js';
import { type Flat, flatten, rebuild } from './tree.js';

export interface CompileOptions {
  /** Where it runs: 'cpu', or 'auto' (default) for the best device there is. */
  readonly device?: 'auto' | 'cpu' | 'cuda';
  /** Name in printouts and errors; the function's own by default. */
  readonly name?: string;
  /**
   * 'bfloat16' rounds what enters matrix products, convolutions and attention, gradients of them too; sums, weights and all that
   * lies between stays float32, and so do the losses' own products. Default 'float32'.
   */
  readonly precision?: Precision;
  /**
   * 'int8' rounds the inputs and weights of linear layers to 8 bits, for inference: they have no gradient then. Weights are rounded
   * once and kept, scales of inputs are found anew for every row; `precision` is then of the other products. Default 'none'.
   */
  readonly quantize?: Quantization;
  /** Rewrites to leave out, to see what they do. */
  readonly passes?: Partial<Passes>;
}

/** How a function is traced. */
type Policy = Pick<Trace, 'passes' | 'precision' | 'quantize'>;

export interface CallOptions {
  /** Stops the step between two kernels, before anything is assigned. */
  readonly signal?: AbortSignal;
}

/** A compiled function: called like the function, it promises the same tree with values. */
export interface Compiled<Arguments extends readonly unknown[], Result> {
  (...args: Arguments): Promise<Result>;
  call(options: CallOptions, ...args: Arguments): Promise<Result>;
  /** The program for these arguments, compiled but not run. */
  program(...args: Arguments): Promise<Program>;
  /** Runs it some times and says how long each kernel took. Updates of variables happen. */
  profile(...args: Arguments): Promise<Profile>;
  /** How many signatures have been compiled and kept. */
  readonly signatures: number;
  dispose(): void;
}

interface Entry {
  readonly key: string;
  readonly program: Program;
  readonly result: unknown;
  /** Structure and static values of the result. */
  readonly resultKey: string;
  readonly reads: Trace['reads'];
  /** Calls that have yet to compute their inputs: it is not dropped under them. */
  waiting: number;
}

const maxSignatures = 32;
const warnAt = 8;
const profileRepetitions = 5;

/**
 * Compiles a function of tensors: it is traced once for each signature of its arguments (shapes, dtypes, numbers and strings), differentiated
 * where it asks for gradients, simplified, and run as one native call.
 * @throws JepaError at its first call, with the line in the function that made the offending tensor
 * @example
 * const weight = variable(Float32Array.of(1), { name: 'weight' });
 * const optimiser = sgd([weight]);
 * const step = compile((x: Tensor, y: Tensor, learningRate: Tensor) => {
 *   const { value: loss, gradients } = valueAndGrad(() => mse(mul(weight, x), y), [weight]);
 *   optimiser.update(gradients, { learningRate });
 *   return { loss };
 * });
 * const { loss } = await step(tensor([2]), tensor([6]), scalar(0.125));
 * await loss.item(); // 16
 * await weight.toArray(); // [3]
 */
export function compile<Arguments extends readonly unknown[], Result>(
  fn: (...args: Arguments) => Result,
  options: CompileOptions = {},
): Compiled<Arguments, Result> {
  if (typeof fn !== 'function')
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[compile] expected a function of tensors, got ${typeof fn}`);
  checkOptions('compile', options, ['device', 'name', 'precision', 'quantize', 'passes']);
  checkOptions('compile passes', options.passes ?? {}, Object.keys(allPasses));
  if (options.device === 'cuda')
    throw new JepaError(
      'ERR_JEPA_DEVICE_UNAVAILABLE',
      "[compile] expected device 'cpu' or 'auto', got 'cuda': this build has no CUDA kernels",
    );
  if (options.device !== undefined && options.device !== 'auto' && options.device !== 'cpu')
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[compile] expected device 'cpu', 'cuda' or 'auto', got '${options.device}'`,
    );
  if (options.precision !== undefined && !isPrecision(options.precision))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[compile] expected precision 'float32' or 'bfloat16', got '${String(options.precision)}'`,
    );
  if (options.quantize !== undefined && !isQuantization(options.quantize))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[compile] expected quantize to be 'int8' or 'none', got '${String(options.quantize)}'`,
    );
  const name = options.name ?? (fn.name || 'anonymous');
  const { precision, quantize } = options;
  const policy: Policy = { passes: { ...allPasses, ...options.passes }, precision, quantize };
  const entries = new Set<Entry>(); // least recently used first
  let warned = false;

  const entryFor = (addon: Addon, args: Arguments, { leaves, key }: Flat): Entry => {
    for (const entry of entries) {
      if (entry.key !== key || !entry.reads.every(({ read, value }) => Object.is(read(), value))) continue;
      entries.delete(entry);
      entries.add(entry);
      if (process.env.JEPA_CHECK_TRACE === '1') compareTraces(addon, name, fn, args, leaves, policy, entry);
      return entry;
    }
    const made = build(addon, name, fn, args, { leaves, key }, policy);
    entries.add(made);
    if (entries.size > warnAt && !warned) {
      warned = true;
      process.emitWarning(
        `'${name}' has been compiled for ${entries.size} signatures: pass numbers that change as tensors, and keep shapes constant`,
        { code: 'JEPA_SIGNATURES' },
      );
    }
    const oldest = entries.size > maxSignatures ? [...entries].find(({ waiting }) => waiting === 0) : undefined;
    if (oldest && oldest !== made) {
      entries.delete(oldest);
      oldest.program.dispose();
    }
    return made;
  };

  const run = async (args: Arguments, { signal }: CallOptions): Promise<Result> => {
    const addon = loadAddon();
    const flat = flatten(name, args);
    const entry = entryFor(addon, args, flat);
    const outputs = await withValues(entry, flat.leaves, (inputs) => entry.program.run(inputs, signal));
    return rebuild(entry.result, outputs) as Result;
  };

  const compiled = (...args: Arguments): Promise<Result> => run(args, {});
  Object.defineProperty(compiled, 'signatures', { get: () => entries.size });
  return Object.assign(compiled, {
    call: async (callOptions: CallOptions, ...args: Arguments) => {
      checkOptions(`${name}.call`, callOptions, ['signal']);
      const { signal } = callOptions;
      if (signal !== undefined && !(signal instanceof AbortSignal))
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[${name}.call] expected an AbortSignal, got ${typeof signal}`,
        );
      return run(args, callOptions);
    },
    program: async (...args: Arguments) => entryFor(loadAddon(), args, flatten(name, args)).program,
    profile: async (...args: Arguments) => {
      const flat = flatten(name, args);
      const entry = entryFor(loadAddon(), args, flat);
      return withValues(entry, flat.leaves, (inputs) => entry.program.profile(inputs, profileRepetitions));
    },
    dispose: () => {
      for (const { program } of entries) program.dispose();
      entries.clear();
    },
  }) as unknown as Compiled<Arguments, Result>;
}

/**
 * Hands over the values of a program's inputs: before the call returns where they are there, for the caller may overwrite
 * them then; else copies of those that are there, as soon as the others have been computed.
 */
async function withValues<Result>(
  entry: Entry,
  leaves: readonly Tensor[],
  use: (inputs: readonly Tensor[]) => Promise<Result>,
): Promise<Result> {
  if (leaves.every(({ host }) => host)) return use(leaves);
  entry.waiting++;
  try {
    const values = leaves.map(async (leaf) => {
      leaf.checkUsable();
      const data = leaf.host?.slice() ?? (await leaf.data());
      return new Tensor(leaf.shape, leaf.dtype, undefined, 0, data);
    });
    return await use(await Promise.all(values));
  } finally {
    entry.waiting--;
  }
}

interface Traced {
  readonly trace: Trace;
  readonly placeholders: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly result: unknown;
  readonly resultKey: string;
}

function traced<Arguments extends readonly unknown[]>(
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  leaves: readonly Tensor[],
  policy: Policy,
): Traced {
  const placeholders = leaves.map((leaf) => new Tensor(leaf.shape, leaf.dtype, undefined));
  const trace: Trace = { assignments: new Map(), guards: [], reads: [], ...policy };
  const result = synchronous(
    name,
    withTrace(trace, () => fn(...rebuild(args, placeholders))),
  );
  const { leaves: outputs, key: resultKey } = flatten(name, result);
  return { trace, placeholders, outputs, result, resultKey };
}

function build<Arguments extends readonly unknown[]>(
  addon: Addon,
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  { leaves, key }: Flat,
  policy: Policy,
): Entry {
  const { trace, placeholders, outputs, result, resultKey } = traced(name, fn, args, leaves, policy);
  const lowered = lower(placeholders, outputs, trace, description(addon));
  const program = new Program(addon, lowered, outputs, name);
  if (process.env.JEPA_CHECK_TRACE === '1') programBytes.set(program, lowered.bytes);
  return {
    key,
    program,
    resultKey,
    waiting: 0,
    result: rebuild(
      result,
      outputs.map(({ shape, dtype }) => new Tensor(shape, dtype, undefined)),
    ),
    reads: trace.reads,
  };
}

const programBytes = new WeakMap<Program, Uint8Array>();

/** With JEPA_CHECK_TRACE=1: the function must trace to the same program again. @throws JepaError ERR_JEPA_IMPURE_TRACE */
function compareTraces<Arguments extends readonly unknown[]>(
  addon: Addon,
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  leaves: readonly Tensor[],
  policy: Policy,
  entry: Entry,
): void {
  const { trace, placeholders, outputs, resultKey } = traced(name, fn, args, leaves, policy);
  const again = lower(placeholders, outputs, trace, description(addon));
  const before = programBytes.get(entry.program);
  const same = resultKey === entry.resultKey && entry.program.binds(again);
  if (!same || (before && Buffer.compare(before, again.bytes) !== 0)) {
    throw new JepaError(
      'ERR_JEPA_IMPURE_TRACE',
      `[${name}] expected a function that traces to the same program for the same arguments, got another one`,
      {
        help: [
          'pass everything that changes as an argument: values read from outside are frozen when the function is first traced',
        ],
      },
    );
  }
}

let described: ReturnType<Addon['describe']> | undefined;
function description(addon: Addon): ReturnType<Addon['describe']> {
  described ??= addon.describe();
  return described;
}

/** SIMD target that kernels run on. */
export function nativeTarget(): string {
  return loadAddon().describe().target;
}
