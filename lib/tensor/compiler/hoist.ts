import { bytesPerElement } from '../dtype.js';
import { sizeOf } from '../shape.js';
import type { NativeStep } from './encode.js';
import type { Buffer, IrNode, Value } from './ir.js';

/** What hoisting looks at in a node or a step. */
interface Work {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Whether values can fail it. */
  readonly fallible: boolean;
}

/** Results this much larger than what they are computed from are computed anew each time: they would be dear to keep. */
const maxGrowth = 2;
const alwaysKept = 2 ** 20;

export function workOf(node: IrNode): Work {
  return node.kind === 'native'
    ? { inputs: node.inputs, outputs: node.outputs, fallible: node.site !== undefined }
    : { inputs: node.inputs, outputs: [node.output], fallible: false };
}

/**
 * Buffers that hold the same from run to run until somebody outside the program writes a variable: constants, variables that it
 * does not assign, and what is computed from nothing else.
 */
export function steadyBuffers(works: readonly Work[], assigned: ReadonlySet<Buffer>): Set<Buffer> {
  const steady = new Set<Buffer>();
  const moving = new Set<Buffer>(assigned);
  for (const { inputs } of works)
    for (const { buffer } of inputs)
      if (buffer.kind === 'constant' || (buffer.kind === 'variable' && !assigned.has(buffer))) steady.add(buffer);
  // A buffer that is written in parts is steady only if all of them are, and a step only if all of its results are: again until
  // nothing more is found to move.
  for (let before = -1; before !== moving.size; ) {
    before = moving.size;
    for (const work of works) {
      const holds = isSteady(work, steady) && work.outputs.every(({ buffer }) => !moving.has(buffer));
      for (const { buffer } of work.outputs) {
        if (holds) steady.add(buffer);
        else {
          steady.delete(buffer);
          moving.add(buffer);
        }
      }
    }
  }
  return steady;
}

function isSteady({ inputs, outputs, fallible }: Work, steady: ReadonlySet<Buffer>): boolean {
  const read = bytes(inputs);
  const written = bytes(outputs);
  return (
    !fallible &&
    inputs.every(({ buffer, constant }) => constant !== undefined || steady.has(buffer)) &&
    outputs.every(({ buffer }) => buffer.kind === 'temp') &&
    (written <= alwaysKept || written <= maxGrowth * read)
  );
}

function bytes(values: readonly Value[]): number {
  return values.reduce(
    (total, { shape, strides, dtype }) =>
      total + sizeOf(shape.map((extent, axis) => (strides[axis] === 0 ? 1 : extent))) * bytesPerElement(dtype),
    0,
  );
}

/**
 * Moves what depends on constants and unassigned variables alone to the front, and marks the buffers of it that later steps
 * read: the native side then keeps them from run to run and computes them only when a variable has changed.
 * @param guards read at the end of what can fail
 * @returns the steps in their new order, and how many of them come first
 */
export function hoist(
  steps: readonly NativeStep[],
  commitStart: number,
  guards: readonly Value[],
): { steps: NativeStep[]; hoisted: number } {
  const assigned = new Set(
    steps.flatMap(({ outputs }) => outputs.map(({ buffer }) => buffer)).filter(({ kind }) => kind === 'variable'),
  );
  const works = steps.map((step, index) => ({ ...step, fallible: step.site !== undefined || index >= commitStart }));
  const steady = steadyBuffers(works, assigned);
  const isFirst = works.map(({ outputs }) => outputs.every(({ buffer }) => steady.has(buffer)));
  const later = steps.filter((_, index) => !isFirst[index]);
  for (const { buffer } of [...later.flatMap(({ inputs }) => inputs), ...guards])
    if (buffer.kind === 'temp' && steady.has(buffer)) buffer.kind = 'kept';
  const first = steps.filter((_, index) => isFirst[index]);
  let hoisted = first.length;
  while (hoisted > 0 && !first[hoisted - 1].outputs.some(({ buffer }) => buffer.kind === 'kept')) hoisted--;
  return { steps: [...first.slice(0, hoisted), ...later], hoisted };
}
