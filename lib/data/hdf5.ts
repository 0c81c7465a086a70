import { open } from 'node:fs/promises';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { importPeer } from './peer.js';

/** The part of h5wasm that is used. */
interface Hdf5Library {
  readonly ready: Promise<{ activate_throwing_error_handler(): number; deactivate_throwing_error_handler(): number }>;
  readonly File: new (path: string, mode: 'r') => Hdf5Group & { close(): void };
}

interface Hdf5Group {
  readonly type: 'Group';
  keys(): string[];
  get(path: string): Hdf5Group | Hdf5Array | null;
}

/** A dataset of the file. */
export interface Hdf5Array {
  readonly type: 'Dataset';
  readonly path: string;
  readonly shape: readonly number[] | null;
  readonly filters: readonly { readonly id: number; readonly name: string }[];
  slice(ranges: readonly (readonly number[])[]): unknown;
}

type Values = Exclude<ArrayBufferView & ArrayLike<number | bigint>, DataView>;

/** Filters that every build of HDF5 has; compressions beyond them are plug-ins. */
const lastBuiltInFilter = 6;

/** An HDF5 file opened for reading by h5wasm, an optional package: HDF5's own C library as WebAssembly. */
export class Hdf5File {
  readonly #where: string;
  readonly #file: InstanceType<Hdf5Library['File']>;
  readonly #library: Awaited<Hdf5Library['ready']>;
  readonly #names = new Map<string, ReadonlySet<string>>();
  #closed = false;

  private constructor(
    where: string,
    readonly path: string,
    library: Awaited<Hdf5Library['ready']>,
    file: InstanceType<Hdf5Library['File']>,
  ) {
    this.#where = where;
    this.#library = library;
    this.#file = file;
  }

  /** @throws JepaError ERR_JEPA_MISSING_PEER, ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT */
  static async open(where: string, path: string): Promise<Hdf5File> {
    const { ready, File } = await importPeer<Hdf5Library>(where, 'h5wasm', '0.10', 'h5wasm/node');
    const library = await ready;
    const readable = await open(path).catch((cause: unknown) => {
      throw ioError('read', path, cause);
    });
    await readable.close();
    const file = checked(
      library,
      () => new File(path, 'r'),
      (reason, cause) => {
        throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[${where}] expected an HDF5 file, got ${path}: ${reason}`, {
          cause,
        });
      },
    );
    return new Hdf5File(where, path, library, file);
  }

  /** Names in a group, none where there is no such group. */
  names(group: string): string[] {
    const path = group.split('/').filter(Boolean).join('/');
    return path === '' || this.#find(path) ? [...this.#namesIn(path)] : [];
  }

  /** The dataset of a path, if there is one. */
  array(path: string): Hdf5Array | undefined {
    const found = this.#find(path);
    return found?.type === 'Dataset' ? found : undefined;
  }

  /**
   * Rows start, start + stride, … before `end` of a dataset.
   * @throws JepaError ERR_JEPA_CORRUPT_SAMPLE where they are damaged, ERR_JEPA_DTYPE for what are no numbers, ERR_JEPA_DISPOSED
   */
  rows(array: Hdf5Array, start: number, end: number, stride = 1): Values {
    if (this.#closed)
      throw new JepaError('ERR_JEPA_DISPOSED', `[${this.#where}] expected ${this.path} to be open, got a closed file`);
    const foreign = array.filters.find(({ id }) => id > lastBuiltInFilter);
    if (foreign)
      throw new JepaError(
        'ERR_JEPA_DTYPE',
        `[${this.#where}] expected '${array.path}' in ${this.path} plain or deflated, got filter ${foreign.id} (${foreign.name || 'a plug-in'})`,
        {
          help: [
            `write it anew, on a machine that can read it: HDF5_PLUGIN_PATH=<folder of the filter's plug-in> h5repack -f GZIP=4 ${this.path} deflated.h5`,
          ],
        },
      );
    const everything = (array.shape ?? []).slice(1).map(() => []);
    const values = checked(
      this.#library,
      () => array.slice([[start, end, stride], ...everything]),
      (reason, cause) => {
        throw new JepaError(
          'ERR_JEPA_CORRUPT_SAMPLE',
          `[${this.#where}] expected rows ${start} to ${end - 1} of '${array.path}' in ${this.path}, got damaged ones: ${reason}`,
          { cause },
        );
      },
    );
    if (ArrayBuffer.isView(values)) return values as Values;
    throw new JepaError(
      'ERR_JEPA_DTYPE',
      `[${this.#where}] expected numbers in '${array.path}' in ${this.path}, got something else`,
    );
  }

  close(): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }

  /** Asking for what is not there is an error to the library, so every name on the way is looked up first. */
  #find(path: string): Hdf5Group | Hdf5Array | undefined {
    const parts = path.split('/').filter(Boolean);
    for (const [depth, name] of parts.entries())
      if (!this.#namesIn(parts.slice(0, depth).join('/')).has(name)) return undefined;
    return this.#file.get(parts.join('/')) ?? undefined;
  }

  #namesIn(path: string): ReadonlySet<string> {
    const known = this.#names.get(path);
    if (known) return known;
    const group = path === '' ? this.#file : this.#file.get(path);
    const names = new Set(group?.type === 'Group' ? group.keys() : []);
    this.#names.set(path, names);
    return names;
  }
}

/**
 * Runs a call of the library with errors thrown. By its default it prints them, and a failed read gives whatever was in memory.
 */
function checked<T>(
  library: Awaited<Hdf5Library['ready']>,
  call: () => T,
  failed: (reason: string, cause: unknown) => never,
): T {
  library.activate_throwing_error_handler();
  try {
    return call();
  } catch (cause) {
    const trace = cause instanceof Error ? cause.message : String(cause);
    return failed([...trace.matchAll(/\(\): (.+)$/gm)].at(-1)?.[1] ?? trace, cause); // the innermost of the C library's calls
  } finally {
    library.deactivate_throwing_error_handler();
  }
}
