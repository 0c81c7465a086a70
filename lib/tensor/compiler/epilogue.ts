import { denseStrides } from '../shape.js';
import { type Buffer, type Graph, type IrNode, isWhole } from './ir.js';
import { isProduct, setActivation } from './product.js';

/** Names of elementwise ops in the order of native/simd/activation_kind.h, of which 0 is none. */
const activations = ['', 'gelu_erf', 'gelu_tanh', 'silu', 'relu'];

/**
 * A product whose result only an activation reads applies it to its last sums while they are in the first cache: one pass over
 * memory less, and one buffer. In training the slope reads the result too, so it stays.
 * @param kept buffers that are wanted in memory: returned, guarded or assigned
 */
export function applyActivations(graph: Graph, kept: ReadonlySet<Buffer>): void {
  const readers = graph.readers();
  const gone = new Set<IrNode>();
  for (const node of graph.nodes) {
    if (!isProduct(node)) continue;
    const [sums] = node.outputs;
    const [reader, ...others] = readers.get(sums.buffer) ?? [];
    if (reader?.node.kind !== 'elementwise' || others.length > 0 || sums.buffer.writers.length !== 1) continue;
    const activation = activations.indexOf(reader.node.op.name);
    const { output } = reader.node;
    const whole = isWhole(sums) && isWhole(reader.input) && isWhole(output) && output.dtype === 'float32';
    if (activation < 1 || !whole || kept.has(sums.buffer) || output.buffer.writers.length !== 1) continue;
    setActivation(node, activation);
    node.outputs = [{ ...output, shape: sums.shape, strides: denseStrides(sums.shape) }];
    output.buffer.writers[0] = node;
    gone.add(reader.node);
  }
  if (gone.size > 0) graph.nodes.splice(0, graph.nodes.length, ...graph.nodes.filter((node) => !gone.has(node)));
}
