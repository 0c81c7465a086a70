import type { DType } from '../dtype.js';
import type { Layout, OpDefinition, StridedView, TensorSpec } from '../op.js';
import { denseStrides, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Variable } from '../variable.js';

/**
 * A piece of memory. Temporaries get their place from the native planner, by when they are first and last touched; kept ones
 * hold from run to run what depends on nothing that changes.
 */
export interface Buffer {
  readonly id: number;
  kind: 'temp' | 'input' | 'output' | 'variable' | 'constant' | 'kept';
  /** Number among the program's inputs, outputs or variables. */
  slot: number;
  readonly dtype: DType;
  readonly elements: number;
  readonly host?: Tensor['host'];
  readonly variable?: Variable;
  readonly writers: IrNode[];
}

/** A strided window on a buffer; `constant` is set where every element is that number. */
export interface Value extends StridedView, TensorSpec {
  readonly buffer: Buffer;
  readonly constant?: number;
}

export interface ElementwiseNode {
  readonly kind: 'elementwise';
  readonly order: number;
  readonly op: OpDefinition<unknown>;
  readonly attributes: unknown;
  readonly specs: readonly TensorSpec[];
  readonly inputs: readonly Value[];
  readonly output: Value;
  /** What a checkpointed function did not keep is computed in passes of its own, or it would be ready, and kept, too early. */
  readonly repetition?: string;
}

export interface NativeNode {
  readonly kind: 'native';
  readonly order: number;
  readonly name: string;
  attributes: Uint8Array;
  inputs: readonly Value[];
  outputs: readonly Value[];
  /** The user's line, where values can fail it. */
  readonly site?: string;
}

export type IrNode = ElementwiseNode | NativeNode;

/** A program before its nodes are fused, ordered and written out. */
export class Graph {
  readonly nodes: IrNode[] = [];
  readonly buffers: Buffer[] = [];
  /** Of the nodes that are added next. */
  repetition: string | undefined;

  buffer(dtype: DType, elements: number, rest: Partial<Buffer> = {}): Buffer {
    const buffer: Buffer = { id: this.buffers.length, kind: 'temp', slot: 0, dtype, elements, writers: [], ...rest };
    this.buffers.push(buffer);
    return buffer;
  }

  /** A dense value in a buffer of its own. */
  dense({ shape, dtype }: TensorSpec, rest: Partial<Buffer> = {}): Value {
    return { buffer: this.buffer(dtype, sizeOf(shape), rest), dtype, shape, strides: denseStrides(shape), offset: 0 };
  }

  elementwise(
    op: OpDefinition<unknown>,
    attributes: unknown,
    specs: readonly TensorSpec[],
    inputs: readonly Value[],
    output: Value,
  ): Value {
    const node: ElementwiseNode = {
      kind: 'elementwise',
      order: this.nodes.length,
      op,
      attributes,
      specs,
      inputs,
      output,
      repetition: this.repetition,
    };
    this.nodes.push(node);
    output.buffer.writers.push(node);
    return output;
  }

  native(
    name: string,
    attributes: Uint8Array,
    inputs: readonly Value[],
    outputs: readonly Value[],
    site?: string,
  ): void {
    this.insert(this.nodes.length, name, attributes, inputs, outputs, site);
  }

  /** A native node among others: `order` says where, once the nodes are sorted by it again. */
  insert(
    order: number,
    name: string,
    attributes: Uint8Array,
    inputs: readonly Value[],
    outputs: readonly Value[],
    site?: string,
  ): NativeNode {
    const node: NativeNode = { kind: 'native', order, name, attributes, inputs, outputs, site };
    this.nodes.push(node);
    for (const output of outputs) output.buffer.writers.push(node);
    return node;
  }

  remove(gone: ReadonlySet<IrNode>): void {
    if (gone.size > 0) this.nodes.splice(0, this.nodes.length, ...this.nodes.filter((node) => !gone.has(node)));
  }

  /** Who reads a buffer, an entry for each input. */
  readers(): Map<Buffer, { readonly node: IrNode; readonly input: Value }[]> {
    const readers = new Map<Buffer, { readonly node: IrNode; readonly input: Value }[]>();
    for (const node of this.nodes)
      for (const input of node.inputs) {
        const list = readers.get(input.buffer);
        if (list) list.push({ node, input });
        else readers.set(input.buffer, [{ node, input }]);
      }
    return readers;
  }

  copy(from: Value, to: Value): Value {
    this.native('copy', new Uint8Array(0), [from], [to]);
    return to;
  }
}

/** Text that is equal for equal values. */
export function keyOf({ buffer, constant, offset, shape, strides }: Value): string {
  return constant === undefined
    ? `${buffer.id}@${offset}[${shape.join()}|${strides.join()}]`
    : `=${Object.is(constant, -0) ? '-0' : constant}:${buffer.dtype}[${shape.join()}]`;
}

/** Whether a value is its whole buffer, row-major. */
export function isWhole(value: Value): boolean {
  return (
    value.offset === 0 &&
    value.buffer.elements === sizeOf(value.shape) &&
    value.buffer.dtype === value.dtype &&
    isDense(value)
  );
}

export function isDense({ shape, strides }: StridedView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

export function satisfies(view: StridedView, layout: Layout): boolean {
  const { shape, strides } = view;
  const rank = shape.length;
  const unit = (axis: number): boolean => shape[axis] <= 1 || strides[axis] === 1;
  switch (layout) {
    case 'strided':
      return true;
    case 'contiguous':
      return isDense(view);
    case 'lastDense':
      return rank === 0 || unit(rank - 1);
    case 'matrix':
      return unit(rank - 1) || unit(rank - 2);
    case 'rows': {
      if (rank === 0) return true;
      if (!unit(rank - 1)) return false;
      let expected = -1;
      for (let axis = rank - 2; axis >= 0; axis--) {
        if (shape[axis] === 1) continue;
        if (expected >= 0 && strides[axis] !== expected) return false;
        expected = strides[axis] * shape[axis];
      }
      return true;
    }
  }
}

/** The view with stride 0 along axes it is stretched over. */
export function broadcastView<V extends StridedView>(view: V, shape: readonly number[]): V {
  const lead = shape.length - view.shape.length;
  const strides = shape.map((extent, axis) =>
    axis < lead || (view.shape[axis - lead] === 1 && extent !== 1) ? 0 : view.strides[axis - lead],
  );
  return { ...view, shape, strides };
}

/** Whether a register of the elementwise machine holds this dtype as it is, so that it need not be stored and loaded to round. */
export function fitsRegister(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}
