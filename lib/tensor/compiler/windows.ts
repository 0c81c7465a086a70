import { sameShape } from '../shape.js';
import { type Buffer, type Graph, type IrNode, isWhole, type NativeNode, type Value } from './ir.js';
import { isMatmul, setWindows } from './product.js';

/** A vector of the widest target: windows of fewer channels would be gathered in runs shorter than that. */
export const fewestChannels = 16;

/**
 * Convolutions whose products gather the windows of a picture as they go (implicit im2col): where nothing but products reads the rows that `im2col`
 * makes of them, as they are, these rows, as many times larger than the picture as the kernel has places, are never written.
 * @param kept buffers that are wanted in memory
 */
export function gatherWindows(graph: Graph, kept: ReadonlySet<Buffer>): void {
  const readers = graph.readers();
  const windowed = new Set<IrNode>();
  const gone = new Set<IrNode>();
  for (const node of graph.nodes) {
    if (node.kind !== 'native' || node.name !== 'im2col') continue;
    const [[picture], [rows]] = [node.inputs, node.outputs];
    if (kept.has(rows.buffer) || picture.shape[3] < fewestChannels || picture.strides[3] !== 1) continue;
    const uses = readers.get(rows.buffer) ?? [];
    const products = new Set(uses.map(({ node }) => node));
    const own =
      products.size === uses.length && uses.every(({ input }) => isWhole(input) && sameShape(input.shape, rows.shape));
    if (!own || ![...products].every((product) => takes(product, rows) && !windowed.has(product))) continue;
    for (const product of products as ReadonlySet<NativeNode>) {
      setWindows(product, product.inputs[0].buffer === rows.buffer ? 'left' : 'right', node.attributes);
      product.inputs = product.inputs.map((input) => (input.buffer === rows.buffer ? picture : input));
      windowed.add(product);
    }
    gone.add(node);
  }
  graph.remove(gone);
}

/** Whether these rows are one of the two operands. */
function takes(node: IrNode, { buffer }: Value): boolean {
  return node.kind === 'native' && isMatmul(node) && node.inputs.slice(0, 2).some((input) => input.buffer === buffer);
}
