import { JepaError } from '../errors.js';
import type { ByteWriter } from './byte-writer.js';
import type { DType } from './dtype.js';
import { captureSite, describeSite } from './site.js';
import { Tensor } from './tensor.js';

/** Shape and dtype of a tensor, without its values. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A window on memory, in elements. */
export interface StridedView {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Collects instructions of the elementwise machine; registers are numbered as they are written. */
export interface Emitter {
  /** Appends an instruction (names: native/ops/elementwise/instructions.inc). @returns its register */
  op(name: string, ...operands: number[]): number;
  /** A float32 constant. */
  float(value: number): number;
  /** An int32 constant; numbers beyond become the nearest that is one. */
  int(value: number): number;
}

export interface GradientContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
  /** d loss / d output, where there is one. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** Which inputs somebody wants a gradient of. */
  readonly needs: readonly boolean[];
}

/** What an operand of a native op must look like in memory: 'rows': a dense last axis and one stride over all leading ones; 'matrix': one of the last two axes dense. */
export type Layout = 'strided' | 'rows' | 'lastDense' | 'matrix' | 'contiguous';

/** Everything the compiler knows of an op; exactly one of `emit`, `view`, `parts` and `native` says how it is computed. */
export interface OpDefinition<A = unknown> {
  /** snake_case; for native ops the name in native/ops/op_list.inc. */
  readonly name: string;
  /** The shape rule. @throws JepaError */
  outputs(inputs: readonly Tensor[], attributes: A): TensorSpec[];
  /** Cotangents of the inputs as more ops. Absent: cannot be differentiated, and says so; null: has no gradient (comparisons, indices). */
  readonly gradient?: ((context: GradientContext<A>) => (Tensor | undefined)[]) | null;
  readonly emit?: (
    emitter: Emitter,
    registers: readonly number[],
    attributes: A,
    inputs: readonly TensorSpec[],
    output: TensorSpec,
  ) => number;
  /** Stride arithmetic; undefined: this view needs a dense copy first. */
  readonly view?: (view: StridedView, attributes: A) => StridedView | undefined;
  readonly native?: {
    readonly layouts: readonly Layout[];
    /** Whether values, such as indices, can fail it: the error then names the line that made the node. */
    readonly fallible?: boolean;
    /** Where outputs lie, if not each dense in a buffer of its own: those of one number share a buffer and fill it. */
    readonly place?: (outputs: readonly TensorSpec[]) => readonly Placement[];
    encode(writer: ByteWriter, attributes: A, inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): void;
  };
  /** Composition of several native steps: concatenation and padding, which write into parts of one buffer. */
  readonly parts?: (inputs: readonly TensorSpec[], attributes: A) => Part[];
}

export interface Placement {
  readonly buffer: number;
  readonly at: StridedView;
}

/** Input `input` (none: the value `fill`) copied into the window `at` of the output. */
export interface Part {
  readonly input?: number;
  readonly fill?: number;
  readonly at: StridedView;
}

/** One application of an op. */
export interface Node {
  readonly id: number;
  readonly op: OpDefinition<unknown>;
  readonly attributes: unknown;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The innermost checkpointed function it was made in. */
  readonly region?: Region;
  /** Set where it computes anew what a checkpointed function did not keep, or gradients of it: equal only within one such pass. */
  readonly repetition?: string;
}

/** A call of a checkpointed function. */
export interface Region {
  readonly outer?: Region;
  /** In the order they were made; those of inner calls too, once these have ended. */
  readonly nodes: Node[];
  ended: boolean;
}

let region: Region | undefined;
let repetition: string | undefined;

/** Runs a function whose values are not kept for gradients. */
export function inRegion<Result>(body: () => Result): Result {
  const outer = region;
  const own: Region = { outer, nodes: [], ended: false };
  region = own;
  try {
    return body();
  } finally {
    own.ended = true;
    for (const node of own.nodes) outer?.nodes.push(node);
    region = outer;
  }
}

/** Marks what is applied meanwhile as part of a repetition; without a name as part of none. */
export function inRepetition<Result>(name: string | undefined, body: () => Result): Result {
  const outer = repetition;
  repetition = name;
  try {
    return body();
  } finally {
    repetition = outer;
  }
}

/** The same application to other inputs: attributes, and with them random numbers, are those of the first. */
export function repeat(node: Node, inputs: readonly Tensor[], name: string): readonly Tensor[] {
  const within = node.repetition === undefined ? name : `${name}.${node.repetition}`;
  const copy = made(node.op, inputs, node.attributes, node.outputs, within);
  const site = sites.get(node);
  if (site) sites.set(copy, site);
  return copy.outputs;
}

let nodes = 0;
const sites = new WeakMap<Node, ReturnType<typeof captureSite>>();

/** Applies an op lazily: checks shapes, computes nothing. @throws JepaError with the caller's line */
export function apply<A>(op: OpDefinition<A>, inputs: readonly Tensor[], attributes: A): Tensor[] {
  const site = captureSite();
  let specs: TensorSpec[];
  try {
    for (const input of inputs) input.checkUsable();
    specs = op.outputs(inputs, attributes);
  } catch (error) {
    throw located(error, describeSite(site));
  }
  const node = made(op as OpDefinition<unknown>, inputs, attributes, specs, repetition);
  sites.set(node, site);
  return [...node.outputs];
}

function made(
  op: OpDefinition<unknown>,
  inputs: readonly Tensor[],
  attributes: unknown,
  specs: readonly TensorSpec[],
  within: string | undefined,
): Node {
  const outputs: Tensor[] = [];
  const node: Node = { id: nodes++, op, attributes, inputs, outputs, region, repetition: within };
  for (const [index, { shape, dtype }] of specs.entries()) outputs.push(new Tensor(shape, dtype, node, index));
  region?.nodes.push(node);
  return node;
}

/** Text that is equal for equal attributes. JSON alone writes NaN and both infinities as null, and −0 as 0. */
export function attributesKey(attributes: unknown): string {
  return JSON.stringify(attributes, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? `#${Object.is(value, -0) ? '-0' : value}`
      : value,
  );
}

/** Where a node was made, for messages. */
export function siteOf(node: Node): string {
  const site = sites.get(node);
  return site ? describeSite(site) : '';
}

function located(error: unknown, site: string): unknown {
  if (!(error instanceof JepaError) || site === '' || error.message.includes('\n    at ')) return error;
  return new JepaError(error.code, `${error.message.split('\n  → ')[0]}\n    at ${site}`, {
    help: error.help,
    cause: error.cause,
    details: { ...error.details, site },
  });
}
