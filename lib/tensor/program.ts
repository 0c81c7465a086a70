import { JepaError } from '../errors.js';
import type { Addon, NativeProfile, ProgramHandle } from '../native/binding.js';
import { nativeError } from '../native/status.js';
import type { Lowered } from './compiler/lower.js';
import { arrayOn } from './dtype.js';
import type { TensorSpec } from './op.js';
import { show } from './shape.js';
import { Tensor } from './tensor.js';
import type { Variable } from './variable.js';

let runs = 0;

/** Time of one kernel in a profile. */
export interface KernelTime {
  readonly op: string;
  readonly shape: string;
  readonly microseconds: number;
  readonly gigaflopsPerSecond: number;
  /** Kernels of one group run together, block of rows by block of rows: each has its share of their time. */
  readonly group?: number;
}

export interface Profile {
  /** SIMD target and threads that ran it. */
  readonly target: string;
  readonly threads: number;
  readonly milliseconds: number;
  readonly kernels: readonly KernelTime[];
  /** A table, slowest first. */
  toString(): string;
}

/** One compiled signature of a function: what it computes, what it costs, and how long each kernel takes. */
export class Program {
  readonly #addon: Addon;
  readonly #handle: ProgramHandle;
  readonly #steps: readonly PrintedStep[];
  /** Which of the native buffers are temporaries. */
  readonly #temporary: readonly boolean[];
  readonly #guards: readonly string[];
  // Weak, so that a cached program keeps no model alive that nobody else holds.
  readonly #variables: readonly WeakRef<Variable>[];
  readonly #assigned: readonly WeakRef<Variable>[];
  readonly #outputs: readonly TensorSpec[];
  readonly name: string;
  #disposed = false;

  /** @internal */
  constructor(addon: Addon, lowered: Lowered, outputs: readonly TensorSpec[], name: string) {
    this.#addon = addon;
    this.#steps = printed(lowered);
    this.#temporary = lowered.buffers.map(({ kind }) => kind === 'temp');
    this.#guards = lowered.guards;
    this.#variables = lowered.variables.map((variable) => new WeakRef(variable));
    this.#assigned = lowered.assigned.map((variable) => new WeakRef(variable));
    this.#outputs = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    this.name = name;
    try {
      this.#handle = addon.createProgram(
        lowered.bytes,
        lowered.variables.map((variable) => variable.handle(addon)),
      );
    } catch (error) {
      throw nativeError(error);
    }
  }

  /** Additions and multiplications of one run. */
  get flops(): number {
    return this.#addon.programInfo(this.#handle).flops;
  }

  /** Bytes that kernels read and write in one run. */
  get bytes(): number {
    return this.#addon.programInfo(this.#handle).bytes;
  }

  /** Memory for temporaries, shared with other programs of the device. */
  get arenaBytes(): number {
    return this.#addon.programInfo(this.#handle).arenaBytes;
  }

  /** Memory for what it keeps from run to run until variables change, such as packed weights. */
  get keptBytes(): number {
    return this.#addon.programInfo(this.#handle).keptBytes;
  }

  /** @internal Inputs are materialised tensors in slot order. */
  async run(inputs: readonly Tensor[], signal?: AbortSignal): Promise<Tensor[]> {
    if (signal?.aborted) throw aborted(signal);
    this.#checkVariables();
    const id = ++runs;
    const abort = (): void => this.#addon.abort(id);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const buffers = await this.#addon.run(
        this.#handle,
        inputs.map(({ host }) => host as NonNullable<Tensor['host']>),
        id,
      );
      this.#bump();
      return this.#outputs.map(
        ({ shape, dtype }, index) => new Tensor(shape, dtype, undefined, 0, arrayOn(dtype, buffers[index])),
      );
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** @internal */
  async profile(inputs: readonly Tensor[], repetitions: number): Promise<Profile> {
    const hosts = inputs.map(({ host }) => host as NonNullable<Tensor['host']>);
    this.#checkVariables();
    try {
      const profile = await this.#addon.profile(this.#handle, hosts, repetitions);
      this.#bump();
      return this.#table(profile);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** @internal Whether it reads and assigns these very variables. */
  binds({ variables, assigned }: Pick<Lowered, 'variables' | 'assigned'>): boolean {
    const same = (own: readonly WeakRef<Variable>[], others: readonly Variable[]): boolean =>
      own.length === others.length && own.every((variable, index) => variable.deref() === others[index]);
    return same(this.#variables, variables) && same(this.#assigned, assigned);
  }

  #checkVariables(): void {
    for (const reference of this.#variables) {
      const variable = reference.deref();
      if (variable?.disposed)
        throw new JepaError(
          'ERR_JEPA_DISPOSED',
          `[${this.name}] expected its variables in use, got a disposed one: '${variable.name}' ${show(variable.shape)}`,
        );
    }
  }

  #bump(): void {
    for (const variable of this.#assigned) variable.deref()?.bump();
  }

  dispose(): void {
    if (!this.#disposed) this.#addon.disposeProgram(this.#handle);
    this.#disposed = true;
  }

  /** Nodes with shapes and costs, then the memory plan. */
  toString(): string {
    const { nodes, flops, bytes, arenaBytes, keptBytes, constantBytes, buffers } = this.#addon.programInfo(
      this.#handle,
    );
    const last = Math.max(-1, ...nodes.map(({ group }) => group));
    const groups = last < 0 ? 0 : ` [${last}]`.length;
    const lines = this.#steps.map(
      ({ label, from, into, mark }, index) =>
        `${mark}${String(index).padStart(4)}${(nodes[index].group < 0 ? '' : ` [${nodes[index].group}]`).padEnd(groups)}  ${label}(${from}) → ${into}  ${(nodes[index].flops / 1e6).toFixed(3)} MFLOP`,
    );
    const temporaries = buffers.filter((_, index) => this.#temporary[index]);
    const unshared = temporaries.reduce((total, buffer) => total + buffer.bytes, 0);
    return [
      `program ${this.name}: ${nodes.length} nodes, ${(flops / 1e9).toFixed(3)} GFLOP, ${(bytes / 1e6).toFixed(1)} MB moved`,
      ...lines,
      `memory: ${(arenaBytes / 1e6).toFixed(2)} MB for ${temporaries.length} temporaries that would need ${(unshared / 1e6).toFixed(2)} MB each on its own, ${(constantBytes / 1e6).toFixed(2)} MB constants, ${(keptBytes / 1e6).toFixed(2)} MB kept between runs; nodes marked = run when variables have changed, those marked ! update them, those of one [group] go block of rows by block of rows`,
    ].join('\n');
  }

  #failure(error: unknown, signal?: AbortSignal): unknown {
    const failure = nativeError(error);
    if (failure instanceof JepaError && failure.code === 'ERR_JEPA_ABORTED' && signal) return aborted(signal);
    if (failure instanceof JepaError && failure.code === 'ERR_JEPA_NON_FINITE') {
      const index = Number(/guard (\d+)/.exec(failure.message)?.[1] ?? -1);
      const name = this.#guards[index] ?? 'a guarded value';
      return new JepaError(
        'ERR_JEPA_NON_FINITE',
        `[${this.name}] expected a finite ${name}, got NaN or infinity: nothing was assigned`,
        { cause: failure, help: ['look for extreme inputs, or lower the learning rate'], details: { guard: name } },
      );
    }
    if (failure instanceof JepaError && failure.code === 'ERR_JEPA_INDEX_RANGE') {
      const [text, number] = / \(node (\d+)\)$/.exec(failure.message) ?? [''];
      const site = this.#steps[Number(number)]?.site;
      return new JepaError('ERR_JEPA_INDEX_RANGE', failure.message.replace(text, site ? `\n    at ${site}` : ''), {
        cause: failure,
      });
    }
    return failure;
  }

  #table({ target, threads, nodes }: NativeProfile): Profile {
    const info = this.#addon.programInfo(this.#handle);
    const kernels = nodes.map(({ nanoseconds }, index) => ({
      op: this.#steps[index].label,
      shape: this.#steps[index].from,
      microseconds: nanoseconds / 1e3,
      gigaflopsPerSecond: nanoseconds > 0 ? info.nodes[index].flops / nanoseconds : 0,
      group: info.nodes[index].group < 0 ? undefined : info.nodes[index].group,
    }));
    const milliseconds = kernels.reduce((total, kernel) => total + kernel.microseconds, 0) / 1e3;
    return {
      target,
      threads,
      milliseconds,
      kernels,
      toString: () =>
        [
          `${this.name} on ${target}, ${threads} threads: ${milliseconds.toFixed(3)} ms, ${(info.flops / milliseconds / 1e6).toFixed(1)} GFLOP/s`,
          ...[...kernels]
            .sort((a, b) => b.microseconds - a.microseconds)
            .map(
              (kernel) =>
                `${kernel.microseconds.toFixed(1).padStart(10)} µs ${kernel.gigaflopsPerSecond.toFixed(1).padStart(7)} GFLOP/s  ${kernel.op}  ${kernel.shape}`,
            ),
        ].join('\n'),
    };
  }
}

/** What printouts say of a native node: kept instead of the node, which holds the whole graph and its constants. */
interface PrintedStep {
  readonly label: string;
  /** Shapes of its operands. */
  readonly from: string;
  readonly into: string;
  /** '=' if it runs only when variables have changed, '!' if it updates some. */
  readonly mark: ' ' | '=' | '!';
  /** The user's line, where values can fail it. */
  readonly site?: string;
}

function printed({ steps, hoisted, commitStart }: Lowered): PrintedStep[] {
  return steps.map(({ label, inputs, outputs, site }, index) => ({
    label,
    site,
    from: inputs.map(({ shape }) => show(shape)).join(' '),
    into: outputs
      .map(
        ({ shape, dtype, buffer }) =>
          `${dtype} ${show(shape)}${buffer.kind === 'temp' ? '' : ` ${buffer.kind} ${buffer.variable?.name || buffer.slot}`}`,
      )
      .join(', '),
    mark: index >= commitStart ? '!' : index < hoisted ? '=' : ' ',
  }));
}

function aborted(signal: AbortSignal): unknown {
  return new JepaError('ERR_JEPA_ABORTED', '[compile] the signal stopped the step: nothing was assigned', {
    cause: signal.reason,
  });
}
