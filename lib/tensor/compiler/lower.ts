import { JepaError } from '../../errors.js';
import type { NativeDescription } from '../../native/binding.js';
import { isFloat } from '../dtype.js';
import type { OpDefinition } from '../op.js';
import type { Tensor } from '../tensor.js';
import type { Trace } from '../trace.js';
import type { Variable } from '../variable.js';
import { type NativeStep, writeProgram } from './encode.js';
import { applyEpilogues } from './epilogue.js';
import { flipKernels } from './flipped-kernels.js';
import { clusters } from './fuse.js';
import { hoist, steadyBuffers, workOf } from './hoist.js';
import { instructionsFor } from './instructions.js';
import { type Buffer, type ElementwiseNode, isWhole, type Value } from './ir.js';
import { packOperands } from './pack.js';
import { schedule, type Unit } from './schedule.js';
import { storeCopies } from './stores.js';
import { Translator } from './translate.js';
import { gatherWindows } from './windows.js';

export interface Lowered {
  readonly bytes: Uint8Array;
  /** Storage the program binds, in slot order, and which of them it assigns. */
  readonly variables: readonly Variable[];
  readonly assigned: readonly Variable[];
  readonly guards: readonly string[];
  readonly steps: readonly NativeStep[];
  readonly buffers: readonly Buffer[];
  /** So many steps run only when variables have changed. */
  readonly hoisted: number;
  readonly commitStart: number;
}

/** Lowers traced tensors to the bytes of a native program. */
export function lower(
  placeholders: readonly Tensor[],
  outputs: readonly Tensor[],
  trace: Trace,
  native: NativeDescription,
): Lowered {
  const translator = new Translator(placeholders, trace.passes);
  const { graph } = translator;
  const assignments = [...trace.assignments];
  translator.translate([
    ...outputs,
    ...trace.guards.map(({ tensor }) => tensor),
    ...assignments.map(([, value]) => value),
  ]);
  const assigned = new Set(assignments.map(([variable]) => translator.variable(variable).buffer));
  const targets = assignments.map(([variable, value]) => ({
    variable: translator.variable(variable),
    value: asOfTheStart(translator, translator.valueOf(value), assigned),
  }));
  const results = outputs.map((tensor, slot) => intoOutput(translator, translator.valueOf(tensor), slot));
  const guards = trace.guards.map(({ tensor, name }) => {
    if (tensor.size !== 1 || !isFloat(tensor.dtype))
      throw new JepaError('ERR_JEPA_SHAPE', `[guardFinite] expected a float scalar for '${name}'`);
    return materialised(translator, translator.valueOf(tensor));
  });
  const kept = { results: buffersOf([...results, ...guards]), assigned: buffersOf(targets.map(({ value }) => value)) };
  const inMemory = new Set([...kept.results, ...kept.assigned]);
  if (trace.passes.flipKernels) flipKernels(graph, inMemory);
  if (trace.passes.windows) gatherWindows(graph, inMemory);
  if (trace.passes.pack) {
    const steady = trace.passes.hoist ? steadyBuffers(graph.nodes.map(workOf), assigned) : new Set<Buffer>();
    packOperands(graph, steady);
  }
  if (trace.passes.fuse) storeCopies(graph);
  if (trace.passes.epilogue) applyEpilogues(graph, kept);
  const order = schedule(
    graph.nodes,
    clusters(graph, trace.passes.fuse, kept),
    { outputs: results, guards, assignments: targets },
    trace.passes.inPlace,
  );
  const codes = new Map(native.instructions.map((name, code) => [name, code]));
  const steps: NativeStep[] = [];
  let commitStart = -1;
  for (const unit of order.units) {
    if (unit.commit && commitStart < 0) commitStart = steps.length;
    steps.push(...stepsOf(unit, codes));
  }
  if (commitStart < 0) commitStart = steps.length;
  for (const { from, to } of order.copies)
    steps.push({ op: 'copy', attributes: new Uint8Array(0), inputs: [from], outputs: [to], label: 'copy' });
  const plan = trace.passes.hoist ? hoist(steps, commitStart, guards) : { steps, hoisted: 0 };
  const { bytes, buffers } = writeProgram(plan.steps, commitStart, guards, native.ops, trace.passes.rowBlocks);
  return {
    bytes,
    variables: translator.variables,
    assigned: assignments.map(([variable]) => variable),
    guards: trace.guards.map(({ name }) => name),
    steps: plan.steps,
    buffers,
    hoisted: plan.hoisted,
    commitStart,
  };
}

function buffersOf(values: readonly Value[]): Set<Buffer> {
  return new Set(values.map(({ buffer }) => buffer));
}

/** What a variable that is itself assigned holds is copied before the first assignment: two may be swapped. */
function asOfTheStart({ graph }: Translator, value: Value, assigned: ReadonlySet<Buffer>): Value {
  return assigned.has(value.buffer) ? graph.copy(value, graph.dense(value)) : value;
}

/** Makes a value fill an output buffer: the one it is computed into if that is free, else a copy. */
function intoOutput({ graph }: Translator, value: Value, slot: number): Value {
  const { buffer } = value;
  if (buffer.kind === 'temp' && isWhole(value) && buffer.writers.length > 0) {
    buffer.kind = 'output';
    buffer.slot = slot;
    return value;
  }
  const to = graph.dense(value, { kind: 'output', slot });
  return graph.copy(value, to);
}

/** A value in memory of its own as float32: guards are read where they lie. */
function materialised({ graph }: Translator, value: Value): Value {
  if (value.dtype === 'float32' && value.buffer.writers.length > 0) return value;
  const to = graph.dense({ shape: value.shape, dtype: 'float32' });
  return graph.elementwise(widen, null, [value], [value], to);
}

/** Loads a number of any float type and stores it as float32. */
const widen: OpDefinition<unknown> = { name: 'cast', outputs: () => [], emit: (_, [x]) => x };

function stepsOf({ native, members, stores }: Unit, codes: ReadonlyMap<string, number>): NativeStep[] {
  if (native)
    return [
      {
        op: native.name,
        attributes: native.attributes,
        inputs: native.inputs,
        outputs: native.outputs,
        label: native.name,
        site: native.site,
      },
    ];
  if (stores.length === 0) return [];
  const pass = instructionsFor(
    members,
    stores.map(({ member }) => member),
    codes,
  );
  if (pass)
    return [
      {
        op: 'elementwise',
        ...pass,
        outputs: stores.map(({ to }) => to),
        label: members.map(({ op }) => op.name).join(' '),
      },
    ];
  return halves(members, stores, codes);
}

/** Too long for the machine's registers: two passes, the first of which stores what the second reads. */
function halves(
  members: readonly ElementwiseNode[],
  stores: Unit['stores'],
  codes: ReadonlyMap<string, number>,
): NativeStep[] {
  if (members.length < 2)
    throw new JepaError(
      'ERR_JEPA_PROGRAM',
      `[${members[0].op.name}] expected an elementwise op of at most 32 registers`,
    );
  const first = members.slice(0, members.length >> 1);
  const second = members.slice(members.length >> 1);
  const readLater = new Set(second.flatMap(({ inputs }) => inputs.map(({ buffer }) => buffer)));
  const own = (part: readonly ElementwiseNode[]): Unit['stores'] =>
    stores.filter(({ member }) => part.includes(member));
  const kept = own(first);
  const bridges = first
    .filter(
      (member) =>
        readLater.has(member.output.buffer) &&
        !kept.some((store) => store.member === member && store.to === member.output),
    )
    .map((member) => ({ member, to: member.output }));
  // Variables keep their old values until both halves have read them.
  const late = kept.filter(({ to }) => to.buffer.kind === 'variable');
  const lateBridges = late
    .filter(
      ({ member }) => ![...kept, ...bridges].some((store) => store.member === member && store.to === member.output),
    )
    .map(({ member }) => ({ member, to: member.output }));
  const early = kept.filter((store) => !late.includes(store));
  return [
    ...stepsOf({ members: first, stores: [...early, ...bridges, ...lateBridges], commit: false }, codes),
    ...stepsOf({ members: second, stores: own(second), commit: false }, codes),
    ...late.map(({ member, to }) => ({
      op: 'copy',
      attributes: new Uint8Array(0),
      inputs: [member.output],
      outputs: [to],
      label: 'copy',
    })),
  ];
}
