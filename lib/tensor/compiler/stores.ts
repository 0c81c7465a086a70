import type { OpDefinition } from '../op.js';
import { type Buffer, type ElementwiseNode, fitsRegister, type Graph, isDense, isWhole, type Value } from './ir.js';

/** A register as it is. */
const same: OpDefinition<unknown> = { name: 'copy', outputs: () => [], emit: (_, [x]) => x };

/**
 * Copies of what an elementwise pass computes, such as parts of a concatenation, become one more result of that pass: it stores
 * where the copy would, and only there if nobody else wants the original.
 */
export function storeCopies(graph: Graph): void {
  let found = false;
  for (const [index, node] of graph.nodes.entries()) {
    if (node.kind !== 'native' || node.name !== 'copy') continue;
    const [from] = node.inputs;
    const [to] = node.outputs;
    const writer = onlyWriter(from.buffer);
    if (!writer || !isWhole(writer.output) || !fitsRegister(from.dtype) || !isWholeView(from, writer.output)) continue;
    const target = withShape(to, writer.output.shape);
    if (!target) continue;
    const store: ElementwiseNode = {
      kind: 'elementwise',
      order: writer.order + 0.25, // beside the pass that it joins
      op: same,
      attributes: null,
      specs: [writer.output],
      inputs: [writer.output],
      output: target,
    };
    graph.nodes[index] = store;
    to.buffer.writers[to.buffer.writers.indexOf(node)] = store;
    found = true;
  }
  if (found) graph.nodes.sort((a, b) => a.order - b.order);
}

function onlyWriter({ writers }: Buffer): ElementwiseNode | undefined {
  const [writer] = writers;
  return writers.length === 1 && writer.kind === 'elementwise' ? writer : undefined;
}

function isWholeView(view: Value, { dtype, shape }: Value): boolean {
  return view.offset === 0 && view.dtype === dtype && isDense(view) && extents(view.shape) === extents(shape);
}

/** Axes that are more than one element long: the others may come and go. */
function extents(shape: readonly number[]): string {
  return shape.filter((extent) => extent !== 1).join();
}

/** A value with axes of one element taken away or put in, so that it has this shape. */
function withShape(value: Value, shape: readonly number[]): Value | undefined {
  if (extents(value.shape) !== extents(shape)) return undefined;
  const strides = value.strides.filter((_, axis) => value.shape[axis] !== 1);
  let next = 0;
  return { ...value, shape, strides: shape.map((extent) => (extent === 1 ? 0 : strides[next++])) };
}
