import { JepaError } from '../errors.js';
import { writeFileAtomically } from './atomic-file.js';
import { type ByteSource, memorySource, withFile } from './byte-source.js';
import type { HostTensor } from './host-tensor.js';
import { encodeNpy, readNpyFrom } from './npy.js';
import { checkOptions, withDefaults } from './options.js';
import { openZip } from './zip.js';
import { encodeZip } from './zip-writer.js';

export interface NpzReadOptions {
  /** Arrays to read; all by default. The others may be of any type. */
  readonly names?: readonly string[];
  /** Most bytes that compressed arrays may unpack to, together: a file of 1 MB can claim 1 GB (default 1 GiB). */
  readonly maxInflatedBytes?: number;
}

export interface NpzWriteOptions {
  /** Whether to deflate the arrays, as `numpy.savez_compressed` does (default false). */
  readonly compress?: boolean;
}

const extension = '.npy';

/**
 * Reads the arrays that `numpy.savez` or `numpy.savez_compressed` wrote, by name, as {@link readNpy} reads each of them.
 * @throws JepaError ERR_JEPA_IO; ERR_JEPA_CHECKPOINT_FORMAT for a damaged or ambiguous archive, one that unpacks to too much, and a
 *   name that is not in it; ERR_JEPA_DTYPE for an array that no dtype here can hold
 * @example
 * const arrays = await readNpz('episodes.npz', { names: ['frames', 'actions'] });
 * const actions = arrays.get('actions');
 */
export async function readNpz(path: string, options: NpzReadOptions = {}): Promise<Map<string, HostTensor>> {
  checkOptions('readNpz', options, ['names', 'maxInflatedBytes']);
  return withFile(path, 'npz', (source) => readNpzFrom(source, options));
}

/**
 * Writes arrays by name into one file that `numpy.load` reads, atomically. The same content gives the same bytes. Up to 4 GiB.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT
 * @example await writeNpz('probe.npz', new Map([['z', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]]));
 */
export async function writeNpz(
  path: string,
  arrays: ReadonlyMap<string, HostTensor>,
  options: NpzWriteOptions = {},
): Promise<void> {
  await writeFileAtomically(path, await encodeNpz(arrays, options));
}

/** The parts of an .npz file. */
export async function encodeNpz(
  arrays: ReadonlyMap<string, HostTensor>,
  options: NpzWriteOptions = {},
): Promise<Uint8Array[]> {
  checkOptions('writeNpz', options, ['compress']);
  const contents = [...arrays].map(([name, tensor]) => ({ name: name + extension, parts: encodeNpy(name, tensor) }));
  return encodeZip(contents, options.compress ?? false);
}

/** {@link readNpz} from any source. */
export async function readNpzFrom(source: ByteSource, options: NpzReadOptions = {}): Promise<Map<string, HostTensor>> {
  const { names, maxInflatedBytes } = withDefaults({ maxInflatedBytes: 2 ** 30 }, options);
  const archive = await openZip(source);
  const found = new Map<string, string>();
  for (const member of archive.members.keys())
    found.set(member.endsWith(extension) ? member.slice(0, -extension.length) : member, member);
  const chosen = (names ?? [...found.keys()]).map((name) => {
    const member = found.get(name);
    if (member?.endsWith(extension)) return { name, member };
    return refuse(
      member ? `'${member}' to be a .npy array` : `an array '${name}'`,
      member ? 'another file' : shown([...found.keys()]),
    );
  });
  let inflated = 0;
  for (const { member } of chosen) {
    const entry = archive.members.get(member);
    if (entry?.method === 'deflated') inflated += entry.size;
  }
  if (inflated > maxInflatedBytes)
    refuse(`arrays that unpack to at most ${maxInflatedBytes} bytes`, `${inflated}`, [
      'if the file is yours, raise maxInflatedBytes, or read fewer arrays with names',
    ]);
  const arrays = new Map<string, HostTensor>();
  for (const { name, member } of chosen)
    arrays.set(name, await readMember(name, await archive.read(member), found.size));
  return arrays;
}

async function readMember(name: string, bytes: Uint8Array, count: number): Promise<HostTensor> {
  try {
    return await readNpyFrom(memorySource(bytes));
  } catch (error) {
    if (!(error instanceof JepaError)) throw error;
    const [sentence] = error.message.split('\n');
    const help = error.code === 'ERR_JEPA_DTYPE' && count > 1 ? ['read the others by their names: { names: […] }'] : [];
    throw new JepaError(error.code, `${sentence}, in '${name}'`, { help: [...error.help, ...help], cause: error });
  }
}

function shown(names: readonly string[]): string {
  const some = names.slice(0, 8).map((name) => `'${name}'`);
  return names.length === 0 ? 'an empty archive' : `${some.join(', ')}${names.length > 8 ? ', …' : ''}`;
}

function refuse(expected: string, got: string, help: readonly string[] = []): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[npz] expected ${expected}, got ${got}`, { help });
}
