import { sameShape } from '../shape.js';
import { type ElementwiseNode, fitsRegister, type Graph, type IrNode, isWhole, keyOf } from './ir.js';

/** Elementwise nodes that are computed in one pass. */
export interface Cluster {
  readonly kind: 'cluster';
  readonly members: ElementwiseNode[];
}

const maxMembers = 64;
const maxOperands = 24;

/**
 * Groups connected elementwise nodes of one shape. A node's level is one more than that of any input that it cannot be
 * fused with, so nodes of one group share a level and every dependency between groups goes up: no cycles can arise.
 */
export function clusters(graph: Graph, fuse: boolean): Map<IrNode, Cluster> {
  const level = new Map<IrNode, number>();
  const clusterOf = new Map<IrNode, Cluster>();
  for (const node of graph.nodes) {
    const partners: ElementwiseNode[] = [];
    let own = 0;
    for (const input of node.inputs) {
      for (const writer of input.buffer.writers) {
        const at = level.get(writer);
        if (at === undefined) continue;
        const fusable = fuse && node.kind === 'elementwise' && writer.kind === 'elementwise' && canShareRegister(writer, node, keyOf(input));
        own = Math.max(own, fusable ? at : at + 1);
        if (fusable) partners.push(writer);
      }
    }
    if (node.kind === 'elementwise') {
      let joined: Cluster = { kind: 'cluster', members: [node] };
      const groups = new Set(partners.filter((partner) => level.get(partner) === own).map((partner) => clusterOf.get(partner) as Cluster));
      const members = [...groups].flatMap((group) => group.members);
      if (groups.size > 0) {
        const merged = [...members, node];
        if (merged.length <= maxMembers && operands(merged) <= maxOperands) {
          joined = { kind: 'cluster', members: merged.sort((a, b) => a.order - b.order) };
        } else {
          own++;
        }
      }
      for (const member of joined.members) clusterOf.set(member, joined);
    }
    level.set(node, own);
  }
  return clusterOf;
}

function canShareRegister(writer: ElementwiseNode, reader: ElementwiseNode, read: string): boolean {
  const { output } = writer;
  return fitsRegister(output.dtype) && isWhole(output) && sameShape(output.shape, reader.output.shape) && keyOf(output) === read;
}

// Inputs from outside and all results: an upper bound of what the native node will read and write.
function operands(members: readonly ElementwiseNode[]): number {
  const inside = new Set(members.map(({ output }) => output.buffer));
  const outside = new Set<string>();
  for (const { inputs } of members) for (const input of inputs) if (!inside.has(input.buffer) && input.constant === undefined) outside.add(keyOf(input));
  return outside.size;
}
