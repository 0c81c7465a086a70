import { JepaError } from '../../errors.js';
import { ByteWriter } from '../byte-writer.js';
import { bytesPerElement, dtypeCode } from '../dtype.js';
import { type Buffer, keyOf, type Value } from './ir.js';

/** One native node with its operands, and what to call it in printouts. */
export interface NativeStep {
  readonly op: string;
  readonly attributes: Uint8Array;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly label: string;
  readonly site?: string;
}

const magic = 0x4752504a; // "JPRG"
const version = 2;
const alignment = 64;
const maxBytes = 2 ** 46; // of one buffer, as native/runtime/program.cc has it
const kinds = ['temp', 'input', 'output', 'variable', 'constant', 'kept'] as const;

/** Writes a program in the format that native/runtime/program.h describes. */
export function writeProgram(
  steps: readonly NativeStep[],
  commitStart: number,
  guards: readonly Value[],
  ops: readonly string[],
  rowBlocks: boolean,
): { bytes: Uint8Array; buffers: Buffer[] } {
  const buffers: Buffer[] = [];
  const bufferIndex = new Map<Buffer, number>();
  const viewIndex = new Map<string, number>();
  const views = new ByteWriter();
  const view = (value: Value): number => {
    const key = `${value.dtype} ${keyOf({ ...value, constant: undefined })}`;
    const known = viewIndex.get(key);
    if (known !== undefined) return known;
    let index = bufferIndex.get(value.buffer);
    if (index === undefined) {
      index = buffers.push(value.buffer) - 1;
      bufferIndex.set(value.buffer, index);
    }
    views.u32(index).u8(dtypeCode(value.dtype)).u8(value.shape.length).u16(0).u64(value.offset);
    for (const extent of value.shape) views.u64(extent);
    for (const stride of value.strides) views.u64(stride);
    viewIndex.set(key, viewIndex.size);
    return viewIndex.size - 1;
  };
  const nodes = new ByteWriter();
  for (const { op, attributes, inputs, outputs } of steps) {
    const code = ops.indexOf(op);
    if (code < 0)
      throw new JepaError('ERR_JEPA_PROGRAM', `[compile] expected an op that the native side has, got '${op}'`);
    nodes.u16(code).u8(inputs.length).u8(outputs.length).u32(attributes.length);
    for (const value of [...inputs, ...outputs]) nodes.u32(view(value));
    nodes.append(attributes).pad(4);
  }
  const guardViews = guards.map(view);
  const constants = new ByteWriter();
  const header = new ByteWriter();
  for (const { kind, slot, elements, dtype, host } of buffers) {
    const bytes = elements * bytesPerElement(dtype);
    if (bytes > maxBytes)
      throw new JepaError(
        'ERR_JEPA_OUT_OF_MEMORY',
        `[compile] expected tensors that fit into memory, got one of ${elements} elements of ${dtype}`,
      );
    let place = slot;
    if (kind === 'constant' && host) {
      place = constants.length / alignment;
      constants.append(new Uint8Array(host.buffer, host.byteOffset, host.byteLength)).pad(alignment);
    }
    header.u8(kinds.indexOf(kind)).u8(0).u16(0).u32(place).u64(bytes);
  }
  const bytes = new ByteWriter()
    .u32(magic)
    .u32(version)
    .u32(rowBlocks ? 0 : 1)
    .u32(buffers.length)
    .u32(viewIndex.size)
    .u32(steps.length)
    .u32(commitStart)
    .u32(guardViews.length)
    .u32(constants.length)
    .append(header.bytes())
    .append(views.bytes())
    .append(nodes.bytes());
  for (const guard of guardViews) bytes.u32(guard);
  bytes.pad(alignment).append(constants.bytes());
  return { bytes: bytes.bytes(), buffers };
}
