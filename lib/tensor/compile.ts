import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { Addon } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { lower } from './compiler/lower.js';
import { type Profile, Program } from './program.js';
import { Tensor } from './tensor.js';
import { allPasses, type Passes, type Trace, withTrace } from './trace.js';
import { flatten, rebuild } from './tree.js';

export interface CompileOptions {
  /** Where it runs: 'cpu', or 'auto' (default) for the best device there is. */
  readonly device?: 'auto' | 'cpu' | 'cuda';
  /** Name in printouts and errors; the function's own by default. */
  readonly name?: string;
  /** Rewrites to leave out, to see what they do. */
  readonly passes?: Partial<Passes>;
}

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
  readonly program: Program;
  readonly result: unknown;
  readonly reads: Trace['reads'];
}

const maxSignatures = 32;
const warnAt = 8;
const profileRepetitions = 5;

/**
 * Compiles a function of tensors: it is traced once for each signature of its arguments (shapes, dtypes, numbers and strings), differentiated
 * where it asks for gradients, simplified, and run as one native call.
 * @throws JepaError at its first call, with the line in the function that made the offending tensor
 * @example
 * const step = compile((x: Tensor, rate: Tensor) => {
 *   const { value: loss, gradients } = valueAndGrad(() => mse(model.forward(x), x), model.parameters());
 *   optimiser.update(gradients, { learningRate: rate });
 *   return { loss };
 * });
 * const { loss } = await step(batch, scalar(1e-3));
 */
export function compile<Arguments extends readonly unknown[], Result>(
  fn: (...args: Arguments) => Result,
  options: CompileOptions = {},
): Compiled<Arguments, Result> {
  checkOptions('compile', options, ['device', 'name', 'passes']);
  checkOptions('compile passes', options.passes ?? {}, Object.keys(allPasses));
  if (options.device === 'cuda')
    throw new JepaError(
      'ERR_JEPA_DEVICE_UNAVAILABLE',
      "[compile] expected device 'cpu' or 'auto', got 'cuda': this build has no CUDA kernels",
    );
  const name = options.name ?? (fn.name || 'anonymous');
  const passes = { ...allPasses, ...options.passes };
  const entries = new Map<string, Entry[]>();
  let count = 0;

  const entryFor = (addon: Addon, args: Arguments): { entry: Entry; leaves: Tensor[] } => {
    const { leaves, key } = flatten(name, args);
    const known = entries.get(key);
    const entry = known?.find(({ reads }) => reads.every(({ read, value }) => Object.is(read(), value)));
    if (entry && known) {
      entries.delete(key); // newest last
      entries.set(key, known);
      if (process.env.JEPA_CHECK_TRACE) compareTraces(addon, name, fn, args, leaves, passes, entry);
      return { entry, leaves };
    }
    const made = build(addon, name, fn, args, leaves, passes);
    entries.set(key, [...(known ?? []), made]);
    count++;
    if (count === warnAt + 1)
      process.emitWarning(
        `'${name}' has been compiled for ${count} signatures: pass numbers that change as tensors, and keep shapes constant`,
        { code: 'JEPA_SIGNATURES' },
      );
    if (count > maxSignatures) {
      const [oldest, list] = entries.entries().next().value as [string, Entry[]];
      entries.delete(oldest);
      for (const { program } of list) program.dispose();
      count -= list.length;
    }
    return { entry: made, leaves };
  };

  const run = async (args: Arguments, { signal }: CallOptions): Promise<Result> => {
    const addon = loadAddon();
    const { entry, leaves } = entryFor(addon, args);
    const ready = leaves.some((leaf) => !leaf.host) ? await values(leaves) : leaves;
    const outputs = await entry.program.run(ready, signal);
    return rebuild(entry.result, outputs) as Result;
  };

  const compiled = (...args: Arguments): Promise<Result> => run(args, {});
  Object.defineProperty(compiled, 'signatures', { get: () => count });
  return Object.assign(compiled, {
    call: (callOptions: CallOptions, ...args: Arguments) => run(args, callOptions),
    program: async (...args: Arguments) => entryFor(loadAddon(), args).entry.program,
    profile: async (...args: Arguments) => {
      const { entry, leaves } = entryFor(loadAddon(), args);
      return entry.program.profile(await values(leaves), profileRepetitions);
    },
    dispose: () => {
      for (const list of entries.values()) for (const { program } of list) program.dispose();
      entries.clear();
      count = 0;
    },
  }) as unknown as Compiled<Arguments, Result>;
}

async function values(leaves: readonly Tensor[]): Promise<Tensor[]> {
  return Promise.all(
    leaves.map(async (leaf) => {
      const data = await leaf.data();
      return leaf.host ? leaf : new Tensor(leaf.shape, leaf.dtype, undefined, 0, data);
    }),
  );
}

interface Traced {
  readonly trace: Trace;
  readonly placeholders: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly result: unknown;
}

function traced<Arguments extends readonly unknown[]>(
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  leaves: readonly Tensor[],
  passes: Passes,
): Traced {
  const placeholders = leaves.map((leaf) => new Tensor(leaf.shape, leaf.dtype, undefined));
  const trace: Trace = { assignments: new Map(), guards: [], reads: [], passes };
  const result = withTrace(trace, () => fn(...rebuild(args, placeholders)));
  if (result instanceof Promise)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${name}] expected a function that returns tensors, got one that returns a promise: await inputs before the call, not inside`,
    );
  return { trace, placeholders, outputs: flatten(name, result).leaves, result };
}

function build<Arguments extends readonly unknown[]>(
  addon: Addon,
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  leaves: readonly Tensor[],
  passes: Passes,
): Entry {
  const { trace, placeholders, outputs, result } = traced(name, fn, args, leaves, passes);
  const lowered = lower(placeholders, outputs, trace, description(addon));
  const specs = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const program = new Program(addon, lowered, specs, name);
  programs.set(program, lowered.bytes);
  return {
    program,
    result: rebuild(
      result,
      outputs.map(({ shape, dtype }) => new Tensor(shape, dtype, undefined)),
    ),
    reads: trace.reads,
  };
}

const programs = new WeakMap<Program, Uint8Array>();

/** With JEPA_CHECK_TRACE=1: the function must trace to the same program again. @throws JepaError ERR_JEPA_IMPURE_TRACE */
function compareTraces<Arguments extends readonly unknown[]>(
  addon: Addon,
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
  leaves: readonly Tensor[],
  passes: Passes,
  entry: Entry,
): void {
  const { trace, placeholders, outputs } = traced(name, fn, args, leaves, passes);
  const again = lower(placeholders, outputs, trace, description(addon)).bytes;
  const before = programs.get(entry.program);
  if (!before || Buffer.compare(before, again) !== 0) {
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
