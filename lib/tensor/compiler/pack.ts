import { isRounded, panelColumns } from '../product-format.js';
import { type Buffer, type Graph, keyOf, type NativeNode } from './ir.js';
import { flagsOf, readsRows, setPacked } from './product.js';

/** The product kernel packs anew for every block of so many rows: dearer than once. */
const manyRows = 196;

/**
 * Packs a right operand once where several products or many rows use it: the product kernel then streams it in the order it reads.
 * @param steady buffers that hold the same from run to run: packed once for all runs, so always
 */
export function packOperands(graph: Graph, steady: ReadonlySet<Buffer>): void {
  const uses = new Map<string, NativeNode[]>();
  for (const node of graph.nodes) {
    if (node.kind !== 'native' || node.name !== 'matmul' || node.inputs[1].shape.length !== 2) continue;
    const key = `${flagsOf(node) & isRounded} ${keyOf(node.inputs[1])}`;
    const list = uses.get(key);
    if (list) list.push(node);
    else uses.set(key, [node]);
  }
  for (const nodes of uses.values()) {
    const operand = nodes[0].inputs[1];
    const [k, n] = operand.shape;
    const transposed = operand.strides[1] !== 1;
    const rows = nodes[0].outputs[0].shape[0];
    const pays =
      nodes.length > 1 || (rows > manyRows && (transposed || readsRows(nodes[0]))) || steady.has(operand.buffer);
    if (!pays || k === 0 || n === 0) continue;
    const pairs = (flagsOf(nodes[0]) & isRounded) !== 0;
    const packed = graph.dense({
      shape: [(pairs ? k + (k % 2) : k) * Math.ceil(n / panelColumns) * panelColumns],
      dtype: pairs ? 'bfloat16' : 'float32',
    });
    for (const node of nodes) {
      setPacked(node);
      const [a, , ...rest] = node.inputs;
      node.inputs = [a, packed, ...rest];
    }
    graph.insert(nodes[0].order - 0.5, 'matmul_pack', new Uint8Array(0), [operand], [packed]);
  }
  graph.nodes.sort((a, b) => a.order - b.order);
}
