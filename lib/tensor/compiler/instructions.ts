import { JepaError } from '../../errors.js';
import { ByteWriter } from '../byte-writer.js';
import { isFloat } from '../dtype.js';
import type { Emitter } from '../op.js';
import { adamwInstructions, type Instruction } from './adamw.js';
import { broadcastView, type ElementwiseNode, keyOf, type Value } from './ir.js';

const maxRegisters = 32;
const maxInstructions = 256;
const maxOperands = 40;

/** Instructions of one pass in single-assignment form: an instruction's number is the register it writes. */
class Listing implements Emitter {
  readonly instructions: Instruction[] = [];
  readonly #constants = new Map<string, number>();

  op(name: string, ...operands: number[]): number {
    this.instructions.push({ name, operands, immediate: 0 });
    return this.instructions.length - 1;
  }

  float(value: number): number {
    const bits = new DataView(new ArrayBuffer(4));
    bits.setFloat32(0, value);
    return this.#constant('const_f', bits.getUint32(0));
  }

  int(value: number): number {
    return this.#constant('const_i', Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)) >>> 0);
  }

  /** @param steady whether every element is the same */
  load(name: string, input: number, steady: boolean): number {
    this.instructions.push({ name, operands: [], immediate: input, steady });
    return this.instructions.length - 1;
  }

  #constant(name: string, immediate: number): number {
    const key = `${name}${immediate}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    this.instructions.push({ name, operands: [], immediate, steady: true });
    this.#constants.set(key, this.instructions.length - 1);
    return this.instructions.length - 1;
  }
}

export interface Pass {
  readonly attributes: Uint8Array;
  readonly inputs: readonly Value[];
}

/**
 * Writes the instructions that compute some elementwise nodes in one pass.
 * @param stores which value goes to each output, by the node that computes it
 * @param codes instruction codes by name
 * @returns undefined if it does not fit into the machine's registers or operands
 */
export function instructionsFor(
  members: readonly ElementwiseNode[],
  stores: readonly ElementwiseNode[],
  codes: ReadonlyMap<string, number>,
): Pass | undefined {
  const listing = new Listing();
  const inputs: Value[] = [];
  const loaded = new Map<string, number>();
  const results = new Map<string, number>();
  for (const { op, attributes, specs, inputs: values, output } of members) {
    const registers = values.map((value) => {
      const key = keyOf(value);
      const inside = results.get(key);
      if (inside !== undefined) return inside;
      if (value.constant !== undefined)
        return isFloat(value.dtype) ? listing.float(value.constant) : listing.int(value.constant);
      let register = loaded.get(key);
      if (register === undefined) {
        const view = broadcastView(value, output.shape);
        const steady = view.strides.every((stride, axis) => stride === 0 || view.shape[axis] === 1);
        register = listing.load(isFloat(value.dtype) ? 'load_f' : 'load_i', inputs.length, steady);
        inputs.push(view);
        loaded.set(key, register);
      }
      return register;
    });
    results.set(keyOf(output), op.emit?.(listing, registers, attributes, specs, output) ?? 0);
  }
  if (inputs.length + stores.length > maxOperands) return undefined;
  const stored = stores.map(({ output }) => results.get(keyOf(output)) as number);
  const whole = adamwInstructions(listing.instructions, stored);
  const attributes =
    allocate(whole.instructions, whole.stored, stores, codes, true) ??
    allocate(whole.instructions, whole.stored, stores, codes, false);
  return attributes && { attributes, inputs };
}

/** The last reader of every instruction's result; -1 for those that nobody needs. Stores read at the end. */
function lastUses(instructions: readonly Instruction[], stored: readonly number[]): number[] {
  const lastUse = new Array<number>(instructions.length).fill(-1);
  for (const register of stored) lastUse[register] = instructions.length;
  for (let index = instructions.length - 1; index >= 0; index--) {
    const { name, operands } = instructions[index];
    if (name === 'adamw' || name === 'more') lastUse[index] = Math.max(lastUse[index], index); // together or not at all
    if (lastUse[index] < 0) continue;
    for (const operand of operands) lastUse[operand] = Math.max(lastUse[operand], index);
  }
  return lastUse;
}

/**
 * Linear scan: a register is free again after its last reader.
 * @param pinned whether what is the same for all elements stays in a register of its own, which the machine then fills once
 */
function allocate(
  instructions: readonly Instruction[],
  stored: readonly number[],
  stores: readonly ElementwiseNode[],
  codes: ReadonlyMap<string, number>,
  pinned: boolean,
): Uint8Array | undefined {
  const lastUse = lastUses(instructions, stored);
  if (instructions.length + stored.length > maxInstructions) return undefined;
  const place = new Array<number>(instructions.length).fill(-1);
  const free: number[] = [];
  let used = 0;
  const writer = new ByteWriter();
  let written = 0;
  for (const [index, { name, operands, immediate }] of instructions.entries()) {
    if (lastUse[index] < 0) continue;
    const reads = operands.map((operand) => place[operand]);
    for (const operand of new Set(operands))
      if (lastUse[operand] === index && !(pinned && instructions[operand].steady)) free.push(place[operand]);
    const own = pinned && instructions[index].steady;
    const register = free.length > 0 && !own ? (free.pop() as number) : used++;
    if (register >= maxRegisters) return undefined;
    place[index] = register;
    const load = name === 'load_f' || name === 'load_i';
    emit(writer, codeOf(name, codes), register, load ? [immediate] : reads, load ? 0 : immediate);
    written++;
  }
  for (const [output, register] of stored.entries()) {
    emit(
      writer,
      codeOf(isFloat(stores[output].output.dtype) ? 'store_f' : 'store_i', codes),
      output,
      [place[register]],
      0,
    );
    written++;
  }
  return new ByteWriter().u16(written).u16(used).append(writer.bytes()).bytes();
}

function emit(
  writer: ByteWriter,
  code: number,
  destination: number,
  [a = 0, b = 0, c = 0]: readonly number[],
  immediate: number,
): void {
  writer.u8(code).u8(destination).u8(a).u8(b).u8(c).u8(0).u16(0).u32(immediate);
}

function codeOf(name: string, codes: ReadonlyMap<string, number>): number {
  const code = codes.get(name);
  if (code === undefined)
    throw new JepaError(
      'ERR_JEPA_PROGRAM',
      `[compile] expected an instruction of the elementwise machine, got '${name}'`,
    );
  return code;
}
