import type { Cluster } from './fuse.js';
import { type Buffer, type ElementwiseNode, type IrNode, isWhole, keyOf, type NativeNode, type Value } from './ir.js';

/** A native node to be: one op, or one pass over the members of a cluster. */
export interface Unit {
  readonly members: readonly ElementwiseNode[];
  readonly native?: NativeNode;
  /** Members whose result is stored, with where. */
  readonly stores: { readonly member: ElementwiseNode; readonly to: Value }[];
  /** Runs after everything that can fail: it writes variables. */
  commit: boolean;
}

export interface Wanted {
  readonly outputs: readonly Value[];
  readonly guards: readonly Value[];
  readonly assignments: readonly { readonly variable: Value; readonly value: Value }[];
}

export interface Schedule {
  /** In execution order. */
  readonly units: readonly Unit[];
  /** Values to copy into variables when all units have run. */
  readonly copies: readonly { readonly from: Value; readonly to: Value }[];
}

/**
 * Orders the work: everything that can fail first, then the units that update variables in place, then copies into variables
 * whose new value could not be written in place because somebody still reads the old one.
 */
export function schedule(
  nodes: readonly IrNode[],
  clusterOf: ReadonlyMap<IrNode, Cluster>,
  wanted: Wanted,
  inPlace: boolean,
): Schedule {
  const units = new Map<IrNode, Unit>();
  const needed = neededNodes(nodes, wanted);
  const list: Unit[] = [];
  for (const node of nodes) {
    if (!needed.has(node) || units.has(node)) continue;
    const members =
      node.kind === 'elementwise'
        ? (clusterOf.get(node) as Cluster).members.filter((member) => needed.has(member))
        : [];
    const unit: Unit = { members, native: node.kind === 'native' ? node : undefined, stores: [], commit: false };
    for (const member of members) units.set(member, unit);
    units.set(node, unit);
    list.push(unit);
  }
  const readers = readersOf(list);
  const copies = place(list, units, readers, wanted, inPlace);
  return { units: order(list, units), copies };
}

function neededNodes(nodes: readonly IrNode[], { outputs, guards, assignments }: Wanted): Set<IrNode> {
  const needed = new Set<IrNode>();
  const visit = ({ buffer }: Value): void => {
    for (const writer of buffer.writers) needed.add(writer);
  };
  for (const value of [...outputs, ...guards, ...assignments.map((assignment) => assignment.value)]) visit(value);
  for (let index = nodes.length - 1; index >= 0; index--) {
    if (needed.has(nodes[index])) for (const input of nodes[index].inputs) visit(input);
  }
  return needed;
}

/** Units that read a buffer from memory, their own results apart. */
function readersOf(list: readonly Unit[]): Map<Buffer, Set<Unit>> {
  const readers = new Map<Buffer, Set<Unit>>();
  for (const unit of list) {
    const own = new Set(unit.members.map(({ output }) => keyOf(output)));
    for (const input of inputsOf(unit)) {
      if (own.has(keyOf(input)) || input.constant !== undefined) continue;
      const set = readers.get(input.buffer);
      if (set) set.add(unit);
      else readers.set(input.buffer, new Set([unit]));
    }
  }
  return readers;
}

export function inputsOf({ members, native }: Unit): readonly Value[] {
  return native ? native.inputs : members.flatMap(({ inputs }) => inputs);
}

function place(
  list: readonly Unit[],
  units: ReadonlyMap<IrNode, Unit>,
  readers: ReadonlyMap<Buffer, ReadonlySet<Unit>>,
  { outputs, guards, assignments }: Wanted,
  inPlace: boolean,
): { from: Value; to: Value }[] {
  const guarded = new Set(guards.map(({ buffer }) => buffer));
  const returned = new Set(outputs.map(({ buffer }) => buffer));
  const assigned = new Map<Buffer, Value[]>();
  for (const { variable, value } of assignments) {
    const targets = assigned.get(value.buffer);
    if (targets) targets.push(variable);
    else assigned.set(value.buffer, [variable]);
  }
  // A unit may run in the commit phase if nothing but other such units reads its results.
  for (const unit of [...list].reverse()) {
    const results = unit.members.map(({ output }) => output.buffer);
    unit.commit =
      inPlace &&
      results.some((buffer) => assigned.has(buffer)) &&
      results.every(
        (buffer) =>
          !guarded.has(buffer) &&
          !returned.has(buffer) &&
          [...(readers.get(buffer) ?? [])].every((reader) => reader.commit),
      );
  }
  const copies: { from: Value; to: Value }[] = [];
  for (const unit of list) {
    for (const member of unit.members) {
      const { buffer } = member.output;
      const readOutside = returned.has(buffer) || guarded.has(buffer) || (readers.get(buffer)?.size ?? 0) > 0;
      const targets = assigned.get(buffer) ?? [];
      const direct = targets.filter((variable) => canUpdateInPlace(unit, member, variable, readers));
      if (readOutside || direct.length < targets.length) unit.stores.push({ member, to: member.output });
      for (const variable of direct) unit.stores.push({ member, to: variable });
      for (const variable of targets)
        if (!direct.includes(variable)) copies.push({ from: member.output, to: variable });
    }
  }
  for (const { variable, value } of assignments) {
    const [writer] = value.buffer.writers;
    const unit = writer && units.get(writer);
    const stored = unit?.members.some(({ output }) => keyOf(output) === keyOf(value));
    if (!stored) copies.push({ from: value, to: variable });
  }
  return copies;
}

function canUpdateInPlace(
  unit: Unit,
  member: ElementwiseNode,
  variable: Value,
  readers: ReadonlyMap<Buffer, ReadonlySet<Unit>>,
): boolean {
  if (!unit.commit || !isWhole(member.output)) return false;
  for (const reader of readers.get(variable.buffer) ?? []) if (reader !== unit && reader.commit) return false;
  // Its own reads must be of the very elements it writes.
  return inputsOf(unit).every((input) => input.buffer !== variable.buffer || keyOf(input) === keyOf(variable));
}

/** Topological order, as early as the nodes were made; commit units last. */
function order(list: readonly Unit[], units: ReadonlyMap<IrNode, Unit>): Unit[] {
  const position = new Map<Unit, number>();
  for (const unit of list)
    position.set(unit, unit.native ? unit.native.order : Math.max(...unit.members.map((member) => member.order)));
  const waiting = new Map<Unit, number>();
  const after = new Map<Unit, Unit[]>();
  for (const unit of list) {
    const before = new Set<Unit>();
    for (const { buffer } of inputsOf(unit)) {
      for (const writer of buffer.writers) {
        const earlier = units.get(writer);
        if (earlier && earlier !== unit) before.add(earlier);
      }
    }
    waiting.set(unit, before.size);
    for (const earlier of before) {
      const list = after.get(earlier);
      if (list) list.push(unit);
      else after.set(earlier, [unit]);
    }
  }
  const rank = (unit: Unit): number => (unit.commit ? 1e12 : 0) + (position.get(unit) as number);
  const heap = new Heap<Unit>((a, b) => rank(a) - rank(b));
  for (const unit of list) if (waiting.get(unit) === 0) heap.push(unit);
  const ordered: Unit[] = [];
  for (let unit = heap.pop(); unit; unit = heap.pop()) {
    ordered.push(unit);
    for (const next of after.get(unit) ?? []) {
      const left = (waiting.get(next) as number) - 1;
      waiting.set(next, left);
      if (left === 0) heap.push(next);
    }
  }
  return ordered;
}

class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #compare: (a: Item, b: Item) => number;

  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
  }

  push(item: Item): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(items[parent], items[at]) <= 0) break;
      [items[parent], items[at]] = [items[at], items[parent]];
      at = parent;
    }
  }

  pop(): Item | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    items[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < items.length && this.#compare(items[child], items[least]) < 0) least = child;
      if (least === at) return first;
      [items[least], items[at]] = [items[at], items[least]];
      at = least;
    }
  }
}
