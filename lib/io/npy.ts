import { JepaError } from '../errors.js';
import { writeFileAtomically } from './atomic-file.js';
import { type ByteSource, withFile } from './byte-source.js';
import type { TypedArray } from './dtypes.js';
import { byteSize, checkHostTensor, type HostTensor } from './host-tensor.js';
import { maxRank, npyHeaderText, parseNpyHeader } from './npy-header.js';
import { descrs, fromFortranOrder, npyType, swapBytes } from './npy-types.js';

const magic = Buffer.from('\x93NUMPY', 'latin1');
/** NumPy's own limit for headers of files that it does not trust. */
const maxHeaderBytes = 10_000;
const alignment = 64;

/**
 * Reads an array that `numpy.save` wrote: format versions 1 to 3, either byte order, C or Fortran order, any shape, empty and scalar
 * ones included; values come in C order. What the types become:
 *
 * | NumPy | here | |
 * |---|---|---|
 * | float32, float16, int32, uint8, bool | the same | bit for bit |
 * | int8, int16, uint16 | int32 | exact |
 * | int64, uint64, uint32 | int32 | exact; refused if any value does not fit |
 * | float64 | float32 | rounded to nearest (relative error ≤ 2⁻²⁴, absolute ≤ 2⁻¹⁵⁰ near 0); refused if a finite value would become infinite |
 *
 * Nothing in the file is evaluated: objects (pickles), records, strings, dates and complex numbers are refused.
 * @throws JepaError ERR_JEPA_IO; ERR_JEPA_CHECKPOINT_FORMAT for a file that is damaged or none of these; ERR_JEPA_DTYPE for types and
 *   values that no dtype here can hold
 * @example
 * const { data, shape, dtype } = await readNpy('observations.npy');
 * const observations = tensor(data, { shape, dtype });
 */
export async function readNpy(path: string): Promise<HostTensor> {
  return withFile(path, 'npy', readNpyFrom);
}

/**
 * Writes an array that `numpy.load` reads, atomically and byte for byte as NumPy would. bfloat16, which NumPy does not have, is written
 * as float32, exactly.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await writeNpy('embeddings.npy', { dtype: 'float32', shape: z.shape, data: await z.data() });
 */
export async function writeNpy(path: string, tensor: HostTensor): Promise<void> {
  await writeFileAtomically(path, encodeNpy('array', tensor));
}

/** {@link readNpy} from any source, which it must fill to the end. */
export async function readNpyFrom(source: ByteSource): Promise<HostTensor> {
  const prefix = await source.read(0, Math.min(12, source.size));
  const { start, length, encoding } = headerPlace(prefix, source.size);
  const header = await source.read(start, length);
  const { descr, fortranOrder, shape } = parseNpyHeader(decodeText(header, encoding));
  const type = npyType(descr);
  const size = byteSize(shape, type.width);
  const rest = source.size - start - length;
  if (size !== rest)
    refuse(`${size ?? 'below 2^53'} bytes of data for ${descr} [${shape.join(', ')}]`, `${rest}`, {
      help: size !== undefined && size < rest ? ['keep several arrays in one .npz file, not one .npy'] : [],
    });
  const bytes = (await source.read(start + length, rest)) as Uint8Array<ArrayBuffer>;
  if (type.bigEndian) swapBytes(bytes, type.width);
  const data = type.decode(bytes);
  return { dtype: type.dtype, shape, data: fortranOrder ? fromFortranOrder(data, type.dtype, shape) : data };
}

/** The parts of a .npy file. */
export function encodeNpy(name: string, tensor: HostTensor): Uint8Array[] {
  checkHostTensor('npy', name, tensor);
  const { dtype, shape } = tensor;
  if (shape.length > maxRank)
    throw new JepaError('ERR_JEPA_SHAPE', `[npy] expected at most ${maxRank} axes for '${name}', got ${shape.length}`);
  const text = npyHeaderText({ descr: descrs[dtype], fortranOrder: false, shape });
  // The header ends with a newline where the data is aligned. A shape is far from what would need version 2.
  const length = Math.ceil((magic.length + 4 + text.length + 1) / alignment) * alignment;
  const header = Buffer.alloc(length, 0x20);
  magic.copy(header);
  header.writeUInt16LE(0x0001, magic.length);
  header.writeUInt16LE(length - magic.length - 4, magic.length + 2);
  header.write(text, magic.length + 4, 'latin1');
  header[length - 1] = 0x0a;
  const data = dtype === 'bfloat16' ? widened(tensor.data) : tensor.data;
  return [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

/** bfloat16 is the upper half of a float32. */
function widened(bits: TypedArray): Uint32Array {
  return Uint32Array.from(bits, (value) => value << 16);
}

interface HeaderPlace {
  readonly start: number;
  readonly length: number;
  readonly encoding: 'latin1' | 'utf-8';
}

/** Version 1 gives the header's length in two bytes, 2 and 3 in four; 3 is in UTF-8. */
function headerPlace(prefix: Uint8Array, size: number): HeaderPlace {
  const bytes = Buffer.from(prefix);
  if (bytes.length < magic.length + 2 || !bytes.subarray(0, magic.length).equals(magic))
    refuse("a .npy file, which begins with '\\x93NUMPY'", size === 0 ? 'no bytes' : 'other bytes');
  const [major, minor] = bytes.subarray(magic.length);
  if (![1, 2, 3].includes(major) || minor !== 0) refuse('format version 1.0, 2.0 or 3.0', `${major}.${minor}`);
  const start = magic.length + 2 + (major === 1 ? 2 : 4);
  if (bytes.length < start) refuse(`at least ${start} bytes`, `${size}`);
  const length = major === 1 ? bytes.readUInt16LE(magic.length + 2) : bytes.readUInt32LE(magic.length + 2);
  const most = Math.min(maxHeaderBytes, size - start);
  if (length > most) refuse(`a header of at most ${most} bytes`, `${length}`);
  return { start, length, encoding: major === 3 ? 'utf-8' : 'latin1' };
}

function decodeText(bytes: Uint8Array, encoding: HeaderPlace['encoding']): string {
  if (encoding === 'latin1') return Buffer.from(bytes).toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('a header in UTF-8', 'other bytes');
  }
}

function refuse(expected: string, got: string, options: { readonly help?: readonly string[] } = {}): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[npy] expected ${expected}, got ${got}`, options);
}
