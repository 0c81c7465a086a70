import { JepaError } from '../errors.js';
import { sameShape, show } from './shape.js';
import type { Tensor } from './tensor.js';
import { Variable } from './variable.js';

/** Rewrites that the compiler may make; results agree with each of them off. */
export interface Passes {
  /** Chains of elementwise ops become one pass over memory. */
  readonly fuse: boolean;
  /** Equal nodes are computed once. */
  readonly share: boolean;
  /** Sums of products become one product of their concatenated operands, sums of separate zero-padded parts one concatenation. */
  readonly mergeSums: boolean;
  /** Products gather the windows of pictures with 16 channels or more, channels last (implicit im2col): convolutions write out no rows. */
  readonly windows: boolean;
  /** Gradients of the inputs of convolutions of stride 1 are convolutions with the kernel flipped, which adds in another order. */
  readonly flipKernels: boolean;
  /** Right operands that several products or many rows use are packed once. */
  readonly pack: boolean;
  /** Products apply the activation, residual or slope that reads their sums; gradients of layer norms add their residual. */
  readonly epilogue: boolean;
  /** Updates of variables are written in place. */
  readonly inPlace: boolean;
  /** What depends on constants and unassigned variables alone, such as packed weights, is computed only when they change. */
  readonly hoist: boolean;
  /** Ops write their outputs in the order in which they are read, and parts that lie side by side already are not copied together. */
  readonly place: boolean;
  /** Neighbouring nodes run together, block of rows by block of rows, and are ordered so that they are neighbours. */
  readonly rowBlocks: boolean;
}

const passes = {
  fuse: true,
  share: true,
  mergeSums: true,
  windows: true,
  flipKernels: true,
  pack: true,
  epilogue: true,
  inPlace: true,
  hoist: true,
  place: true,
  rowBlocks: true,
};
export const allPasses: Passes = passes;
/** Those that change the order of sums; without any other the bits are the same. */
export const reorderingPasses: readonly (keyof Passes)[] = ['mergeSums', 'flipKernels'];

/** @internal Leaves a rewrite out of everything that is compiled from now on, values asked for outside `compile` included. */
export function leaveOut(pass: keyof Passes): void {
  passes[pass] = false;
}

/** What products round their operands to; they add in float32 either way. */
export type Precision = 'float32' | 'bfloat16';

export function isPrecision(given: unknown): given is Precision {
  return given === 'float32' || given === 'bfloat16';
}

/** What linear layers round both operands to, for inference: 8 bits with a scale for each row of the input and of the weight. */
export type Quantization = 'int8' | 'none';

export function isQuantization(given: unknown): given is Quantization {
  return given === 'int8' || given === 'none';
}

/** What happens beside the returned values while a function is traced. */
export interface Trace {
  readonly assignments: Map<Variable, Tensor>;
  readonly guards: { readonly tensor: Tensor; readonly name: string }[];
  /** State outside the function that decided what was traced, with the value it had. */
  readonly reads: { readonly read: () => unknown; readonly value: unknown }[];
  readonly passes: Passes;
  /** Of products that do not say theirs (default 'float32'). */
  readonly precision?: Precision;
  /** Of linear layers that do not say theirs (default 'none'). */
  readonly quantize?: Quantization;
}

let current: Trace | undefined;

export function currentTrace(): Trace | undefined {
  return current;
}

export function tracedPrecision(): Precision {
  return current?.precision ?? 'float32';
}

export function tracedQuantization(): Quantization {
  return current?.quantize ?? 'none';
}

export function withTrace<Result>(trace: Trace, body: () => Result): Result {
  const outer = current;
  current = trace;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/**
 * Sets a variable when the compiled step has succeeded as a whole.
 * @returns the new value; the variable itself still reads as of the step's start
 * @throws JepaError ERR_JEPA_ASSIGN_OUTSIDE_COMPILE, ERR_JEPA_SHAPE, ERR_JEPA_DTYPE
 * @example
 * const count = variable(Int32Array.of(0), { name: 'count' });
 * const next = compile(() => ({ count: assign(count, add(count, 1)) }));
 * await next();
 * await next();
 * await count.toArray(); // [2]
 */
export function assign(variable: Variable, value: Tensor): Tensor {
  if (!(variable instanceof Variable))
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[assign] expected a Variable to assign to');
  if (!current)
    throw new JepaError(
      'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE',
      `[assign] expected to be called inside a function given to compile, for '${variable.name}'`,
      { help: ['outside, await variable.write(data)'] },
    );
  if (!sameShape(variable.shape, value.shape) || variable.dtype !== value.dtype) {
    throw new JepaError(
      variable.dtype === value.dtype ? 'ERR_JEPA_SHAPE' : 'ERR_JEPA_DTYPE',
      `[assign] expected ${variable.dtype} ${show(variable.shape)} for '${variable.name}', got ${value.dtype} ${show(value.shape)}`,
    );
  }
  current.assignments.set(variable, value);
  return value;
}

/**
 * Fails the step, before anything is assigned, if a scalar is NaN or infinite. Outside `compile` it does nothing.
 * @example
 * const logarithm = compile((x: Tensor) => {
 *   const y = log(x);
 *   guardFinite(sum(y), 'sum of logarithms');
 *   return y;
 * }); // with x = [-1] its call is rejected, and nothing is assigned
 */
export function guardFinite(tensor: Tensor, name: string): void {
  current?.guards.push({ tensor, name });
}

/** Reads state outside the traced function; the compiled program holds only while it reads the same. */
export function recordRead<Value>(read: () => Value): Value {
  const value = read();
  current?.reads.push({ read, value });
  return value;
}
