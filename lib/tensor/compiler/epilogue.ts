import { ByteWriter } from '../byte-writer.js';
import { denseStrides } from '../shape.js';
import { type Buffer, type Graph, type IrNode, isWhole, type NativeNode } from './ir.js';

/** Names of elementwise ops in the order of the product kernel's activations, of which 0 is none. */
const activations = ['', 'gelu_erf', 'gelu_tanh', 'silu', 'relu'];

/**
 * A product whose result only an activation reads applies it to its last sums while they are in the first cache: one pass over
 * memory less, and one buffer. In training the slope reads the result too, so it stays.
 * @param kept buffers that are wanted in memory: returned, guarded or assigned
 */
export function applyActivations(graph: Graph, kept: ReadonlySet<Buffer>): void {
  const readers = new Map<Buffer, IrNode[]>();
  for (const node of graph.nodes)
    for (const { buffer } of node.inputs) {
      const list = readers.get(buffer);
      if (list) list.push(node);
      else readers.set(buffer, [node]);
    }
  const gone = new Set<IrNode>();
  for (const node of graph.nodes) {
    if (node.kind !== 'native' || node.name !== 'matmul' || activationOf(node) !== 0) continue;
    const [sums] = node.outputs;
    const [reader, ...others] = readers.get(sums.buffer) ?? [];
    if (reader?.kind !== 'elementwise' || others.length > 0 || sums.buffer.writers.length !== 1) continue;
    const activation = activations.indexOf(reader.op.name);
    const { output } = reader;
    const whole = isWhole(sums) && isWhole(reader.inputs[0]) && isWhole(output) && output.dtype === 'float32';
    if (activation < 1 || !whole || kept.has(sums.buffer) || output.buffer.writers.length !== 1) continue;
    node.attributes = new ByteWriter().append(node.attributes.subarray(0, 12)).u32(activation).bytes();
    node.outputs = [{ ...output, shape: sums.shape, strides: denseStrides(sums.shape) }];
    output.buffer.writers[0] = node;
    gone.add(reader);
  }
  if (gone.size > 0) graph.nodes.splice(0, graph.nodes.length, ...graph.nodes.filter((node) => !gone.has(node)));
}

function activationOf({ attributes }: NativeNode): number {
  return new DataView(attributes.buffer, attributes.byteOffset).getUint32(12, true);
}
