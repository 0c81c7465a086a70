import { JepaError } from '../errors.js';
import { writeFileAtomically } from './atomic-file.js';
import { type ByteSource, withFile } from './byte-source.js';
import { byteSize, checkHostTensor, type HostTensor } from './host-tensor.js';
import { parseHeader, type TensorEntry } from './safetensors-header.js';

export type { HostTensor };

export interface SafetensorsFile {
  /** The strings of `__metadata__`. */
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, HostTensor>;
  /** Every tensor's name with its dtype on disk and shape, those that this library cannot hold included. */
  readonly listing: Map<string, TensorListing>;
}

export interface TensorListing {
  /** As the file says it: `F32`, `I64`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Why the tensor is listed but not loaded. */
  readonly unusable?: string;
}

const maxHeaderBytes = 100_000_000;
const disk = { float32: 'F32', bfloat16: 'BF16', float16: 'F16', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const;
const bytesOf: Record<string, number> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
};

const whatIsRead = [
  'name a model (.jepa), a checkpoint or another safetensors file; one that was cut short has to be copied again',
];

/**
 * Reads a safetensors file. I64 becomes int32 where every value fits; what cannot be held is listed with the reason.
 * @throws JepaError ERR_JEPA_IO, or ERR_JEPA_CHECKPOINT_FORMAT saying what is wrong with the file
 * @example const { tensors, metadata } = await readSafetensors('model.safetensors');
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, 'safetensors', async ({ size, read }: ByteSource) => {
    const prefix = await read(0, Math.min(8, size));
    const header = await read(8, headerBytes(prefix, size));
    return decode(header, await read(8 + header.length, size - 8 - header.length));
  });
}

/** {@link readSafetensors} from memory. */
export function parseSafetensors(file: Uint8Array): SafetensorsFile {
  const length = headerBytes(file.subarray(0, 8), file.length);
  return decode(file.subarray(8, 8 + length), file.subarray(8 + length));
}

/**
 * Writes tensors in the order of the map, atomically. The same content gives the same bytes.
 * @example await writeSafetensors('weights.safetensors', await new Linear(2, 1).stateDict(), { author: 'me' });
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, encode(tensors, metadata));
}

/** The parts of a safetensors file, header first. */
export function encode(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') invalid(`a string as metadata '${key}'`, typeof value);
  }
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    if (name === '__metadata__')
      invalid('another name for a tensor', `'__metadata__', which the format keeps for itself`);
    checkHostTensor('safetensors', name, tensor);
    const { dtype, shape, data } = tensor;
    header[name] = { dtype: disk[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, 0x20);
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return [length, padded, ...parts];
}

function headerBytes(prefix: Uint8Array, size: number): number {
  if (prefix.length < 8) refuse('at least 8 bytes', `${size}: no .jepa or safetensors file`, whatIsRead);
  const length = Buffer.from(prefix).readBigUInt64LE();
  if (length > BigInt(maxHeaderBytes))
    // text and other formats begin with bytes that are far too large a length
    refuse('a .jepa or safetensors file', 'one of another kind', whatIsRead);
  if (Number(length) > size - 8)
    refuse(`a header of at most ${size - 8} bytes`, `${length}: a file cut short, or of another kind`, whatIsRead);
  return Number(length);
}

function decode(header: Uint8Array, bytes: Uint8Array): SafetensorsFile {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    return refuse('a header in UTF-8', 'other bytes');
  }
  const { metadata, tensors: entries } = parseHeader(text);
  let covered = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    checkEntry(name, entry, covered);
    covered = entry.end;
  }
  if (covered !== bytes.length) refuse(`${covered} bytes of data`, `${bytes.length}`);
  const tensors = new Map<string, HostTensor>();
  const listing = new Map<string, TensorListing>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const copy = new Uint8Array(bytes.subarray(begin, end)); // aligned; the file need not be
    const tensor = hostTensor(name, dtype, shape, copy);
    if (typeof tensor === 'string') listing.set(name, { dtype, shape, unusable: tensor });
    else {
      listing.set(name, { dtype, shape });
      tensors.set(name, tensor);
    }
  }
  return { metadata, tensors, listing };
}

function checkEntry(name: string, { dtype, shape, begin, end }: TensorEntry, covered: number): void {
  const width = Object.hasOwn(bytesOf, dtype) ? bytesOf[dtype] : refuse(`a known dtype for '${name}'`, `'${dtype}'`);
  const size = byteSize(shape, width) ?? refuse(`a size below 2^53 for '${name}'`, `shape [${shape.join(', ')}]`);
  if (begin !== covered || end < begin)
    refuse(`'${name}' to begin at byte ${covered}, after the tensor before it`, `bytes ${begin} to ${end}`);
  if (end - begin !== size) refuse(`${size} bytes for '${name}' ${dtype} [${shape.join(', ')}]`, `${end - begin}`);
}

/** The tensor, or why this library cannot hold it. */
function hostTensor(name: string, dtype: string, shape: readonly number[], bytes: Uint8Array): HostTensor | string {
  const { buffer } = bytes;
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', shape, data: new Float32Array(buffer) };
    case 'BF16':
      return { dtype: 'bfloat16', shape, data: new Uint16Array(buffer) };
    case 'F16':
      return { dtype: 'float16', shape, data: new Uint16Array(buffer) };
    case 'I32':
      return { dtype: 'int32', shape, data: new Int32Array(buffer) };
    case 'U8':
      return { dtype: 'uint8', shape, data: bytes };
    case 'BOOL':
      if (bytes.some((value) => value > 1)) refuse(`only 0 and 1 in the bool tensor '${name}'`, 'another value');
      return { dtype: 'bool', shape, data: bytes };
    case 'I64': {
      const values = new BigInt64Array(buffer);
      const wide = values.find((value) => BigInt.asIntN(32, value) !== value);
      if (wide !== undefined) return `${wide} does not fit into int32`;
      return { dtype: 'int32', shape, data: Int32Array.from(values, Number) };
    }
    default:
      return `dtype ${dtype} has no counterpart here`;
  }
}

function invalid(expected: string, got: string): never {
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[safetensors] expected ${expected}, got ${got}`);
}

function refuse(expected: string, got: string, help: readonly string[] = []): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[safetensors] expected ${expected}, got ${got}`, { help });
}
