import { sameShape } from '../shape.js';
import { type Buffer, type ElementwiseNode, fitsRegister, type Graph, type IrNode, isWhole, keyOf } from './ir.js';

/** Elementwise nodes that are computed in one pass. */
export interface Cluster {
  readonly kind: 'cluster';
  readonly members: ElementwiseNode[];
}

/** Buffers that are wanted in memory: those of results and guards before anything is assigned, those that variables get after it. */
export interface Kept {
  readonly results: ReadonlySet<Buffer>;
  readonly assigned: ReadonlySet<Buffer>;
}

const maxMembers = 64;
const maxOperands = 24;

/**
 * Groups connected elementwise nodes of one shape. A node's level is one more than that of any input that it cannot be
 * fused with, so nodes of one group share a level and every dependency between groups goes up: no cycles can arise.
 * @param kept buffers that are wanted in memory
 */
export function clusters(graph: Graph, fuse: boolean, kept: Kept): Map<IrNode, Cluster> {
  const level = new Map<IrNode, number>();
  const clusterOf = new Map<IrNode, Cluster>();
  for (const node of graph.nodes) {
    const partners: ElementwiseNode[] = [];
    let own = 0;
    for (const input of node.inputs) {
      for (const writer of input.buffer.writers) {
        const at = level.get(writer);
        if (at === undefined) continue;
        const fusable =
          fuse &&
          node.kind === 'elementwise' &&
          writer.kind === 'elementwise' &&
          canShareRegister(writer, node, keyOf(input));
        own = Math.max(own, fusable ? at : at + 1);
        if (fusable) partners.push(writer);
      }
    }
    if (node.kind === 'elementwise') {
      let joined: Cluster = { kind: 'cluster', members: [node] };
      const groups = new Set(
        partners.filter((partner) => level.get(partner) === own).map((partner) => clusterOf.get(partner) as Cluster),
      );
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
  if (fuse) sink(graph, clusterOf, kept);
  return clusterOf;
}

/**
 * Moves a group into its only reader: nothing else waits for it, so it may as well be computed there (the derivative of an
 * activation, ready since the forward pass, joins the product it is needed for). What variables get waits for all that can fail
 * in any case, so it may join what other variables get (the moments of a parameter its own update).
 */
function sink(graph: Graph, clusterOf: Map<IrNode, Cluster>, kept: Kept): void {
  const readers = graph.readers();
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const cluster = clusterOf.get(graph.nodes[index]);
    if (!cluster || cluster.members[cluster.members.length - 1] !== graph.nodes[index]) continue;
    const target = onlyReader(cluster, clusterOf, readers, kept);
    if (!target) continue;
    const merged = [...cluster.members, ...target.members];
    if (merged.length > maxMembers || operands(merged) > maxOperands) continue;
    const joined: Cluster = { kind: 'cluster', members: merged.sort((a, b) => a.order - b.order) };
    for (const member of joined.members) clusterOf.set(member, joined);
  }
}

function onlyReader(
  cluster: Cluster,
  clusterOf: ReadonlyMap<IrNode, Cluster>,
  readers: ReturnType<Graph['readers']>,
  { results, assigned }: Kept,
): Cluster | undefined {
  let target: Cluster | undefined;
  for (const member of cluster.members) {
    if (results.has(member.output.buffer)) return undefined;
    for (const { node, input } of readers.get(member.output.buffer) ?? []) {
      const reader = clusterOf.get(node);
      if (reader === cluster) continue;
      if (
        !reader ||
        node.kind !== 'elementwise' ||
        (target && reader !== target) ||
        !canShareRegister(member, node, keyOf(input))
      )
        return undefined;
      target = reader;
    }
  }
  const writes = ({ members }: Cluster, buffers: ReadonlySet<Buffer>): boolean =>
    members.some(({ output }) => buffers.has(output.buffer));
  if (target && writes(cluster, assigned) && (!writes(target, assigned) || writes(target, results))) return undefined;
  return target;
}

function canShareRegister(writer: ElementwiseNode, reader: ElementwiseNode, read: string): boolean {
  const { output } = writer;
  return (
    (reader.repetition === undefined || reader.repetition === writer.repetition) &&
    fitsRegister(output.dtype) &&
    isWhole(output) &&
    sameShape(output.shape, reader.output.shape) &&
    keyOf(output) === read
  );
}

// Inputs from outside and all results: an upper bound of what the native node will read and write.
function operands(members: readonly ElementwiseNode[]): number {
  const inside = new Set(members.map(({ output }) => output.buffer));
  const outside = new Set<string>();
  for (const { inputs } of members)
    for (const input of inputs)
      if (!inside.has(input.buffer) && input.constant === undefined) outside.add(keyOf(input));
  return outside.size;
}
